/**
 * Invariants of the protocol, checked at every step on the replicas' own state: on what their disks hold, on
 * what the ring store holds, and on what they believe. This judge knows more than any replica does (every
 * disk at once), so it knows what is committed before anybody may act on it.
 */
import { present } from '../present.js';
import { entryContent } from '../../../core/protocol/entry.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type { EpochStart } from '../../../core/protocol/log-command.js';
import type { Version } from '../../../core/protocol/operation.js';
import type { PartitionRecord, RingRecord } from '../../../core/ring/ring-record.js';
import { SimulationFailure } from '../scheduler.js';
import type { LogView } from '../storage/storage-engine.js';
import { checkRingChange } from './ring-invariants.js';

/** What a replica believes. */
export interface ReplicaBelief {
  partition: number;
  /** 0 if it does not serve. */
  servingEpoch: number;
  promisedEpoch: number;
  syncedEpoch: number;
  lastSeq: number;
  commitSeq: number;
  appliedSeq: number;
}

export interface RunIdentity {
  id: string;
  storeId: string;
  bootCount: number;
  runId: string;
}

interface PartitionTruth {
  /** Configurations that the ring record ever held, by epoch. */
  configurations: Map<number, PartitionRecord>;
  /** Where each epoch began, for the logs synced in it: one answer for all of them. */
  starts: Map<number, readonly EpochStart[]>;
  /** By epoch and store: the greatest position it ever held durably while synced in that epoch. */
  held: Map<number, Map<string, number>>;
  /** By `epoch-seq`: what tells an entry from any other, and the request that it answers. */
  entries: Map<string, { checksum: number; idempotencyKey: string }>;
  /** Positions at which requests with an idempotency key are committed. */
  requests: Map<string, number>;
  committedSeq: number;
  /** By position: the epoch of the entry that is committed there. */
  committedEpochs: Map<number, number>;
  serving: Map<number, string>;
}

export function epochAt(starts: readonly EpochStart[], seq: number): number {
  let epoch = 0;
  for (const start of starts) if (start.firstSeq <= seq) epoch = start.epoch;
  return epoch;
}

function checksumOf(entry: Entry): number {
  const { bytes } = entry;
  return new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0);
}

export function fail(reason: string): never {
  throw new SimulationFailure('invariant', reason);
}

export class ProtocolInvariants {
  private readonly partitions = new Map<number, PartitionTruth>();
  /** The newest promise and synced epoch of each replica, by store. */
  private readonly stores = new Map<string, Map<number, LogView>>();

  committedSeq(partition: number): number {
    return this.truth(partition).committedSeq;
  }

  isCommitted(partition: number, version: Version): boolean {
    return this.truth(partition).committedEpochs.get(version.seq) === version.epoch;
  }

  ringSwapped(before: RingRecord | null, after: RingRecord): void {
    const problem = checkRingChange(before, after);
    if (problem !== undefined) fail(problem);
    for (const [partition, record] of after.partitions.entries()) {
      if (record.epoch === 0 || before?.partitions[partition]?.epoch === record.epoch) continue;
      this.configured(partition, record);
    }
  }

  private configured(partition: number, record: PartitionRecord): void {
    const truth = this.truth(partition);
    const { epoch } = record;
    const name = `partition ${partition}, epoch ${epoch}`;
    truth.configurations.set(epoch, record);
    const starts = truth.starts.get(epoch);
    const seq = truth.committedSeq;
    if (seq > 0) {
      const everyone = record.voters.map(({ storeId }) => truth.held.get(epoch)?.get(storeId) ?? -1);
      const holders = everyone.filter((held) => held >= seq).length;
      if (holders < Math.floor(record.voters.length / 2) + 1) {
        fail(
          `${name}: only ${holders} of ${record.voters.length} voters hold what is committed up to ${seq}`,
        );
      }
      if (starts !== undefined && epochAt(starts, seq) !== truth.committedEpochs.get(seq)) {
        fail(`${name}: its log holds another entry at the committed position ${seq}`);
      }
    }
    const primaryHolds = truth.held.get(epoch)?.has(record.primary.storeId) ?? false;
    if (!primaryHolds && epoch > 1 && truth.held.size > 0) fail(`${name}: the primary was not synced in it`);
    this.advance(partition, truth, epoch);
  }

