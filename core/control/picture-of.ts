/**
 * The picture of the cluster as the controller sees it. What the controller itself has no part in, the disks,
 * the latency of writes and the story so far, is put in by whoever sends the picture.
 */
import type {
  ClusterHead,
  ClusterPicture,
  Condition,
  PartitionPicture,
  WorkerPicture,
} from '../picture/cluster-picture.js';
import { formatPartition } from '../picture/partition-text.js';
import type { Identity, PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum } from '../ring/ring-record.js';
import { isMoving, partitionState, statusOf } from './cluster-status.js';
import type { ClusterStatus, WorkerStatus } from './cluster-status.js';
import { presentVoters, servingReport } from './plan-view.js';
import type { PlanView } from './plan-view.js';
import type { Sight } from './sight.js';
import { worksOf } from './works-of.js';

export type ControlPicture = Pick<ClusterPicture, 'workers' | 'ages' | 'partitions' | 'works'> & {
  head: Omit<ClusterHead, 'controller' | 'active' | 'remainingMs' | 'suspicionMs'>;
};

export function pictureOf(sight: Sight): ControlPicture {
  const status = statusOf(sight);
  const { view } = sight;
  const partitions = view === null ? [] : partitionPictures(sight, view, status.workers);
  const lags = view === null ? new Map<WorkerId, Lag>() : lagsOf(view);
  const workers = status.workers.map((worker) => workerPicture(worker, lags.get(worker.id)));
  const ages = workers.map(({ id }) => {
    const facts = sight.workers.get(id);
    return facts === undefined || facts.storeId === '' ? null : Math.round(sight.now - facts.heardAt);
  });
  return {
    head: headOf(sight, status, partitions),
    workers,
    ages,
    partitions: partitions.map(formatPartition),
    works: view === null ? [] : worksOf(view, sight.batches),
  };
}

function headOf(sight: Sight, status: ClusterStatus, partitions: PartitionPicture[]): ControlPicture['head'] {
  const { ringVersion, epochCounter, partitionCount, replicationFactor, phase, awaited } = status;
  const { clusterId } = sight.shape;
  const head = { clusterId, ringVersion, epochCounter, partitionCount, replicationFactor, phase, awaited };
  const has = (...states: PartitionPicture['state'][]) =>
    partitions.some((partition) => states.includes(partition.state));
  let condition: Condition = 'healthy';
  if (sight.halted !== '') condition = 'stopped';
  else if (partitions.length === 0 || has('new')) condition = 'starting';
  else if (has('noQuorum', 'leaderless')) condition = 'unavailable';
  else if (has('under')) condition = 'repairing';
  else if (has('unheard')) condition = 'starting';
  return { ...head, condition, counts: status.partitions, ...wordsOf(partitions, condition) };
}

/** Where the picture knows better what is going on than the status does. */
function wordsOf(partitions: PartitionPicture[], condition: Condition): { phase?: string; awaited?: string } {
  const leaderless = partitions.filter(({ state }) => state === 'leaderless').length;
  if (condition === 'unavailable' && !partitions.some(({ state }) => state === 'noQuorum')) {
    const what = leaderless === 1 ? '1 partition' : `${leaderless} partitions`;
    return { phase: `failing over ${what}`, awaited: 'new primaries' };
  }
  const unheard = condition === 'starting' && partitions.some(({ state }) => state === 'unheard');
  return unheard ? listening : {};
}

/** A controller that has just started knows the ring before it has heard of anyone. */
const listening = { phase: 'listening', awaited: 'the first reports of the workers' };

interface Lag {
  behind: number;
  entries: number;
}

/** For each worker how its replicas lag, as the primaries that serve tell. */
function lagsOf(view: PlanView): Map<WorkerId, Lag> {
  const lags = new Map<WorkerId, Lag>();
  for (const partition of view.record.partitions.keys()) {
    for (const { id, level, lag } of servingReport(view, partition)?.levels ?? []) {
      const known = lags.get(id) ?? { behind: 0, entries: 0 };
      lags.set(id, {
        behind: known.behind + (level ? 0 : 1),
        entries: Math.max(known.entries, lag),
      });
    }
  }
  return lags;
}

function workerPicture(status: WorkerStatus, lag: Lag | undefined): WorkerPicture {
  const { id, url, zone, state, bootCount, primaries, replicas, learners, diskFull } = status;
  return {
    ...{ id, url, zone, state, bootCount, primaries, replicas, learners, diskFull },
    behind: lag?.behind ?? 0,
    lagEntries: lag?.entries ?? 0,
    disk: null,
    writesPerSecond: null,
  };
}

function partitionPictures(
  { batches }: Sight,
  view: PlanView,
  workers: readonly WorkerStatus[],
): PartitionPicture[] {
  const indexes = new Map(workers.map(({ id }, index) => [id, index]));
  const indexOf = ({ id }: Identity) => indexes.get(id) ?? -1;
  const planned = batches.filter(({ kind }) => kind === 'move' || kind === 'replace');
  return view.record.partitions.map((record, partition) => ({
    state: planned.some((batch) => batch.isAtWorkOn(partition))
      ? stateWhileHeld(view, record)
      : stateOf(view, record, partition),
    moving: isMoving(view, partition),
    epoch: record.epoch,
    primary: indexOf(record.primary),
    voters: record.voters.map(indexOf),
    learners: record.learners.map(indexOf),
  }));
}

/**
 * In a planned change the primary holds its writes back for a moment, and nobody serves: no failure, as long
 * as all that shall be there are.
 */
function stateWhileHeld(view: PlanView, record: PartitionRecord): PartitionPicture['state'] {
  const present = presentVoters(view, record).length;
  const { length } = record.voters;
  if (present < commitQuorum(length)) return 'noQuorum';
  return present === length && present >= view.record.replicationFactor ? 'full' : 'under';
}

function stateOf(view: PlanView, record: PartitionRecord, partition: number): PartitionPicture['state'] {
  if (record.epoch === 0) return 'new';
  const quorum = commitQuorum(record.voters.length);
  const present = presentVoters(view, record).length;
  const unheard = record.voters.filter(({ id }) => isUnheard(view, id)).length;
  if (present < quorum) return present + unheard >= quorum ? 'unheard' : 'noQuorum';
  if (servingReport(view, partition) === null) {
    return isUnheard(view, record.primary.id) ? 'unheard' : 'leaderless';
  }
  if (unheard > 0) return 'unheard';
  return partitionState(view, partition) === 'fullyReplicated' ? 'full' : 'under';
}

/** It may be well: this controller has not heard all of it yet. */
function isUnheard(view: PlanView, id: WorkerId): boolean {
  const facts = view.workers.get(id);
  if (facts === undefined || facts.liveness === 'unknown') return true;
  return facts.liveness !== 'dead' && !facts.complete;
}
