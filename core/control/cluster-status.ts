/**
 * The cluster as a person wants to see it: every worker, the state of the partitions in numbers, and one
 * sentence that says what is being done or awaited.
 */
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import { isWhole } from './evenness.js';
import { hasQuorum, isHealthy } from './plan-view.js';
import type { PlanView } from './plan-view.js';
import type { Sight } from './sight.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export interface WorkerStatus {
  id: WorkerId;
  url: string;
  state: 'starting' | 'ready' | 'suspected' | 'lost' | 'leaving' | 'draining';
  zone: string;
  storeId: string;
  bootCount: number;
  ringVersion: number;
  primaries: number;
  replicas: number;
  learners: number;
  diskFull: boolean;
}

export interface PartitionCounts {
  total: number;
  fullyReplicated: number;
  underReplicated: number;
  withoutQuorum: number;
  moving: number;
  /** Counted as under-replicated too: changed as planned, and not yet seen level. Nothing is lost. */
  settling: number;
}

export interface ClusterStatus {
  ringVersion: number;
  epochCounter: number;
  partitionCount: number;
  replicationFactor: number;
  phase: string;
  awaited: string;
  workers: WorkerStatus[];
  partitions: PartitionCounts;
}

function workerStatuses(record: RingRecord | null, workers: WorkerDirectory): WorkerStatus[] {
  const ids = new Set([...workers.all().map((facts) => facts.id), ...Object.keys(record?.members ?? {})]);
  const counts = countRoles(record);
  return [...ids].sort().map((id) => {
    const facts = workers.get(id);
    const place = facts?.expected ?? record?.members[id];
    return {
      id,
      url: place === undefined ? '' : `http://${place.host}:${place.clientPort}`,
      state: stateWord(facts),
      zone: place?.zone ?? '',
      storeId: facts?.storeId ?? '',
      bootCount: facts?.bootCount ?? 0,
      ringVersion: facts?.ringVersion ?? 0,
      ...(counts.get(id) ?? { primaries: 0, replicas: 0, learners: 0 }),
      diskFull: facts?.diskFull ?? false,
    };
  });
}

function stateWord(facts: WorkerFacts | undefined): WorkerStatus['state'] {
  if (facts === undefined || facts.liveness === 'unknown') return 'starting';
  if (facts.liveness === 'dead') return 'lost';
  if (facts.liveness === 'suspected') return 'suspected';
  if (facts.leaving || facts.expected?.wish === 'restart') return 'leaving';
  return facts.expected?.wish === 'stay' ? 'ready' : 'draining';
}

function countRoles(record: RingRecord | null) {
  const counts = new Map<WorkerId, { primaries: number; replicas: number; learners: number }>();
  const of = (id: WorkerId) => {
    const known = counts.get(id) ?? { primaries: 0, replicas: 0, learners: 0 };
    counts.set(id, known);
    return known;
  };
  for (const { epoch, primary, voters, learners } of record?.partitions ?? []) {
    if (epoch === 0) continue;
    of(primary.id).primaries += 1;
    for (const { id } of voters) of(id).replicas += 1;
    for (const { id } of learners) of(id).learners += 1;
  }
  return counts;
}

/** Of a partition that is in the ring; it may be moving besides. */
export type PartitionState = 'fullyReplicated' | 'underReplicated' | 'withoutQuorum';

export function partitionState(view: PlanView, partition: number): PartitionState {
  const record = view.record.partitions[partition];
  if (record === undefined || record.epoch === 0 || !hasQuorum(view, record)) return 'withoutQuorum';
  const isFull = record.voters.length >= view.record.replicationFactor && isHealthy(view, partition);
  return isFull ? 'fullyReplicated' : 'underReplicated';
}

/** Being reconfigured, or filling a new replica. */
export function isMoving(view: PlanView, partition: number): boolean {
  return view.isBusy(partition) || (view.record.partitions[partition]?.learners.length ?? 0) > 0;
}

export const noPartitions: Readonly<PartitionCounts> = {
  total: 0,
  fullyReplicated: 0,
  underReplicated: 0,
  withoutQuorum: 0,
  moving: 0,
  settling: 0,
};

/**
 * A partition can be moving and fully replicated, or under-replicated, at once; the other three exclude each
 * other.
 */
function partitionCounts(view: PlanView): PartitionCounts {
  const counts = { ...noPartitions };
  for (const partition of view.record.partitions.keys()) {
    counts.total += 1;
    if (isMoving(view, partition)) counts.moving += 1;
    const state = partitionState(view, partition);
    counts[state] += 1;
    const settles = state === 'underReplicated' && isWhole(view, partition) && view.isSettling(partition);
    if (settles) counts.settling += 1;
  }
  return counts;
}

function phaseOf(
  counts: PartitionCounts,
  record: RingRecord,
  workers: readonly WorkerStatus[],
): { phase: string; awaited: string } {
  const lost = workers.filter((worker) => worker.state === 'lost' || worker.state === 'suspected');
  const names = lost.map((worker) => worker.id).join(', ');
  if (record.partitions.some((partition) => partition.epoch === 0)) {
    return { phase: 'making the first ring', awaited: 'the first configuration of every partition' };
  }
  if (counts.withoutQuorum > 0) {
    return {
      phase: `${counts.withoutQuorum} partitions without quorum`,
      awaited: names === '' ? 'a majority of their stores' : `a majority of their stores: ${names} missing`,
    };
  }
  const lacking = counts.underReplicated - counts.settling;
  if (lacking > 0) {
    const awaited = names === '' ? 'replicas to become level' : `${names} to return or to be replaced`;
    return { phase: `${lacking} partitions under-replicated`, awaited };
  }
  const moving = Math.max(counts.moving, counts.settling);
  if (moving > 0) return { phase: `moving ${moving} partitions`, awaited: 'the moves to finish' };
  const draining = workers.filter((worker) => worker.state === 'draining' && worker.replicas > 0);
  if (draining.length > 0) {
    const ids = draining.map((worker) => worker.id).join(', ');
    return { phase: `draining ${ids}`, awaited: 'other workers with room for its replicas' };
  }
  return { phase: 'fully replicated', awaited: 'nothing' };
}

export function statusOf(sight: Sight): ClusterStatus {
  const { view } = sight;
  if (view === null) return statusWithoutRing(sight);
  const { record } = view;
  const workers = workerStatuses(record, view.workers);
  const partitions = partitionCounts(view);
  const { version: ringVersion, epochCounter, partitionCount, replicationFactor } = record;
  const words = phaseOf(partitions, record, workers);
  return { ringVersion, epochCounter, partitionCount, replicationFactor, ...words, workers, partitions };
}

/** While there is no ring, or none that can be acted on. */
function statusWithoutRing({ shape, record, workers, halted, awaited }: Sight): ClusterStatus {
  return {
    ringVersion: record?.version ?? 0,
    epochCounter: record?.epochCounter ?? 0,
    partitionCount: shape.partitionCount,
    replicationFactor: shape.replicationFactor,
    phase: halted === '' ? 'waiting' : 'stopped',
    awaited: halted === '' ? awaited : halted,
    workers: workerStatuses(record, workers),
    partitions: noPartitions,
  };
}