  /**
   * Something of this replica became durable. `view` is the log on disk after it, null if the replica is
   * gone.
   */
  logWritten(storeId: string, partition: number, view: LogView | null, entries: readonly Entry[]): void {
    const truth = this.truth(partition);
    const name = `partition ${partition} of store ${storeId}`;
    for (const entry of entries) {
      const key = `${entry.epoch}-${entry.seq}`;
      const known = truth.entries.get(key);
      const checksum = checksumOf(entry);
      if (known === undefined) {
        truth.entries.set(key, { checksum, idempotencyKey: entryContent(entry).idempotencyKey });
      } else if (known.checksum !== checksum) {
        fail(`${name}: two different entries ${key}`);
      }
    }
    this.remember(storeId, partition, view, name);
    if (view === null || view.syncedEpoch === 0) return;
    this.agreeOnStarts(truth, view, name);
    const held = truth.held.get(view.syncedEpoch) ?? new Map<string, number>();
    truth.held.set(view.syncedEpoch, held);
    held.set(storeId, Math.max(held.get(storeId) ?? 0, view.lastSeq));
    this.advance(partition, truth, view.syncedEpoch);
  }

  private remember(storeId: string, partition: number, view: LogView | null, name: string): void {
    const replicas = this.stores.get(storeId) ?? new Map<number, LogView>();
    this.stores.set(storeId, replicas);
    const before = replicas.get(partition);
    if (view === null) {
      if (before !== undefined && before.promisedEpoch > 0) fail(`${name}: the promise was forgotten`);
      return;
    }
    const deleted = view.syncedEpoch === 0 && view.lastSeq === 0;
    if (before !== undefined) {
      if (view.promisedEpoch < before.promisedEpoch) {
        fail(`${name}: the promise fell from ${before.promisedEpoch} to ${view.promisedEpoch}`);
      }
      if (view.syncedEpoch < before.syncedEpoch && !deleted) {
        fail(`${name}: the synced epoch fell from ${before.syncedEpoch} to ${view.syncedEpoch}`);
      }
      const sameEpoch = view.syncedEpoch === before.syncedEpoch && view.syncedEpoch > 0;
      if (sameEpoch && view.lastSeq < before.lastSeq) {
        fail(`${name}: cut from ${before.lastSeq} to ${view.lastSeq} within epoch ${view.syncedEpoch}`);
      }
    }
    replicas.set(partition, view);
  }

  private agreeOnStarts(truth: PartitionTruth, view: LogView, name: string): void {
    const known = truth.starts.get(view.syncedEpoch);
    if (known === undefined) {
      truth.starts.set(view.syncedEpoch, view.epochStarts);
      return;
    }
    if (known === view.epochStarts) return;
    const one = known.at(-1);
    const other = view.epochStarts.at(-1);
    if (one?.epoch !== other?.epoch || one?.firstSeq !== other?.firstSeq) {
      fail(
        `${name}: epoch ${view.syncedEpoch} has two beginnings: ${one?.epoch}/${one?.firstSeq} and ${other?.epoch}/${other?.firstSeq}`,
      );
    }
  }

  /** A commit quorum of an epoch's voters may now hold more. */
  private advance(partition: number, truth: PartitionTruth, epoch: number): void {
    const record = truth.configurations.get(epoch);
    const held = truth.held.get(epoch);
    const starts = truth.starts.get(epoch);
    if (record === undefined || held === undefined || starts === undefined) return;
    const positions = record.voters.map(({ storeId }) => held.get(storeId) ?? 0).sort((a, b) => b - a);
    const seq = positions[Math.floor(record.voters.length / 2)] ?? 0;
    for (let at = truth.committedSeq + 1; at <= seq; at += 1) {
      const epochThere = epochAt(starts, at);
      truth.committedEpochs.set(at, epochThere);
      this.requestCommitted(partition, truth, epochThere, at);
    }
    if (seq > truth.committedSeq) {
      const newest = [...truth.configurations.keys()].reduce((a, b) => Math.max(a, b), 0);
      truth.committedSeq = seq;
      if (newest > epoch) this.checkNewest(partition, truth, newest);
    }
  }

