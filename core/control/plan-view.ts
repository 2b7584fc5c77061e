/**
 * What the planners look at: the ring record, the workers, the wished placement, and which partitions are not
 * to be touched now. Planners are pure: the same view gives the same plan.
 */
import type { ReplicaReport } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import type { PartitionPlacement } from '../ring/placement.js';
import type { Identity, PartitionRecord, RingRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum } from '../ring/ring-record.js';
import { isFit, isPresent } from './worker-facts.js';
import type { WorkerDirectory } from './worker-facts.js';

export interface PlanView {
  now: number;
  limits: Limits;
  record: RingRecord;
  workers: WorkerDirectory;
  /** Who should hold what; null while there are too few workers to say. */
  wished: readonly PartitionPlacement[] | null;
  /** Another controller was at work just now: what is not needed waits. */
  unsettled: boolean;
  /** Planned changes of it that failed in a row. */
  moveFailures(partition: number): number;
  /** In a reconfiguration now. */
  isBusy(partition: number): boolean;
  /** Not seen level just now, though none of its replicas has been missing since it was. */
  isSettling(partition: number): boolean;
  /** For how long `key` has been asked about in each pass, without a gap. */
  lastsMs(key: string): number;
}

/**
 * After this many failures a planned change is made without holding writes: what cannot be committed cannot
 * be waited for.
 */
const holdFailuresMax = 2;

export function shouldHold(view: PlanView, partition: number): boolean {
  const record = view.record.partitions[partition];
  if (record === undefined || view.moveFailures(partition) >= holdFailuresMax) return false;
  return hasQuorum(view, record);
}

export function presentVoters(view: PlanView, record: PartitionRecord): Identity[] {
  return record.voters.filter((voter) => isPresent(view.workers.get(voter.id), voter));
}

/** As many voters are there as it takes to fence the partition and to bring a majority level. */
export function hasQuorum(view: PlanView, record: PartitionRecord): boolean {
  return presentVoters(view, record).length >= commitQuorum(record.voters.length);
}

/** The report of the primary, if it serves in the record's configuration. */
export function servingReport(view: PlanView, partition: number): ReplicaReport | null {
  const record = view.record.partitions[partition];
  const facts = record === undefined ? undefined : view.workers.get(record.primary.id);
  if (record === undefined || !isPresent(facts, record.primary)) return null;
  if (facts?.bootCount !== record.primary.bootCount) return null;
  const report = facts.replicas.get(partition);
  return report?.serving === true && report.syncedEpoch === record.epoch ? report : null;
}

export function isLevel(report: ReplicaReport, identity: Identity): boolean {
  return report.levels.some(
    (entry) => entry.id === identity.id && entry.storeId === identity.storeId && entry.level,
  );
}

/** A row of the replica's table cannot be read: it should not lead, and a copy is on its way. */
export function isDamaged(view: PlanView, partition: number, id: WorkerId): boolean {
  return view.workers.get(id)?.replicas.get(partition)?.damaged === true;
}

/** Every voter is there, whole, and level with a primary that serves. */
export function isHealthy(view: PlanView, partition: number): boolean {
  const record = view.record.partitions[partition];
  const report = servingReport(view, partition);
  if (record === undefined || report === null) return false;
  return record.voters.every(
    (voter) =>
      isPresent(view.workers.get(voter.id), voter) &&
      !isDamaged(view, partition, voter.id) &&
      (voter.id === record.primary.id || isLevel(report, voter)),
  );
}

/**
 * Voters in the order in which they should lead, among equals: fit ones, the wished one, those with few
 * primaries.
 */
export function leadersInOrder(
  view: PlanView,
  partition: number,
  voters: readonly Identity[],
  loads: ReadonlyMap<WorkerId, number>,
): WorkerId[] {
  const wished = view.wished?.[partition]?.primary;
  const isGood = (id: WorkerId) => isFit(view.workers.get(id)) && !isDamaged(view, partition, id);
  const cost = (id: WorkerId) =>
    (isGood(id) ? 0 : 1_000_000) + (id === wished ? -0.5 : 0) + (loads.get(id) ?? 0);
  return voters.map((voter) => voter.id).sort((a, b) => cost(a) - cost(b) || (a < b ? -1 : 1));
}

/** How many primaries each worker has that is alive to lead them. */
export function primaryLoads(view: PlanView): Map<WorkerId, number> {
  const loads = new Map<WorkerId, number>();
  for (const { epoch, primary } of view.record.partitions) {
    if (epoch > 0) loads.set(primary.id, (loads.get(primary.id) ?? 0) + 1);
  }
  return loads;
}
