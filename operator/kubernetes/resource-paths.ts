/** Where each kind of object stands in the API. */

export const kvorumGroup = 'kvorum.dev';
export const kvorumVersion = 'v1alpha1';
export const definitionName = `kvorumclusters.${kvorumGroup}`;

const groups = {
  configmaps: '/api/v1',
  persistentvolumeclaims: '/api/v1',
  pods: '/api/v1',
  services: '/api/v1',
  statefulsets: '/apis/apps/v1',
  poddisruptionbudgets: '/apis/policy/v1',
  leases: '/apis/coordination.k8s.io/v1',
  events: '/apis/events.k8s.io/v1',
  kvorumclusters: `/apis/${kvorumGroup}/${kvorumVersion}`,
} as const;

export type Resource = keyof typeof groups;

export function collectionPath(resource: Resource, namespace: string): string {
  return `${groups[resource]}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

export function objectPath(resource: Resource, namespace: string, name: string): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

export const nodesPath = '/api/v1/nodes';
export function nodePath(name: string): string {
  return `${nodesPath}/${encodeURIComponent(name)}`;
}

export const definitionPath = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definitionName}`;
