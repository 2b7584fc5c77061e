/**
 * Pods that clients are not to be sent to any more. Kubernetes notices the loss of a node after some forty
 * seconds, and until then sends every new connection to the pods on it too; the controller knows of it after
 * two or three. The pod's condition Ready is set to False, as Kubernetes' own node controller does it later.
 * If the node's kubelet lives and sees it otherwise, it puts that right within seconds, without the operator.
 */
import { nameOf } from './api-objects.js';
import type { Condition } from './api-objects.js';
import { withdrawnReason } from './observation.js';
import type { ClusterView, Observation } from './observation.js';

export interface Withdrawal {
  pod: string;
  resourceVersion: string;
  /** All conditions of the pod. */
  conditions: Condition[];
}

export function planWithdrawals({ controller, wallMs }: Observation, view: ClusterView): Withdrawal[] {
  if (controller?.settled !== true || controller.ring === null) return [];
  const reached = view.workers.filter(({ worker }) => worker !== null && isReached(worker.state));
  // Who reaches fewer than half is more likely to be cut off than to be the last that is well.
  if (2 * reached.length < view.workers.length) return [];
  return view.workers.flatMap(({ pod, podReady, worker }) => {
    if (pod === null || !podReady || worker?.state !== 'lost') return [];
    const lastTransitionTime = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
    const lost: Condition = {
      type: 'Ready',
      status: 'False',
      reason: withdrawnReason,
      message: 'The operator cannot reach it',
      lastTransitionTime,
    };
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, ...lost } : condition,
    );
    return [{ pod: nameOf(pod), resourceVersion: pod.metadata?.resourceVersion ?? '', conditions }];
  });
}

function isReached(state: string): boolean {
  return state !== 'lost' && state !== 'starting' && state !== 'suspected';
}
