/**
 * Volumes that went with their node. A disk in a node that has been taken out of the cluster is never seen
 * again, yet a pod that is bound to it waits for that node alone: it is given a new volume, which is filled
 * from the other workers. That happens only where nothing hangs on the old one: every partition has its
 * majority without it.
 */
import type { VolumeClaim } from './api-objects.js';
import { nameOf, uidOf } from './api-objects.js';
import { claimName } from './object-names.js';
import type { ClusterView, Observation, WorkerView } from './observation.js';

export interface LostVolume {
  worker: string;
  podUid: string;
  claim: string;
  claimUid: string;
  node: string;
}

/** Set by the scheduler on claims whose volume is made in the node that the pod goes to. */
const nodeAnnotation = 'volume.kubernetes.io/selected-node';
const patienceMs = 15_000;

export function planLostVolumes(observation: Observation, view: ClusterView): LostVolume[] {
  const { controller, zones, claims, wallMs } = observation;
  const counts = controller?.status.partitions;
  if (zones === null || controller?.settled !== true || controller.ring === null) return [];
  if (counts === undefined || counts.total === 0 || counts.withoutQuorum > 0) return [];
  const claimOf = new Map(claims.map((claim) => [nameOf(claim), claim]));
  return view.workers.flatMap((worker) => {
    const claim = claimOf.get(claimName(view.names, worker.ordinal));
    const node = claim === undefined ? '' : nodeOf(claim);
    if (claim === undefined || node === '' || zones.has(node) || !isStranded(worker, wallMs)) return [];
    return [{ worker: worker.id, podUid: worker.uid, claim: nameOf(claim), claimUid: uidOf(claim), node }];
  });
}

function nodeOf(claim: VolumeClaim): string {
  return claim.metadata?.annotations?.[nodeAnnotation] ?? '';
}

/** On no node, for a while, and its worker speaks to nobody. */
function isStranded({ pod, terminating, worker }: WorkerView, wallMs: number): boolean {
  if (pod === null || terminating || (pod.spec?.nodeName ?? '') !== '') return false;
  if (worker !== null && worker.state !== 'lost' && worker.state !== 'starting') return false;
  const created = Date.parse(pod.metadata?.creationTimestamp ?? '');
  return !Number.isNaN(created) && wallMs - created >= patienceMs;
}
