/**
 * From what is seen to what is to be done, all at once and for one moment: the same observation gives the
 * same plan. What has been begun is seen in the objects and in the ring, so whoever goes on needs no memory
 * of it.
 */
import type { WorkerId } from '../../core/ring/ring-record.js';
import type { ExpectedWorker } from '../ports.js';
import { nameOf } from './api-objects.js';
import { desiredStatefulSet, desiredSurroundings } from './desired-objects.js';
import type { DesiredObject } from './desired-objects.js';
import { ordinalOf, workerName } from './object-names.js';
import { viewOf } from './observation.js';
import type { ClusterView, Observation } from './observation.js';
import { planRollout } from './plan-rollout.js';
import type { RolloutPlan } from './plan-rollout.js';
import { planScale } from './plan-scale.js';
import type { ScalePlan } from './plan-scale.js';
import { planLostVolumes } from './plan-lost-volumes.js';
import type { LostVolume } from './plan-lost-volumes.js';
import { planWithdrawals } from './plan-withdrawals.js';
import type { Withdrawal } from './plan-withdrawals.js';
import { planGrowth } from './plan-volumes.js';
import type { Growth } from './plan-volumes.js';
import { expectedWorkers } from './worker-discovery.js';
import type { Wish } from './worker-discovery.js';

export interface ClusterPlan {
  view: ClusterView;
  scale: ScalePlan;
  rollout: RolloutPlan;
  growth: Growth[];
  lostVolumes: LostVolume[];
  withdrawals: Withdrawal[];
  expected: ExpectedWorker[];
  surroundings: DesiredObject[];
  /** Null if the StatefulSet is to stay as it is. */
  statefulSet: DesiredObject | null;
}

export function planCluster(observation: Observation): ClusterPlan {
  const view = viewOf(observation);
  const scale = planScale(observation, view);
  const { cluster, controller } = observation;
  const { paused } = cluster.spec;
  const frozen = paused || cluster.deleted || cluster.problems.length > 0;
  const rollout = planRollout(observation, view, scale.leaving);
  // Until it has heard from everyone, the controller's silence about a worker says nothing.
  if (frozen || controller?.settled !== true) rollout.steps = [];
  const count = Math.max(view.currentReplicas, scale.replicas, podCount(observation, view));
  const wishes = new Map<WorkerId, Wish>();
  if (!frozen) {
    if (rollout.restarting !== null && rollout.wishRestart) wishes.set(rollout.restarting, 'restart');
    for (let ordinal = scale.wanted; ordinal < count; ordinal += 1) {
      wishes.set(workerName(view.names, ordinal), 'remove');
    }
  }
  return {
    view,
    scale,
    rollout,
    growth: frozen ? [] : planGrowth(observation),
    lostVolumes: frozen ? [] : planLostVolumes(observation, view),
    // Part of the failover, which goes on while all else is frozen.
    withdrawals: planWithdrawals(observation, view),
    expected: expectedWorkers(observation, view, count, wishes),
    surroundings: frozen ? [] : desiredSurroundings(cluster),
    statefulSet: frozen ? null : statefulSetOf(observation, scale),
  };
}

/**
 * Counts those that are ending too: as long as a removed worker runs, clients may still come to it, and it
 * can only help them while the others speak with it.
 */
function podCount({ pods }: Observation, { names }: ClusterView): number {
  return Math.max(0, ...pods.map((pod) => (ordinalOf(names, nameOf(pod)) ?? -1) + 1));
}

function statefulSetOf({ cluster, statefulSet }: Observation, scale: ScalePlan): DesiredObject {
  const template = statefulSet?.spec?.volumeClaimTemplates?.[0]?.spec;
  const { size, className } = cluster.spec.storage;
  return desiredStatefulSet(cluster, {
    replicas: scale.replicas,
    volumeSize: template?.resources?.requests?.storage ?? size,
    volumeClass: statefulSet === null ? className : (template?.storageClassName ?? ''),
  });
}
