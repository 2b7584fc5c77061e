/**
 * The template of the workers' pods. What stands here decides when workers are restarted: any change of it is
 * rolled out over all of them, one after another.
 */
import { workerNodeOptions } from '../../platform/node-options.js';
import type { ClusterSpec, KvorumCluster } from './cluster-spec.js';
import { clusterIdOf } from './cluster-spec.js';
import { clientPort, dataVolume, labelsOf, peerPort, workerSelector } from './object-names.js';

const dataDir = '/data';
const userId = 1000;
/** Handing the primaries over, going on until nobody sends requests any more, closing the files. */
const gracePeriodSeconds = 30;
const lingerSeconds = 5;
/** How long a pod stays bound to a node that is gone; Kubernetes' own default is 300. */
const nodeLossSeconds = 30;
/** By which a Prometheus without an operator of its own finds the pods. */
const scrapeAnnotations = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(clientPort),
  'prometheus.io/path': '/metrics',
};

export function desiredPod(cluster: KvorumCluster): object {
  const { spec, name } = cluster;
  const { pod } = spec;
  return {
    metadata: {
      labels: { ...pod.labels, ...labelsOf(name, 'worker') },
      annotations: { ...scrapeAnnotations, ...pod.annotations },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: gracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: userId,
        runAsGroup: userId,
        fsGroup: userId,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...placement(name, spec),
      ...(spec.imagePullSecrets.length === 0 ? {} : { imagePullSecrets: spec.imagePullSecrets }),
      containers: [container(cluster)],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    },
  };
}

/**
 * Over nodes and zones, as far as there are any. Zones by affinity: a scheduler leaves all of a pod's spread
 * constraints out of account on nodes that lack the label of one, and many clusters name no zones.
 */
function placement(name: string, { pod }: ClusterSpec): object {
  const labelSelector = { matchLabels: workerSelector(name) };
  const overNodes = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector,
  };
  const notWithinZone = { topologyKey: 'topology.kubernetes.io/zone', labelSelector };
  const overZones = {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: notWithinZone }],
    },
  };
  const lost = (key: string) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: nodeLossSeconds,
  });
  return {
    topologySpreadConstraints: [overNodes],
    tolerations: [
      lost('node.kubernetes.io/unreachable'),
      lost('node.kubernetes.io/not-ready'),
      ...pod.tolerations,
    ],
    ...(Object.keys(pod.nodeSelector).length === 0 ? {} : { nodeSelector: pod.nodeSelector }),
    ...(pod.priorityClassName === '' ? {} : { priorityClassName: pod.priorityClassName }),
    affinity: { ...overZones, ...pod.affinity },
  };
}

function container(cluster: KvorumCluster): object {
  const { spec } = cluster;
  const probe = (path: string, periodSeconds: number, timeoutSeconds: number, failureThreshold: number) => ({
    httpGet: { path, port: 'http' },
    periodSeconds,
    timeoutSeconds,
    failureThreshold,
  });
  return {
    name: 'worker',
    image: spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: ['node', ...workerNodeOptions, 'dist/node/main.js'],
    env: environment(cluster),
    ports: [
      { name: 'http', containerPort: clientPort, protocol: 'TCP' },
      { name: 'peer', containerPort: peerPort, protocol: 'TCP' },
    ],
    // Making a large log durable after a crash may take its time.
    startupProbe: probe('/startupz', 1, 2, 600),
    livenessProbe: probe('/livez', 5, 3, 6),
    readinessProbe: probe('/readyz', 1, 2, 2),
    resources: spec.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: dataVolume, mountPath: dataDir },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function environment(cluster: KvorumCluster): object[] {
  const { heartbeatMs, suspicionMs, copiesMax, copyBytesPerSecondMax } = cluster.spec;
  const values: Record<string, string> = {
    KVORUM_CLUSTER_ID: clusterIdOf(cluster),
    KVORUM_DATA_DIR: dataDir,
    KVORUM_HOST: '0.0.0.0',
    KVORUM_PORT: String(clientPort),
    KVORUM_PEER_PORT: String(peerPort),
    KVORUM_LINGER: `${lingerSeconds}s`,
    KVORUM_LOG_FORMAT: 'json',
    KVORUM_HEARTBEAT: `${heartbeatMs}ms`,
    KVORUM_SUSPICION: `${suspicionMs}ms`,
    KVORUM_COPIES_MAX: String(copiesMax),
    KVORUM_COPY_BYTES_PER_SECOND_MAX: String(copyBytesPerSecondMax),
  };
  return [
    { name: 'KVORUM_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
  ];
}
