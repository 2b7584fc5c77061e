/**
 * What a KvorumCluster asks for, with every default filled in. The API server has checked it against the
 * schema; what it could not check, or what an older schema let through, is told here in sentences instead of
 * being acted upon.
 */
import { defaultLimits, limitProblems } from '../../core/limits.js';
import type { Limits } from '../../core/limits.js';
import type { ApiObject, OwnerReference } from './api-objects.js';
import { nameOf, uidOf } from './api-objects.js';
import { kvorumGroup, kvorumVersion } from './resource-paths.js';

export interface PodSettings {
  annotations: Record<string, string>;
  labels: Record<string, string>;
  nodeSelector: Record<string, string>;
  priorityClassName: string;
  tolerations: object[];
  affinity: object | null;
}

export interface ClusterSpec {
  workers: number;
  replicationFactor: number;
  partitions: number;
  image: string;
  imagePullPolicy: string;
  imagePullSecrets: { name: string }[];
  storage: { size: string; className: string };
  resources: object;
  heartbeatMs: number;
  suspicionMs: number;
  replacementDelayMs: number;
  copiesMax: number;
  copyBytesPerSecondMax: number;
  paused: boolean;
  pod: PodSettings;
}

export interface KvorumCluster {
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  /** It is being deleted: nothing is to be done for it any more. */
  deleted: boolean;
  spec: ClusterSpec;
  problems: string[];
  status: unknown;
}

export function parseKvorumCluster(object: ApiObject, defaultImage: string | null): KvorumCluster {
  const { spec, status } = object as { spec?: unknown; status?: unknown };
  const parsed = parseSpec(fieldsOf(spec), defaultImage);
  return {
    namespace: object.metadata?.namespace ?? '',
    name: nameOf(object),
    uid: uidOf(object),
    generation: object.metadata?.generation ?? 0,
    deleted: object.metadata?.deletionTimestamp !== undefined,
    spec: parsed,
    problems: problemsOf(parsed),
    status,
  };
}

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function parseSpec(spec: Fields, defaultImage: string | null): ClusterSpec {
  const storage = fieldsOf(spec.storage);
  const heartbeat = fieldsOf(spec.heartbeat);
  const rebalance = fieldsOf(spec.rebalance);
  const pod = fieldsOf(spec.pod);
  return {
    workers: numberOf(spec.workers, 4),
    replicationFactor: numberOf(spec.replicationFactor, 3),
    partitions: numberOf(spec.partitions, 256),
    image: textOf(spec.image, defaultImage ?? ''),
    imagePullPolicy: textOf(spec.imagePullPolicy, 'IfNotPresent'),
    imagePullSecrets: listOf(spec.imagePullSecrets).map((item) => ({
      name: textOf(fieldsOf(item).name, ''),
    })),
    storage: { size: quantityText(storage.size, '10Gi'), className: textOf(storage.className, '') },
    resources: fieldsOf(spec.resources),
    heartbeatMs: numberOf(heartbeat.intervalMs, defaultLimits.heartbeatMs),
    suspicionMs: numberOf(heartbeat.timeoutMs, defaultLimits.suspicionMs),
    replacementDelayMs:
      numberOf(spec.replacementDelaySeconds, defaultLimits.replacementDelayMs / 1_000) * 1_000,
    copiesMax: numberOf(rebalance.maxConcurrentCopies, defaultLimits.copiesMax),
    copyBytesPerSecondMax: numberOf(rebalance.maxBytesPerSecond, defaultLimits.copyBytesPerSecondMax),
    paused: spec.paused === true,
    pod: {
      annotations: textsOf(pod.annotations),
      labels: textsOf(pod.labels),
      nodeSelector: textsOf(pod.nodeSelector),
      priorityClassName: textOf(pod.priorityClassName, ''),
      tolerations: listOf(pod.tolerations).map(fieldsOf),
      affinity: pod.affinity === undefined ? null : fieldsOf(pod.affinity),
    },
  };
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

function quantityText(value: unknown, otherwise: string): string {
  return typeof value === 'number' ? String(value) : textOf(value, otherwise);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(fieldsOf(value)).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(entries) as Record<string, string>;
}

/** The limits by which controller and workers of this cluster run. */
export function limitsOfCluster(spec: ClusterSpec, base: Limits): Limits {
  const { heartbeatMs, suspicionMs, replacementDelayMs, copiesMax, copyBytesPerSecondMax } = spec;
  return { ...base, heartbeatMs, suspicionMs, replacementDelayMs, copiesMax, copyBytesPerSecondMax };
}

function problemsOf(spec: ClusterSpec): string[] {
  const problems = limitProblems(limitsOfCluster(spec, defaultLimits));
  const { workers, replicationFactor, partitions, image } = spec;
  if (!Number.isSafeInteger(workers) || workers < replicationFactor) {
    problems.push(`workers (${workers}) must be at least replicationFactor (${replicationFactor})`);
  }
  if (!Number.isInteger(Math.log2(partitions)))
    problems.push(`partitions (${partitions}) must be a power of two`);
  if (image === '') problems.push('image must be given: the operator was told of none');
  if (quantityOf(spec.storage.size) === null)
    problems.push(`storage.size ('${spec.storage.size}') is no size`);
  return problems;
}

const scales: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Bytes of a Kubernetes quantity such as 10Gi; null if it is none. */
export function quantityOf(text: string): number | null {
  const parts = /^(\d+(?:\.\d+)?)([kMGTPE]|[KMGTPE]i)?$/.exec(text);
  const scale = scales[parts?.[2] ?? ''];
  return parts === null || scale === undefined ? null : Number(parts[1]) * scale;
}

export function ownerReference(cluster: Pick<KvorumCluster, 'name' | 'uid'>): OwnerReference {
  const { name, uid } = cluster;
  return {
    apiVersion: `${kvorumGroup}/${kvorumVersion}`,
    kind: 'KvorumCluster',
    name,
    uid,
    controller: true,
  };
}

/** Kept by the workers' volumes: the same again when the cluster is installed anew over them. */
export function clusterIdOf(cluster: Pick<KvorumCluster, 'namespace' | 'name'>): string {
  return `${cluster.namespace}/${cluster.name}`;
}
