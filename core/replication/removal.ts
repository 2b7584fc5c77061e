/**
 * Removing the replica that a record leaves out: the log forgets first, then the table; the promise stays.
 */
import type { PartitionRecord } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Context } from './context.js';
import type { Replica } from './replica.js';

export class Removal {
  constructor(private readonly context: Context) {}

  /** The ring leaves this replica out, at or above its promise. */
  remove(replica: Replica, record: PartitionRecord): void {
    const { context } = this;
    const { partition } = replica;
    const { epoch } = record;
    context.note('replica deleted', { partition, epoch });
    replica.deleting = true;
    replica.tableBusy = true;
    context.persist(
      replica,
      { type: 'delete', partition, recordEpoch: epoch },
      {
        done: () => context.emit({ type: 'drop', partition, done: () => this.removed(replica) }),
        failed: () => {
          replica.deleting = false;
          replica.tableBusy = false;
        },
      },
    );
  }

  private removed(old: Replica): void {
    const { context } = this;
    context.replicas.delete(old.partition);
    const fresh = context.replica(old.partition);
    context.deleted.add(old.partition);
    if (!holds('promise-survives-delete')) return;
    fresh.promisedEpoch = old.promisedEpoch;
    fresh.durable.promisedEpoch = old.durable.promisedEpoch;
    fresh.grants = old.grants;
    fresh.reportVersion = old.reportVersion + 1;
    fresh.lostPlaceEpoch = old.lostPlaceEpoch;
  }
}
