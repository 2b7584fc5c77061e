/**
 * Which worker is restarted next, for a new image or other settings. One at a time, and none while anything
 * else is wrong:
 *
 *   none --(one is outdated, all ready and level)--> marked --(it leads nothing, all is level)--> pod deleted
 *     ^                                                                                                    |
 *     +------------------------- the new pod is ready, its worker is level ---------------------------------+
 *
 * The mark is an annotation of the StatefulSet, written under its resourceVersion: two operators, or one that
 * was killed and begins anew, agree on one pod by it. A pod that does not become ready leaves everything as
 * it is. Once a corrected template makes it the outdated one, it is replaced at once: what serves nothing
 * needs no turn.
 */
import type { WorkerId } from '../../core/ring/ring-record.js';
import { brokenBecause } from './pod-trouble.js';
import { restartMarkOf } from './observation.js';
import type { ClusterView, Observation, RestartMark, WorkerView } from './observation.js';

export type RolloutStep =
  | { type: 'mark'; mark: RestartMark; id: WorkerId }
  | { type: 'unmark'; mark: RestartMark }
  | { type: 'deletePod'; id: WorkerId; uid: string; resourceVersion: string; reason: string };

export interface RolloutPlan {
  /** In whose turn it is. */
  restarting: WorkerId | null;
  /** It is to give up its primaries. */
  wishRestart: boolean;
  steps: RolloutStep[];
  outdated: WorkerId[];
  /** What it waits for, as a sentence without its end; '' if nothing is to be done. */
  awaited: string;
  /** A new pod does not work: nothing goes on until somebody acts. */
  stuck: boolean;
}

export function planRollout(
  observation: Observation,
  view: ClusterView,
  leaving: readonly WorkerId[],
): RolloutPlan {
  const members = view.workers.filter(({ ordinal }) => ordinal < view.currentReplicas);
  const outdated = members.filter((worker) => worker.outdated === true).map(({ id }) => id);
  const plan: RolloutPlan = {
    restarting: null,
    wishRestart: false,
    steps: [],
    outdated,
    awaited: '',
    stuck: false,
  };
  const mark = restartMarkOf(observation.statefulSet);
  plan.steps = members.filter((worker) => worker.outdated === true && isDown(worker)).map(deletion);
  if (mark !== null) followMark(mark, view, members, plan);
  else if (outdated.length > 0) chooseNext(view, members, leaving, plan);
  const broken = members.find(
    (worker) => worker.outdated === false && brokenBecause(worker, observation.wallMs) !== '',
  );
  if (broken !== undefined && (outdated.length > 0 || mark !== null)) {
    plan.stuck = plan.steps.length === 0;
    const reason = brokenBecause(broken, observation.wallMs);
    plan.awaited = `${broken.id} does not work with the new settings: ${reason}`;
  }
  return plan;
}

function followMark(
  mark: RestartMark,
  view: ClusterView,
  members: readonly WorkerView[],
  plan: RolloutPlan,
): void {
  const worker = members.find(({ id }) => id === mark.pod);
  if (worker === undefined) {
    plan.steps.push({ type: 'unmark', mark });
    return;
  }
  plan.restarting = worker.id;
  if (worker.uid === mark.uid) return finishOld(mark, worker, view, members, plan);
  if (worker.pod === null || worker.terminating) {
    plan.awaited = `a new pod of ${worker.id}`;
    return;
  }
  if (worker.outdated === true && !worker.podReady) {
    plan.awaited = `${worker.id} to be restarted again`;
    if (isDown(worker)) return;
    plan.steps.push({ type: 'mark', mark: { pod: worker.id, uid: worker.uid }, id: worker.id });
    return;
  }
  const missing = whatIsMissing(view, members);
  if (missing === '') plan.steps.push({ type: 'unmark', mark });
  else plan.awaited = missing;
}

