/**
 * What is going on in a cluster, in words: the most urgent thing is the phase, each condition has its own
 * sentence.
 */
import { noPartitions } from '../../core/control/cluster-status.js';
import type { PartitionCounts } from '../../core/control/cluster-status.js';
import { toldCounts } from './observation.js';
import type { ClusterView, Observation, WorkerView } from './observation.js';
import type { RolloutPlan } from './plan-rollout.js';
import type { ScalePlan } from './plan-scale.js';
import { brokenBecause } from './pod-trouble.js';

export interface StoryFacts {
  observation: Observation;
  view: ClusterView;
  scale: ScalePlan;
  rollout: RolloutPlan;
  /** What the API server refused, in sentences: volumes that cannot grow, objects that it does not take. */
  refusals: readonly string[];
}

export interface StoryCondition {
  type: 'Ready' | 'Available' | 'Progressing' | 'Degraded' | 'FullyReplicated' | 'UpgradeInProgress';
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

export interface ClusterStory {
  phase: string;
  message: string;
  conditions: StoryCondition[];
}

interface Chapter {
  phase: string;
  /** One word, for a condition. */
  reason: string;
  message: string;
  progresses: boolean;
}

export function clusterStory(facts: StoryFacts): ClusterStory {
  const chapter = chapterOf(facts);
  const trouble = troubleOf(facts);
  const { rollout, observation } = facts;
  const condition = (
    type: StoryCondition['type'],
    holds: boolean,
    reason: string,
    message: string,
  ): StoryCondition => ({ type, status: holds ? 'True' : 'False', reason, message });
  const upgrading = rollout.outdated.length > 0 || rollout.restarting !== null;
  return {
    phase: chapter.phase,
    message: chapter.message,
    conditions: [
      // What Helm and other tools wait for that know nothing of this kind.
      readiness(facts, chapter, upgrading),
      availability(facts),
      observation.cluster.spec.paused && !chapter.progresses
        ? condition('Progressing', false, 'Paused', 'No object is changed while spec.paused is set')
        : condition('Progressing', chapter.progresses, chapter.reason, chapter.message),
      condition(
        'Degraded',
        trouble !== null,
        trouble?.reason ?? 'AllWell',
        trouble?.message ?? 'Nothing is wrong',
      ),
      replication(facts),
      condition(
        'UpgradeInProgress',
        upgrading,
        upgrading ? (rollout.stuck ? 'Stopped' : 'RollingOut') : 'UpToDate',
        upgrading ? upgradeSentence(facts) : 'All workers have the newest settings',
      ),
    ],
  };
}

function chapterOf(facts: StoryFacts): Chapter {
  const { observation, view, scale, rollout } = facts;
  const { cluster, controller } = observation;
  const counts = toldCounts(controller);
  const [problem] = cluster.problems;
  if (problem !== undefined)
    return { phase: 'Refused', reason: 'Refused', message: problem, progresses: false };
  if (controller === null) return going('Starting', 'Starting', 'the controller to start');
  if (controller.stopped !== '') {
    return { phase: 'Stopped', reason: 'Stopped', message: controller.stopped, progresses: false };
  }
  if (controller.ring === null || counts === undefined || counts.total === 0) return creating(facts);
  if (counts.withoutQuorum > 0) {
    const first = controller.ring.partitions.every(({ epoch }) => epoch === 0);
    if (first) return creating(facts);
    return going('Unavailable', 'PartitionsWithoutQuorum', controller.status.awaited);
  }
  if (rollout.stuck) {
    return {
      phase: 'Upgrade stopped',
      reason: 'UpgradeStopped',
      message: rollout.awaited,
      progresses: false,
    };
  }
  if (rollout.outdated.length > 0 || rollout.restarting !== null) {
    return { phase: 'Upgrading', reason: 'Upgrading', message: upgradeSentence(facts), progresses: true };
  }
  if (scale.leaving.length > 0 || scale.shrinks) return draining(facts);
  const awaited = view.workers.filter(({ ordinal, podReady }) => ordinal < scale.wanted && !podReady);
  if (view.workers.length < scale.wanted || awaited.some((worker) => isComing(worker, observation.wallMs))) {
    const missing = missingWorkers(facts);
    return going('Scaling up', 'ScalingUp', `${missing} to become ready`);
  }
  if (counts.underReplicated > 0) return going('Repairing', 'Repairing', controller.status.awaited);
  if (counts.moving > 0) return going('Balancing', 'Balancing', `${counts.moving} partitions to move`);
  if (awaited.length > 0) {
    const message = `Fully replicated, but without ${missingWorkers(facts)}`;
    return { phase: 'Degraded', reason: 'WorkersMissing', message, progresses: false };
  }
  const phase = cluster.spec.paused ? 'Paused' : 'Running';
  return {
    phase,
    reason: 'Settled',
    message: `All ${counts.total} partitions are served and fully replicated`,
    progresses: false,
  };
}

/** It takes no part yet. One that was there before counts as lost until its new pod's process is heard. */
function isComing(view: WorkerView, wallMs: number): boolean {
  const { holds, worker, pod, terminating } = view;
  if (holds) return false;
  return worker?.state !== 'lost' || (pod !== null && !terminating && brokenBecause(view, wallMs) === '');
}

function going(phase: string, reason: string, awaited: string): Chapter {
  return { phase, reason, message: `Waiting for ${awaited}`, progresses: true };
}

function creating(facts: StoryFacts): Chapter {
  const broken = brokenWorkers(facts)[0];
  const awaited = facts.observation.controller?.status.awaited ?? 'workers';
  return going('Creating', 'Creating', broken === undefined ? awaited : `${awaited} (${broken})`);
}

function draining({ scale, view, observation }: StoryFacts): Chapter {
  const held = view.workers.filter(({ id }) => scale.leaving.includes(id));
  const replicas = held.reduce(
    (sum, { worker }) => sum + (worker?.replicas ?? 0) + (worker?.learners ?? 0),
    0,
  );
  if (observation.cluster.spec.paused) {
    return {
      phase: 'Paused',
      reason: 'Paused',
      message: 'Workers are to be removed once spec.paused is unset',
      progresses: false,
    };
  }
  const message =
    scale.leaving.length === 0
      ? `Removing workers: ${scale.replicas} stay`
      : `Waiting for ${replicas} replicas on ${scale.leaving.join(', ')} to move to other workers`;
  return { phase: 'Draining', reason: 'Draining', message, progresses: true };
}

function missingWorkers({ view, scale }: StoryFacts): string {
  const missing: string[] = [];
  for (let ordinal = 0; ordinal < scale.wanted; ordinal += 1) {
    if (view.workers[ordinal]?.podReady !== true) missing.push(`${view.names.workers}-${ordinal}`);
  }
  return missing.join(', ');
}

function upgradeSentence({ rollout, view, observation }: StoryFacts): string {
  const total = view.workers.length;
  const done = total - rollout.outdated.length;
  const head = `${done} of ${total} workers have the newest settings`;
  if (observation.cluster.spec.paused) return `${head}; spec.paused is set`;
  return rollout.awaited === '' ? head : `${head}; waiting for ${rollout.awaited}`;
}

/**
 * Everything is as it was asked for: what Helm and others wait for, who know nothing of this kind's own
 * conditions.
 */
function readiness(facts: StoryFacts, chapter: Chapter, upgrading: boolean): StoryCondition {
  const { view, scale } = facts;
  const settled = availability(facts).status === 'True' && replication(facts).status === 'True';
  const present = view.workers.filter(({ podReady, ordinal }) => podReady && ordinal < scale.wanted).length;
  const holds = settled && !upgrading && present === scale.wanted && scale.leaving.length === 0;
  const { reason, message } = chapter;
  return { type: 'Ready', status: holds ? 'True' : 'False', reason: holds ? 'Ready' : reason, message };
}

function availability({ observation }: StoryFacts): StoryCondition {
  const { controller } = observation;
  const counts: PartitionCounts | undefined = toldCounts(controller);
  const type = 'Available';
  if (controller === null)
    return { type, status: 'Unknown', reason: 'Starting', message: 'The controller starts' };
  if (controller.ring === null || counts === undefined || counts.total === 0) {
    const message =
      controller.stopped === '' ? `Waiting for ${controller.status.awaited}` : controller.stopped;
    return { type, status: 'False', reason: controller.stopped === '' ? 'NoRing' : 'Stopped', message };
  }
  if (counts.withoutQuorum > 0) {
    const message = `${counts.withoutQuorum} of ${counts.total} partitions have too few of their workers`;
    return { type, status: 'False', reason: 'PartitionsWithoutQuorum', message };
  }
  return { type, status: 'True', reason: 'AllServed', message: `All ${counts.total} partitions are served` };
}

function replication({ observation }: StoryFacts): StoryCondition {
  const { controller } = observation;
  const type = 'FullyReplicated';
  if (controller === null)
    return { type, status: 'Unknown', reason: 'Starting', message: 'The controller starts' };
  const { total, fullyReplicated, moving } = toldCounts(controller) ?? noPartitions;
  const full = total > 0 && fullyReplicated === total;
  const head = `${fullyReplicated} of ${total} partitions have all their replicas`;
  const message = moving > 0 ? `${head}; ${moving} are moving` : head;
  return {
    type,
    status: full ? 'True' : 'False',
    reason: full ? 'AllLevel' : total === 0 ? 'NoRing' : 'UnderReplicated',
    message,
  };
}

/** What a person should know of, the gravest first. */
function troubleOf(facts: StoryFacts): { reason: string; message: string } | null {
  const { observation, view, rollout, refusals } = facts;
  const { cluster, controller } = observation;
  const [problem] = cluster.problems;
  if (problem !== undefined) return { reason: 'SpecRefused', message: problem };
  if (controller !== null && controller.stopped !== '')
    return { reason: 'Stopped', message: controller.stopped };
  if (rollout.stuck) return { reason: 'UpgradeStopped', message: rollout.awaited };
  const isLost = (known: WorkerView) =>
    known.worker?.state === 'lost' && !isComing(known, observation.wallMs);
  const lost = view.workers.filter(isLost).map(({ id }) => id);
  if (lost.length > 0) return { reason: 'WorkersLost', message: `${lost.join(', ')} cannot be reached` };
  const broken = brokenWorkers(facts);
  if (broken[0] !== undefined) return { reason: 'PodsNotReady', message: broken.join('; ') };
  const full = controller?.status.workers.filter(({ diskFull }) => diskFull).map(({ id }) => id) ?? [];
  if (full.length > 0) return { reason: 'DiskFull', message: `The volumes of ${full.join(', ')} are full` };
  const counts = toldCounts(controller);
  if (counts !== undefined && counts.underReplicated > 0) {
    return { reason: 'UnderReplicated', message: `${counts.underReplicated} partitions lack a replica` };
  }
  if (refusals[0] !== undefined) return { reason: 'Refused', message: refusals.join('; ') };
  return null;
}

function brokenWorkers({ view, observation }: StoryFacts): string[] {
  return view.workers.flatMap((worker: WorkerView) => {
    const reason = brokenBecause(worker, observation.wallMs);
    return reason === '' ? [] : [`${worker.id}: ${reason}`];
  });
}
