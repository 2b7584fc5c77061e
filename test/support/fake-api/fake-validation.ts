/** What the API server refuses to change, of the kinds that the operator writes. */
import { isObject, sameJson } from './fake-objects.js';
import type { StoredObject } from './fake-objects.js';

export interface Refusal {
  status: number;
  reason: string;
  message: string;
}

const changeable = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
  'revisionHistoryLimit',
]);

export function immutableProblem(
  resource: string,
  current: StoredObject,
  next: StoredObject,
  fixedClasses: ReadonlySet<string>,
): Refusal | null {
  if (resource === 'statefulsets') return statefulSetProblem(current.spec, next.spec);
  if (resource === 'persistentvolumeclaims') return claimProblem(current.spec, next.spec, fixedClasses);
  return null;
}

function statefulSetProblem(before: unknown, after: unknown): Refusal | null {
  const [a, b] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!changeable.has(name) && !sameJson(a[name], b[name])) {
      const message = `spec: Forbidden: updates for fields other than ${[...changeable].join(', ')}`;
      return { status: 422, reason: 'Invalid', message };
    }
  }
  return null;
}

interface ClaimSpec {
  storageClassName?: string;
  resources?: { requests?: { storage?: string } };
}

function claimProblem(before: unknown, after: unknown, fixedClasses: ReadonlySet<string>): Refusal | null {
  const [a, b] = [before as ClaimSpec, after as ClaimSpec];
  const size = (spec: ClaimSpec) => Number.parseInt(spec.resources?.requests?.storage ?? '0', 10);
  if (size(b) < size(a)) {
    return {
      status: 422,
      reason: 'Invalid',
      message: 'spec.resources.requests.storage: field can not be less than previous value',
    };
  }
  if (size(b) > size(a) && fixedClasses.has(a.storageClassName ?? '')) {
    const message =
      'only dynamically provisioned pvc can be resized and its storageclass must support resize';
    return { status: 403, reason: 'Forbidden', message };
  }
  return null;
}
