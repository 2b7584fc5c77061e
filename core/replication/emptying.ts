/**
 * Removing a replica's data: because a record leaves it out, or because its table is damaged and a copy has to replace it. The log
 * forgets first, then the table; the promise stays.
 */
import type { LogCommand } from '../protocol/log-command.js';
import type { PartitionRecord } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Context } from './context.js';
import type { Replica } from './replica.js';

export class Emptying {
  constructor(
    private readonly context: Context,
    private readonly stepDown: (replica: Replica, reason: string) => void,
  ) {}

  /** The ring leaves this replica out, at or above its promise. */
  remove(replica: Replica, record: PartitionRecord): void {
    const { partition } = replica;
    this.context.note('replica deleted', { partition, epoch: record.epoch });
    this.empty(replica, { type: 'delete', partition, recordEpoch: record.epoch }, false);
  }

  /** A row's checksum differs: what the table holds of this partition cannot be trusted. */
  forget(replica: Replica): void {
    if (replica.stalled || replica.deleting || replica.tableBusy || replica.forgotten) return;
    const { partition } = replica;
    this.context.note('table damaged: the replica is refilled', { partition });
    this.stepDown(replica, 'its table is damaged');
    replica.receiver = null;
    this.empty(replica, { type: 'forget', partition }, true);
  }

  private empty(replica: Replica, command: LogCommand, forgotten: boolean): void {
    const { context } = this;
    const { partition } = replica;
    replica.deleting = true;
    replica.tableBusy = true;
    context.persist(replica, command, {
      done: () => context.emit({ type: 'drop', partition, done: () => this.emptied(replica, forgotten) }),
      failed: () => {
        replica.deleting = false;
        replica.tableBusy = false;
      },
    });
  }

  private emptied(old: Replica, forgotten: boolean): void {
    const { context } = this;
    context.replicas.delete(old.partition);
    const fresh = context.replica(old.partition);
    if (!forgotten) context.deleted.add(old.partition);
    fresh.forgotten = forgotten;
    fresh.unresolved = old.unresolved;
    if (!holds('promise-survives-delete')) return;
    fresh.promisedEpoch = old.promisedEpoch;
    fresh.durable.promisedEpoch = old.durable.promisedEpoch;
    fresh.grants = old.grants;
    fresh.lostPlaceEpoch = old.lostPlaceEpoch;
  }
}
