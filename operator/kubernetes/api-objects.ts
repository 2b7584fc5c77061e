/**
 * The parts of Kubernetes' objects that the operator reads, as they stand in JSON. Everything may be missing:
 * what an API server of another version sends is read with care and never asserted.
 */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Metadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
}

export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata?: Metadata;
}

export interface ApiList {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: ApiObject[];
}

export interface Condition {
  type?: string;
  status?: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  terminated?: { reason?: string; exitCode?: number; message?: string };
  running?: object;
}

export interface ContainerStatus {
  name?: string;
  ready?: boolean;
  restartCount?: number;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface Pod extends ApiObject {
  spec?: { nodeName?: string; containers?: { name?: string; image?: string }[] };
  status?: {
    phase?: string;
    podIP?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface StatefulSet extends ApiObject {
  spec?: {
    replicas?: number;
    volumeClaimTemplates?: VolumeClaim[];
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
  };
}

export interface VolumeClaim extends ApiObject {
  spec?: {
    storageClassName?: string;
    accessModes?: string[];
    resources?: { requests?: Record<string, string> };
  };
  status?: { phase?: string; capacity?: Record<string, string>; conditions?: Condition[] };
}

export interface ConfigMap extends ApiObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

export interface Lease extends ApiObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface StorageClass extends ApiObject {
  allowVolumeExpansion?: boolean;
}

export function nameOf(object: ApiObject): string {
  return object.metadata?.name ?? '';
}

export function uidOf(object: ApiObject): string {
  return object.metadata?.uid ?? '';
}

export function isTerminating(object: ApiObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

export function readinessOf(pod: Pod): Condition | undefined {
  return pod.status?.conditions?.find(({ type }) => type === 'Ready');
}

export function isPodReady(pod: Pod): boolean {
  return readinessOf(pod)?.status === 'True';
}
