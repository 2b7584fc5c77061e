/** What happens to a cluster, and how it must look when all is over. */
import { isPodReady, isTerminating } from '../../../operator/kubernetes/api-objects.js';
import type { ModelCluster } from './model-cluster.js';
import type { SafetyJudge } from './safety-judge.js';

export interface Scenario {
  name: string;
  /** Of the cluster before it begins; null if it begins with nothing. */
  spec: object | null;
  begin: (cluster: ModelCluster, judge: SafetyJudge) => void;
  /** What differs from a healthy cluster at the end. */
  workers: number;
  image?: string;
  /** Volumes are disks in the nodes. */
  localVolumes?: boolean;
  /** Workers that are not there at the end. */
  missing?: number;
}

export const scenarios: Scenario[] = [
  { name: 'create', spec: null, begin: (cluster) => cluster.createCluster({}), workers: 4 },
  { name: 'scale up', spec: {}, begin: (cluster) => cluster.patchSpec({ workers: 6 }), workers: 6 },
  {
    name: 'scale down',
    spec: { workers: 6 },
    begin: (cluster) => cluster.patchSpec({ workers: 4 }),
    workers: 4,
  },
  {
    name: 'worker loss',
    spec: {},
    begin: (cluster, judge) => {
      judge.suspended = true;
      const pod = cluster.pods().find(({ metadata }) => metadata.name === 'kv-worker-1');
      if (pod !== undefined) cluster.api.terminate(pod, 0);
      judge.suspended = false;
    },
    workers: 4,
  },
  {
    name: 'node loss',
    spec: {},
    begin: (cluster) => {
      const node = cluster.pods().find(({ metadata }) => metadata.name === 'kv-worker-3')?.spec?.nodeName;
      cluster.workloads.killNode(node ?? '');
    },
    workers: 4,
    missing: 1,
  },
  {
    name: 'node gone for good',
    spec: { workers: 3 },
    begin: (cluster) => {
      const node = cluster.pods().find(({ metadata }) => metadata.name === 'kv-worker-1')?.spec?.nodeName;
      cluster.workloads.deleteNode(node ?? '');
    },
    localVolumes: true,
    workers: 3,
  },
  {
    name: 'rolling upgrade',
    spec: {},
    begin: (cluster) => cluster.patchSpec({ image: 'kvorum:2' }),
    workers: 4,
    image: 'kvorum:2',
  },
  {
    name: 'volume loss',
    spec: {},
    begin: (cluster, judge) => {
      judge.suspended = true;
      const claim = cluster.api.find('api/v1/persistentvolumeclaims', 'data-kv-worker-2');
      const pod = cluster.pods().find(({ metadata }) => metadata.name === 'kv-worker-2');
      if (claim !== undefined) cluster.api.erase(claim);
      if (pod !== undefined) cluster.api.terminate(pod, 0);
      judge.suspended = false;
    },
    workers: 4,
  },
];

/** What is not yet as it must be at the end; '' if all is. */
export function unfinished(cluster: ModelCluster, scenario: Scenario): string {
  const { workers, missing = 0, image = 'kvorum:1' } = scenario;
  const pods = cluster.pods().filter((pod) => !isTerminating(pod));
  const ready = pods.filter((pod) => isPodReady(pod));
  if (ready.length !== workers - missing) return `${ready.length} pods are ready`;
  if (pods.length !== workers) return `${pods.length} pods are there`;
  const old = pods.filter((pod) => pod.spec?.containers?.[0]?.image !== image);
  if (old.length > 0) return `${old.length} pods have another image`;
  const ring = cluster.ring();
  if (ring === null) return 'there is no ring';
  const alive = new Set(ready.map((pod) => pod.metadata.name));
  for (const [partition, record] of ring.partitions.entries()) {
    const voters = record.voters.filter(({ id, storeId }) => {
      const worker = cluster.workers.get(id);
      return (
        alive.has(id) &&
        worker?.storeId === storeId &&
        worker.replicas.get(partition)?.syncedEpoch === record.epoch
      );
    });
    if (record.voters.length !== 3 || voters.length !== 3)
      return `partition ${partition} is not fully replicated`;
    if (record.learners.length > 0) return `partition ${partition} has a learner`;
    if (cluster.workers.get(record.primary.id)?.serves(partition) !== true)
      return `partition ${partition} is not served`;
  }
  if (cluster.condition('FullyReplicated') !== 'True') return 'the status does not say FullyReplicated';
  if (cluster.condition('Available') !== 'True') return 'the status does not say Available';
  if (cluster.condition('UpgradeInProgress') !== 'False')
    return 'the status says that an upgrade is in progress';
  if (missing === 0 && cluster.status.phase !== 'Running') return `the phase is ${cluster.status.phase}`;
  return cluster.status.readyWorkers === workers - missing
    ? ''
    : `the status has ${cluster.status.readyWorkers} ready`;
}