/** The pod that is to go is still there. */
function finishOld(
  mark: RestartMark,
  worker: WorkerView,
  view: ClusterView,
  members: readonly WorkerView[],
  plan: RolloutPlan,
): void {
  if (worker.terminating) {
    plan.wishRestart = true;
    plan.awaited = `${worker.id} to end`;
    return;
  }
  if (worker.outdated === false) {
    plan.steps.push({ type: 'unmark', mark });
    plan.restarting = null;
    return;
  }
  plan.wishRestart = true;
  if (worker.outdated === null) {
    plan.awaited = 'the StatefulSet to take in its new template';
    return;
  }
  const missing = isDown(worker) ? '' : whatKeeps(worker, view, members);
  plan.awaited = missing === '' ? `${worker.id} to be restarted` : missing;
  if (missing === '' && !isDown(worker)) plan.steps.push(deletion(worker));
}

function chooseNext(
  view: ClusterView,
  members: readonly WorkerView[],
  leaving: readonly WorkerId[],
  plan: RolloutPlan,
): void {
  const candidates = members.filter(
    (worker) => worker.outdated === true && !worker.terminating && !leaving.includes(worker.id),
  );
  const poor = candidates.find(
    (worker) => !worker.podReady && !isDown(worker) && whatIsMissing(view, without(worker, members)) === '',
  );
  const missing = poor === undefined ? whatIsMissing(view, members) : '';
  if (missing !== '' || leaving.length > 0) {
    plan.awaited = missing === '' ? `${leaving.join(', ')} to be drained` : missing;
    return;
  }
  // Fewest primaries first: by the time that the others' turn comes, theirs have somewhere new to go.
  const [next] = poor === undefined ? [...candidates].sort(inOrder) : [poor];
  if (next === undefined) return;
  plan.restarting = next.id;
  plan.awaited = `${next.id} to hand over its primaries`;
  plan.steps.push({ type: 'mark', mark: { pod: next.id, uid: next.uid }, id: next.id });
}

function inOrder(a: WorkerView, b: WorkerView): number {
  return (a.worker?.primaries ?? 0) - (b.worker?.primaries ?? 0) || b.ordinal - a.ordinal;
}

function without(worker: WorkerView, members: readonly WorkerView[]): WorkerView[] {
  return members.filter(({ id }) => id !== worker.id);
}

function deletion(worker: WorkerView): RolloutStep {
  const resourceVersion = worker.pod?.metadata?.resourceVersion ?? '';
  const reason = isDown(worker) ? 'it does not work, and has older settings' : 'it has older settings';
  return { type: 'deletePod', id: worker.id, uid: worker.uid, resourceVersion, reason };
}

/** It serves nobody, so nothing is lost with its pod. Two must say so: the controller, and its kubelet. */
function isDown({ podReady, withdrawn, terminating, worker }: WorkerView): boolean {
  if (podReady || withdrawn || terminating) return false;
  return worker === null || worker.state === 'lost' || worker.state === 'starting';
}

/** Why the pod may not go yet; '' if it may. */
function whatKeeps(worker: WorkerView, view: ClusterView, members: readonly WorkerView[]): string {
  const missing = whatIsMissing(view, without(worker, members));
  if (missing !== '') return missing;
  const primaries = worker.worker?.primaries ?? 0;
  return primaries === 0 ? '' : `${worker.id} to hand over ${primaries} primaries`;
}

/** What is not as it should be, apart from outdated pods; '' if all is well. */
function whatIsMissing(view: ClusterView, workers: readonly WorkerView[]): string {
  for (const { id, pod, podReady, terminating, worker } of workers) {
    if (pod === null) return `a pod of ${id}`;
    if (terminating) return `${id} to end`;
    if (!podReady) return `${id} to become ready`;
    if (worker === null || worker.state === 'starting') return `the first word of ${id}`;
    if (worker.state === 'lost' || worker.state === 'suspected') return `${id}, which is ${worker.state}`;
  }
  return view.fullyReplicated ? '' : 'all partitions to be fully replicated';
}
