/**
 * What the worker shows of the cluster: the shapes of `/v1/status` and `/v1/explain`, and how they follow
 * from the ring and from whom this worker can reach. It is one worker's view; the controller's says more.
 */
import { commitQuorum } from '../../core/ring/ring-record.js';
import type { PartitionRecord, RingRecord, WorkerId } from '../../core/ring/ring-record.js';
import { partitionOf } from '../../core/ring/hash.js';

export type WorkerState = 'up' | 'unreachable' | 'draining';

export interface WorkerView {
  id: WorkerId;
  url: string;
  /** Known of this worker and of those that are connected to it. */
  pid: number | null;
  state: WorkerState;
  zone: string;
  primaries: number;
  replicas: number;
}

export interface PartitionTotals {
  total: number;
  /** As many voters as the replication factor asks for, and all of them reachable. */
  fullyReplicated: number;
  underReplicated: number;
  withoutQuorum: number;
  /** Being reconfigured, or filling a new replica. */
  moving: number;
}

export interface StatusView {
  ringVersion: number;
  /**
   * `starting`: no ring yet. `degraded`: every partition can be written, but not all are fully replicated.
   */
  phase: 'starting' | 'ready' | 'degraded' | 'unavailable';
  workers: WorkerView[];
  partitions: PartitionTotals;
  /** Whose view this is. */
  seenBy: WorkerId;
}

export interface VoterView {
  id: WorkerId;
  url: string | null;
  reachable: boolean;
  /** Entries that it lacks; null where this worker does not know. */
  lag: number | null;
}

export interface Explanation {
  key: string;
  partition: number;
  epoch: number;
  primary: WorkerId;
  voters: VoterView[];
  learners: WorkerId[];
  /** Voters that must hold a write before it is acknowledged. */
  quorum: number;
  /** One more voter could be lost and the key could still be written. */
  safe: boolean;
  seenBy: WorkerId;
}

/** A request field: the view of the worker that is asked is wanted, and no other's. */
export const ownViewField = 'Kvorum-Own-View';

/** What a worker knows besides the ring. */
export interface Vantage {
  id: WorkerId;
  pid: number;
  /** The process of a peer that is connected, where that is known. */
  pidOf?(peer: WorkerId): number | null;
  isConnected(peer: WorkerId): boolean;
  /** Entries that a voter of this partition lacks, if this worker is its primary; else null. */
  lag(partition: number, voter: WorkerId): number | null;
}

export function statusView(ring: RingRecord | null, vantage: Vantage): StatusView {
  const seenBy = vantage.id;
  const partitions = { total: 0, fullyReplicated: 0, underReplicated: 0, withoutQuorum: 0, moving: 0 };
  if (ring === null) return { ringVersion: 0, phase: 'starting', workers: [], partitions, seenBy };
  const workers = new Map<WorkerId, WorkerView>();
  for (const [id, member] of Object.entries(ring.members)) {
    const url = `http://${member.host}:${member.clientPort}`;
    const up = isReachable(vantage, id);
    const state = !up ? 'unreachable' : member.state === 'draining' ? 'draining' : 'up';
    const pid = id === vantage.id ? vantage.pid : (vantage.pidOf?.(id) ?? null);
    workers.set(id, { id, url, pid, state, zone: member.zone, primaries: 0, replicas: 0 });
  }
  for (const record of ring.partitions) {
    countPartition(record, ring.replicationFactor, vantage, partitions);
    const primary = workers.get(record.primary.id);
    if (primary !== undefined) primary.primaries += 1;
    for (const voter of record.voters) {
      const worker = workers.get(voter.id);
      if (worker !== undefined) worker.replicas += 1;
    }
  }
  const { total, fullyReplicated, withoutQuorum } = partitions;
  const phase = withoutQuorum > 0 ? 'unavailable' : fullyReplicated === total ? 'ready' : 'degraded';
  return { ringVersion: ring.version, phase, workers: [...workers.values()], partitions, seenBy };
}

function countPartition(
  record: PartitionRecord,
  replicationFactor: number,
  vantage: Vantage,
  totals: PartitionTotals,
): void {
  const reachable = reachableVoters(record, vantage);
  totals.total += 1;
  if (reachable < commitQuorum(record.voters.length)) totals.withoutQuorum += 1;
  if (reachable >= replicationFactor) totals.fullyReplicated += 1;
  else totals.underReplicated += 1;
  if (record.attempt !== record.epoch || record.learners.length > 0) totals.moving += 1;
}

export function explainKey(ring: RingRecord, key: Uint8Array, vantage: Vantage): Explanation | null {
  const partition = partitionOf(key, ring.partitionCount);
  const record = ring.partitions[partition];
  if (record === undefined) return null;
  const quorum = commitQuorum(record.voters.length);
  return {
    key: Buffer.from(key).toString('utf8'),
    partition,
    epoch: record.epoch,
    primary: record.primary.id,
    voters: record.voters.map(({ id }) => {
      const member = ring.members[id];
      const url = member === undefined ? null : `http://${member.host}:${member.clientPort}`;
      return { id, url, reachable: isReachable(vantage, id), lag: vantage.lag(partition, id) };
    }),
    learners: record.learners.map((learner) => learner.id),
    quorum,
    safe: reachableVoters(record, vantage) > quorum,
    seenBy: vantage.id,
  };
}

function isReachable(vantage: Vantage, id: WorkerId): boolean {
  return id === vantage.id || vantage.isConnected(id);
}

function reachableVoters(record: PartitionRecord, vantage: Vantage): number {
  return record.voters.filter((voter) => isReachable(vantage, voter.id)).length;
}
