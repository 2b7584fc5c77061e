/** The objects that a cluster consists of, from what is asked for alone. */
import { ownerReference } from './cluster-spec.js';
import type { KvorumCluster } from './cluster-spec.js';
import { desiredPod } from './desired-pod.js';
import { dataVolume, labelsOf, namesOf, workerSelector } from './object-names.js';
import type { Resource } from './resource-paths.js';

export interface DesiredObject {
  resource: Resource;
  name: string;
  body: object;
}

function head(cluster: KvorumCluster, apiVersion: string, kind: string, name: string): object {
  const metadata = {
    name,
    namespace: cluster.namespace,
    labels: labelsOf(cluster.name, 'worker'),
    ownerReferences: [ownerReference(cluster)],
  };
  return { apiVersion, kind, metadata };
}

/** Everything but the StatefulSet: nothing in it depends on what is there already. */
export function desiredSurroundings(cluster: KvorumCluster): DesiredObject[] {
  const names = namesOf(cluster.name);
  const selector = workerSelector(cluster.name);
  return [
    {
      resource: 'services',
      name: names.workers,
      body: {
        ...head(cluster, 'v1', 'Service', names.workers),
        spec: {
          clusterIP: 'None',
          // Workers find one another before any of them is ready.
          publishNotReadyAddresses: true,
          selector,
          ports: [
            { name: 'http', port: 8_080, targetPort: 'http', protocol: 'TCP' },
            { name: 'peer', port: 7_400, targetPort: 'peer', protocol: 'TCP' },
          ],
        },
      },
    },
    {
      resource: 'services',
      name: names.service,
      body: {
        ...head(cluster, 'v1', 'Service', names.service),
        spec: {
          type: 'ClusterIP',
          selector,
          ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
        },
      },
    },
    {
      resource: 'poddisruptionbudgets',
      name: names.workers,
      body: {
        ...head(cluster, 'policy/v1', 'PodDisruptionBudget', names.workers),
        // A pod that is not ready protects nothing: it may always be moved away.
        spec: {
          maxUnavailable: 1,
          selector: { matchLabels: selector },
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
        },
      },
    },
  ];
}

export interface StatefulSetFacts {
  replicas: number;
  /** What new volumes are asked for at: a StatefulSet that exists cannot change it. */
  volumeSize: string;
  volumeClass: string;
}

export function desiredStatefulSet(cluster: KvorumCluster, facts: StatefulSetFacts): DesiredObject {
  const names = namesOf(cluster.name);
  const { volumeSize, volumeClass } = facts;
  return {
    resource: 'statefulsets',
    name: names.workers,
    body: {
      ...head(cluster, 'apps/v1', 'StatefulSet', names.workers),
      spec: {
        replicas: facts.replicas,
        serviceName: names.workers,
        podManagementPolicy: 'Parallel',
        // When a pod may go is decided here, not by the StatefulSet.
        updateStrategy: { type: 'OnDelete' },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        revisionHistoryLimit: 5,
        selector: { matchLabels: workerSelector(cluster.name) },
        template: desiredPod(cluster),
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: dataVolume, labels: workerSelector(cluster.name) },
            spec: {
              accessModes: ['ReadWriteOnce'],
              resources: { requests: { storage: volumeSize } },
              ...(volumeClass === '' ? {} : { storageClassName: volumeClass }),
            },
          },
        ],
      },
    },
  };
}
