/**
 * A newer ring: the one thing that makes configurations true. Replicas are activated, reconfigured, deposed
 * or deleted by it.
 */
import { WireError } from '../protocol/wire.js';
import { decodeRing } from '../ring/ring-payload.js';
import type { Identity, PartitionRecord, RingRecord } from '../ring/ring-record.js';
import { sameIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Context } from './context.js';
import type { Removal } from './removal.js';
import type { Leading } from './leading.js';
import type { Replica } from './replica.js';

export class RingChange {
  constructor(
    private readonly context: Context,
    private readonly leading: Leading,
    private readonly removal: Removal,
  ) {}

  /** Takes over a ring if it is newer than the one known. */
  offer(payload: Uint8Array): void {
    let ring: RingRecord;
    try {
      ring = decodeRing(payload);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.context.note('ring does not parse', { reason: error.message });
    }
    const { context } = this;
    if (ring.clusterId !== context.clusterId) return context.note('ring of another cluster', {});
    if (context.ring !== null && ring.version <= context.ring.version) return;
    context.jot({ type: 'ring', version: ring.version, bytes: payload.slice() });
    this.adopt(ring);
    for (const peer of context.peers.keys())
      context.send(peer, { type: 'ringVersion', version: ring.version });
  }

  adopt(ring: RingRecord): void {
    const { context } = this;
    context.ring = ring;
    context.emit({ type: 'connect', members: new Map(Object.entries(ring.members)) });
    for (const replica of context.replicas.values()) this.review(replica);
  }

  /**
   * Level-triggered: brings one replica in line with the ring. Called again whenever the replica has moved.
   */
  review(replica: Replica): void {
    const record = this.context.ring?.partitions[replica.partition];
    if (record === undefined) return;
    this.leading.resolve(replica, record);
    if (replica.stalled || replica.deleting) return;
    const { leader } = replica;
    const named = this.leading.isNamed(replica, record);
    if (leader === null) {
      const mayResume = !holds('restart-loses-place') || !holds('lost-place-is-lasting');
      if (named && mayResume) this.leading.resume(replica, record);
    } else if (leader.epoch < record.epoch) {
      this.leading.stepDown(replica, 'the ring names a newer configuration');
    } else if (leader.epoch === record.epoch && leader.ready && named) {
      if (!leader.active) this.leading.activate(replica, leader, record);
      else if (differs(leader, record)) this.leading.configure(replica, leader, record);
    }
    this.deleteIfLeftOut(replica, record);
  }

  private deleteIfLeftOut(replica: Replica, record: PartitionRecord): void {
    if (!this.leading.isIdle(record, this.context.self)) return;
    if (record.epoch < replica.promisedEpoch && holds('delete-at-promise')) return;
    // A learner that got no further leaves rows of its copy behind.
    if (replica.syncedEpoch === 0 && replica.lastSeq === 0 && !replica.stagedRows) return;
    if (replica.tableBusy || replica.writesUnderWay > 0 || replica.unresolved.length > 0) return;
    if (replica.leader !== null) this.leading.stepDown(replica, 'the ring leaves this replica out');
    this.removal.remove(replica, record);
  }
}

function differs(
  leader: { voters: Identity[]; learners: Identity[] },
  { voters, learners }: PartitionRecord,
): boolean {
  return !sameList(leader.voters, voters) || !sameList(leader.learners, learners);
}

function sameList(a: readonly Identity[], b: readonly Identity[]): boolean {
  return a === b || (a.length === b.length && a.every((one, at) => sameIdentity(one, b[at] ?? one)));
}