  private requestCommitted(partition: number, truth: PartitionTruth, epoch: number, seq: number): void {
    const { idempotencyKey } = truth.entries.get(`${epoch}-${seq}`) ?? { idempotencyKey: '' };
    if (idempotencyKey === '') return;
    const first = truth.requests.get(idempotencyKey);
    if (first !== undefined)
      fail(`partition ${partition}: ${idempotencyKey} is committed at ${first} and at ${seq}`);
    truth.requests.set(idempotencyKey, seq);
  }

  /** A replica was deleted on a record of this epoch. Call before `logWritten`. */
  deleted(storeId: string, partition: number, recordEpoch: number): void {
    const promised = this.stores.get(storeId)?.get(partition)?.promisedEpoch ?? 0;
    if (promised > recordEpoch) {
      fail(
        `partition ${partition} of store ${storeId}: deleted by epoch ${recordEpoch} below its promise ${promised}`,
      );
    }
  }

  /** Committed in an older epoch although a newer configuration is true: the newer one has to hold it. */
  private checkNewest(partition: number, truth: PartitionTruth, epoch: number): void {
    const record = present(truth.configurations.get(epoch));
    const seq = truth.committedSeq;
    const holders = record.voters.filter(
      ({ storeId }) => (truth.held.get(epoch)?.get(storeId) ?? -1) >= seq,
    ).length;
    const starts = truth.starts.get(epoch);
    const differs = starts !== undefined && epochAt(starts, seq) !== truth.committedEpochs.get(seq);
    if (holders < Math.floor(record.voters.length / 2) + 1 || differs) {
      fail(
        `partition ${partition}: ${seq} was committed in an epoch before ${epoch}, which does not hold it`,
      );
    }
  }

  /** Entries are about to be applied to a table. */
  applied(storeId: string, partition: number, entries: readonly Entry[]): void {
    const truth = this.truth(partition);
    for (const { epoch, seq } of entries) {
      if (truth.committedEpochs.get(seq) === epoch) continue;
      fail(`partition ${partition} of store ${storeId}: applied ${epoch}-${seq}, which is not committed`);
    }
  }

  /** What one run of a worker believes of a replica, after any step of it. */
  believed(run: RunIdentity, belief: ReplicaBelief): void {
    const truth = this.truth(belief.partition);
    if (belief.commitSeq > truth.committedSeq) {
      fail(
        `partition ${belief.partition} of ${run.id}: believes ${belief.commitSeq} committed, but only ${truth.committedSeq} is`,
      );
    }
    if (belief.appliedSeq > belief.commitSeq) {
      fail(
        `partition ${belief.partition} of ${run.id}: applied ${belief.appliedSeq} beyond ${belief.commitSeq}`,
      );
    }
    if (belief.servingEpoch > 0) this.serves(run, belief, truth);
  }

  private serves(run: RunIdentity, belief: ReplicaBelief, truth: PartitionTruth): void {
    const { partition, servingEpoch } = belief;
    const owner = truth.serving.get(servingEpoch);
    if (owner === run.runId) {
      if (belief.promisedEpoch > servingEpoch)
        fail(`partition ${partition} of ${run.id}: serves below its promise`);
      return;
    }
    if (owner !== undefined) fail(`partition ${partition}: two primaries serve in epoch ${servingEpoch}`);
    const record = truth.configurations.get(servingEpoch);
    const { primary } = record ?? {};
    if (primary === undefined)
      fail(`partition ${partition} of ${run.id}: serves in an epoch that is not in the ring`);
    if (primary.id !== run.id || primary.storeId !== run.storeId || primary.bootCount !== run.bootCount) {
      fail(
        `partition ${partition} of ${run.id}: serves in epoch ${servingEpoch}, which names another primary`,
      );
    }
    if (belief.promisedEpoch > servingEpoch)
      fail(`partition ${partition} of ${run.id}: serves below its promise`);
    truth.serving.set(servingEpoch, run.runId);
  }

  /** The disk was replaced by an older image: what it remembers may fall. */
  storeRestored(storeId: string): void {
    this.stores.delete(storeId);
  }

  private truth(partition: number): PartitionTruth {
    let truth = this.partitions.get(partition);
    if (truth === undefined) {
      truth = {
        configurations: new Map(),
        starts: new Map(),
        held: new Map(),
        entries: new Map(),
        requests: new Map(),
        committedSeq: 0,
        committedEpochs: new Map(),
        serving: new Map(),
      };
      this.partitions.set(partition, truth);
    }
    return truth;
  }
}
