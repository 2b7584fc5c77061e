/**
 * What the planner looks at: the cluster's objects as the watches show them, and what the controller knows.
 */
import type { ClusterStatus, PartitionCounts, WorkerStatus } from '../../core/control/cluster-status.js';
import type { RingRecord, WorkerId } from '../../core/ring/ring-record.js';
import { isPodReady, isTerminating, readinessOf, nameOf, uidOf } from './api-objects.js';
import type { Pod, StatefulSet, VolumeClaim } from './api-objects.js';
import type { KvorumCluster } from './cluster-spec.js';
import { namesOf, ordinalOf, workerName } from './object-names.js';
import type { ObjectNames } from './object-names.js';

export interface ControllerFacts {
  status: ClusterStatus;
  /** Null while there is none, or it has not been read. */
  ring: RingRecord | null;
  /** It has had the time to hear from everyone who is there. */
  settled: boolean;
  /** Why it does nothing more until a person has looked; '' if it works. */
  stopped: string;
}

export interface Observation {
  cluster: KvorumCluster;
  statefulSet: StatefulSet | null;
  pods: readonly Pod[];
  claims: readonly VolumeClaim[];
  /** Zone label of each node; null if nodes cannot be read. */
  zones: ReadonlyMap<string, string> | null;
  /** Null while this operator's controller does not run. */
  controller: ControllerFacts | null;
  /** Milliseconds since 1970. */
  wallMs: number;
}

/** The pod whose restart was decided, written down where every operator sees it. */
export interface RestartMark {
  pod: string;
  uid: string;
}

export const restartAnnotation = 'kvorum.dev/restarting';

export function restartMarkOf(statefulSet: StatefulSet | null): RestartMark | null {
  const [pod, uid] = statefulSet?.metadata?.annotations?.[restartAnnotation]?.split('/') ?? [];
  return pod === undefined || uid === undefined || uid === '' ? null : { pod, uid };
}

/** Why a pod is not ready that an operator took out of service. */
export const withdrawnReason = 'KvorumWorkerLost';

/** One worker as all sources together show it. */
export interface WorkerView {
  ordinal: number;
  id: WorkerId;
  pod: Pod | null;
  uid: string;
  /** Its pod is there, ready, and stays. */
  podReady: boolean;
  /** If it is not ready, then because an operator said so: its kubelet has not. */
  withdrawn: boolean;
  terminating: boolean;
  /** Its pod was made from an older template; null if that cannot be told now. */
  outdated: boolean | null;
  worker: WorkerStatus | null;
  /** The ring names it as voter, learner or primary. */
  holds: boolean;
}

export interface ClusterView {
  names: ObjectNames;
  /** Ordinals 0 up to the most that is there, wanted, or named by the ring. */
  workers: WorkerView[];
  /** Replicas that the StatefulSet asks for now; 0 without one. */
  currentReplicas: number;
  /** The StatefulSet has taken in what was applied last. */
  revisionKnown: boolean;
  /** Seen to be so, each partition: none is settling. */
  fullyReplicated: boolean;
}

export function viewOf(observation: Observation): ClusterView {
  const { cluster, statefulSet, pods, controller } = observation;
  const names = namesOf(cluster.name);
  const currentReplicas = statefulSet?.spec?.replicas ?? 0;
  const holders = holdersOf(names, controller?.ring ?? null);
  const status = statefulSet?.status;
  const generation = statefulSet?.metadata?.generation ?? 0;
  const revision = status?.updateRevision ?? '';
  const revisionKnown = revision !== '' && (status?.observedGeneration ?? 0) >= generation;
  const count = Math.max(currentReplicas, ...[...holders].map((ordinal) => ordinal + 1));
  const podOf = new Map(pods.map((pod) => [nameOf(pod), pod]));
  const statusOf = new Map(controller?.status.workers.map((worker) => [worker.id, worker]) ?? []);
  const workers = Array.from({ length: count }, (_, ordinal): WorkerView => {
    const id = workerName(names, ordinal);
    const pod = podOf.get(id) ?? null;
    const terminating = pod !== null && isTerminating(pod);
    return {
      ordinal,
      id,
      pod,
      uid: pod === null ? '' : uidOf(pod),
      podReady: pod !== null && !terminating && isPodReady(pod),
      withdrawn: pod !== null && readinessOf(pod)?.reason === withdrawnReason,
      terminating,
      outdated: pod === null || !revisionKnown ? null : revisionOf(pod) !== revision,
      worker: statusOf.get(id) ?? null,
      holds: holders.has(ordinal),
    };
  });
  const counts = controller?.status.partitions;
  const fullyReplicated = counts !== undefined && counts.total > 0 && counts.fullyReplicated === counts.total;
  return { names, workers, currentReplicas, revisionKnown, fullyReplicated };
}

/** As users are told: a planned change that was made just now has taken nothing away. */
export function toldCounts(controller: ControllerFacts | null): PartitionCounts | undefined {
  if (controller === null) return undefined;
  const { settling, fullyReplicated, underReplicated, ...counts } = controller.status.partitions;
  return {
    ...counts,
    fullyReplicated: fullyReplicated + settling,
    underReplicated: underReplicated - settling,
    settling: 0,
  };
}

function revisionOf(pod: Pod): string {
  return pod.metadata?.labels?.['controller-revision-hash'] ?? '';
}

/** Ordinals of the workers that the ring names in any partition. */
export function holdersOf(names: ObjectNames, ring: RingRecord | null): Set<number> {
  const ids = new Set<WorkerId>();
  for (const { primary, voters, learners } of ring?.partitions ?? []) {
    if (primary.id !== '') ids.add(primary.id);
    for (const { id } of [...voters, ...learners]) ids.add(id);
  }
  const ordinals = [...ids].map((id) => ordinalOf(names, id));
  return new Set(ordinals.filter((ordinal) => ordinal !== null));
}
