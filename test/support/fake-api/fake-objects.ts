/** Objects of the fake API server: JSON that it stores and does not understand beyond what its rules need. */
import type { Metadata } from '../../../operator/kubernetes/api-objects.js';

export interface StoredObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata & { name: string; uid: string; resourceVersion: string };
  [field: string]: unknown;
}

export interface ApiAnswer {
  status: number;
  body: unknown;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function failure(status: number, reason: string, message: string, name = ''): ApiAnswer {
  const details = name === '' ? {} : { details: { name } };
  return {
    status,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status, ...details },
  };
}

export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (!isObject(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** RFC 7386: null removes a field, objects are merged, everything else is replaced. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, name);
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

/**
 * Server-side apply, as far as the operator uses it: what is applied is merged in, what the same manager
 * applied before and does not now is removed; lists are taken whole.
 */
export function applyPatch(target: unknown, before: unknown, applied: unknown): unknown {
  if (!isObject(applied)) return applied;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const name of Object.keys(isObject(before) ? before : {})) {
    if (!(name in applied)) Reflect.deleteProperty(result, name);
  }
  for (const [name, value] of Object.entries(applied)) {
    result[name] = applyPatch(result[name], isObject(before) ? before[name] : undefined, value);
  }
  return result;
}
