/**
 * Who the workers are and where, for the controller. Addresses are the pods' own: a pod that was made anew
 * has another one within the second that Kubernetes tells it, while its name goes on resolving to the old one
 * for as long as caches keep it.
 */
import type { Member, WorkerId } from '../../core/ring/ring-record.js';
import type { ExpectedWorker } from '../ports.js';
import type { Pod } from './api-objects.js';
import { clientPort, peerPort, workerName } from './object-names.js';
import type { ClusterView, Observation } from './observation.js';

export type Wish = ExpectedWorker['wish'];

export function expectedWorkers(
  observation: Observation,
  view: ClusterView,
  count: number,
  wishes: ReadonlyMap<WorkerId, Wish>,
): ExpectedWorker[] {
  const zoneOf = zonesOf(observation);
  const members = observation.controller?.ring?.members ?? {};
  return Array.from({ length: count }, (_, ordinal): ExpectedWorker => {
    const id = workerName(view.names, ordinal);
    const worker = view.workers[ordinal];
    const pod = worker?.pod ?? null;
    const known: Member | undefined = members[id];
    const host =
      pod?.status?.podIP ?? known?.host ?? `${id}.${view.names.workers}.${observation.cluster.namespace}`;
    return {
      id,
      host,
      peerPort,
      clientPort,
      zone: zoneOf(pod) ?? known?.zone ?? '',
      ready: worker?.podReady ?? false,
      wish: wishes.get(id) ?? 'stay',
    };
  });
}

/**
 * The zone of a pod's node where the cluster has at least as many zones as there are replicas; else the node
 * itself, since two replicas on one node would be worse than two in one zone. Null for a pod that is on no
 * node yet.
 */
function zonesOf({ zones, cluster }: Observation): (pod: Pod | null) => string | null {
  const distinct = new Set([...(zones?.values() ?? [])].filter((zone) => zone !== ''));
  const byZone = distinct.size >= Math.max(2, cluster.spec.replicationFactor);
  return (pod) => {
    const node = pod?.spec?.nodeName ?? '';
    if (node === '') return null;
    const zone = byZone ? (zones?.get(node) ?? '') : '';
    return zone === '' ? node : zone;
  };
}
