/** Observations for the planner, built from little. */
import { noPartitions } from '../../../core/control/cluster-status.js';
import type { WorkerStatus } from '../../../core/control/cluster-status.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';
import type { Condition, Pod, StatefulSet, VolumeClaim } from '../../../operator/kubernetes/api-objects.js';
import { withdrawnReason } from '../../../operator/kubernetes/observation.js';
import type { Observation } from '../../../operator/kubernetes/observation.js';
import { clusterOf } from '../../support/cluster-of.js';

export const wallMs = Date.parse('2026-01-01T01:00:00Z');

export interface WorkerSketch {
  state?: WorkerStatus['state'];
  primaries?: number;
  /** In the ring. */
  holds?: boolean;
  pod?: 'ready' | 'unready' | 'withdrawn' | 'terminating' | 'none' | 'broken';
  outdated?: boolean;
  node?: string;
  ip?: string;
}

export interface Sketch {
  spec?: object;
  workers: WorkerSketch[];
  /** Of the StatefulSet; null for none. */
  replicas?: number | null;
  mark?: string;
  underReplicated?: number;
  /** Of those. */
  settling?: number;
  settled?: boolean;
  noRing?: boolean;
  zones?: Record<string, string>;
  claims?: VolumeClaim[];
}

export function observed(sketch: Sketch): Observation {
  const { workers, underReplicated = 0, settling = 0, settled = true, noRing = false } = sketch;
  const replicas = sketch.replicas === undefined ? workers.length : sketch.replicas;
  const total = 8;
  return {
    cluster: clusterOf(sketch.spec ?? { workers: workers.length }),
    statefulSet: replicas === null ? null : statefulSet(replicas, sketch.mark),
    pods: workers.flatMap((worker, ordinal) => podOf(worker, ordinal)),
    claims: sketch.claims ?? [],
    zones: sketch.zones === undefined ? null : new Map(Object.entries(sketch.zones)),
    controller: {
      ring: noRing ? null : ringOfHolders(workers),
      settled,
      stopped: '',
      status: {
        ringVersion: 7,
        epochCounter: 7,
        partitionCount: total,
        replicationFactor: 3,
        phase: '',
        awaited: 'something',
        workers: workers.map((worker, ordinal) => statusOf(worker, ordinal)),
        partitions: noRing
          ? noPartitions
          : { ...noPartitions, total, fullyReplicated: total - underReplicated, underReplicated, settling },
      },
    },
    wallMs,
  };
}

function statefulSet(replicas: number, mark: string | undefined): StatefulSet {
  return {
    metadata: {
      name: 'kv-worker',
      uid: 'set',
      resourceVersion: '50',
      generation: 3,
      ...(mark === undefined ? {} : { annotations: { 'kvorum.dev/restarting': mark } }),
    },
    spec: { replicas },
    status: { observedGeneration: 3, updateRevision: 'new' },
  };
}

function podOf({ pod = 'ready', outdated = false, node, ip }: WorkerSketch, ordinal: number): Pod[] {
  if (pod === 'none') return [];
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off' };
  return [
    {
      metadata: {
        name: `kv-worker-${ordinal}`,
        uid: `pod-${ordinal}`,
        resourceVersion: `${100 + ordinal}`,
        creationTimestamp: '2026-01-01T00:59:00Z',
        labels: { 'controller-revision-hash': outdated ? 'old' : 'new' },
        ...(pod === 'terminating' ? { deletionTimestamp: '2026-01-01T00:00:30Z' } : {}),
      },
      spec: node === undefined ? {} : { nodeName: node },
      status: {
        ...(ip === undefined ? {} : { podIP: ip }),
        conditions: [{ type: 'PodScheduled', status: 'True' }, readiness(pod)],
        ...(pod === 'broken' ? { containerStatuses: [{ name: 'worker', state: { waiting } }] } : {}),
      },
    },
  ];
}

function readiness(pod: WorkerSketch['pod']): Condition {
  if (pod === 'withdrawn') return { type: 'Ready', status: 'False', reason: withdrawnReason };
  return { type: 'Ready', status: pod === 'ready' ? 'True' : 'False' };
}

function statusOf({ state = 'ready', primaries = 1 }: WorkerSketch, ordinal: number): WorkerStatus {
  return {
    id: `kv-worker-${ordinal}`,
    url: '',
    state,
    zone: '',
    storeId: '',
    bootCount: 1,
    ringVersion: 7,
    primaries,
    replicas: 3,
    learners: 0,
    diskFull: false,
  };
}

/** One partition for each worker that holds something. */
function ringOfHolders(workers: readonly WorkerSketch[]): RingRecord {
  const ids = workers.flatMap(({ holds = true }, ordinal) => (holds ? [`kv-worker-${ordinal}`] : []));
  return {
    formatVersion: 1,
    clusterId: 'default/kv',
    version: 7,
    epochCounter: 7,
    partitionCount: ids.length,
    replicationFactor: 3,
    members: {
      'kv-worker-0': { host: '10.0.0.9', peerPort: 7_400, clientPort: 8_080, zone: 'known', state: 'active' },
    },
    partitions: ids.map((id) => ({
      epoch: 1,
      attempt: 1,
      primary: { id, storeId: 's', bootCount: 1 },
      voters: [{ id, storeId: 's' }],
      learners: [],
    })),
  };
}
