/** Paths and selectors of the fake API server. */
import type { StoredObject } from './fake-objects.js';

export interface ObjectPath {
  /** Group, version and resource. */
  collection: string;
  resource: string;
  /** '' for what no namespace holds. */
  namespace: string;
  name: string | null;
  subresource: string;
}

export function parsePath(path: string): ObjectPath | null {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const head = parts[0] === 'api' ? parts.splice(0, 2) : parts[0] === 'apis' ? parts.splice(0, 3) : null;
  if (head === null) return null;
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? (parts.splice(0, 2)[1] ?? '') : '';
  const [resource, name = null, subresource = ''] = parts;
  if (resource === undefined) return null;
  return { collection: `${head.join('/')}/${resource}`, resource, namespace, name, subresource };
}

export function selects(query: Record<string, string>, object: StoredObject): boolean {
  const labels = object.metadata.labels ?? {};
  const fitting = (query.labelSelector ?? '').split(',').every((term) => {
    const [name = '', value] = term.split('=');
    return name === '' || labels[name] === value;
  });
  const [field, wanted] = (query.fieldSelector ?? '').split('=');
  return fitting && (field !== 'metadata.name' || object.metadata.name === wanted);
}
