/** What the objects of a cluster are called, and the labels that they carry. */

export interface ObjectNames {
  cluster: string;
  /**
   * Of the StatefulSet, the headless Service and the disruption budget; pods are called
   * `<workers>-<ordinal>`.
   */
  workers: string;
  /** The clients' Service. */
  service: string;
  ring: string;
  lease: string;
}

export const dataVolume = 'data';
export const peerPort = 7_400;
export const clientPort = 8_080;

export function namesOf(cluster: string): ObjectNames {
  return {
    cluster,
    workers: `${cluster}-worker`,
    service: cluster,
    ring: `${cluster}-ring`,
    lease: `${cluster}-operator`,
  };
}

export function workerName(names: ObjectNames, ordinal: number): string {
  return `${names.workers}-${ordinal}`;
}

/** The ordinal in a pod's name; null if it is none of these workers' pods. */
export function ordinalOf(names: ObjectNames, pod: string): number | null {
  if (!pod.startsWith(`${names.workers}-`)) return null;
  const text = pod.slice(names.workers.length + 1);
  return /^(0|[1-9]\d{0,5})$/.test(text) ? Number(text) : null;
}

export function claimName(names: ObjectNames, ordinal: number): string {
  return `${dataVolume}-${workerName(names, ordinal)}`;
}

/** What never changes of the workers' labels: selectors are made of it. */
export function workerSelector(cluster: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'kvorum',
    'app.kubernetes.io/instance': cluster,
    'app.kubernetes.io/component': 'worker',
  };
}

export function labelsOf(cluster: string, component: 'worker' | 'operator'): Record<string, string> {
  return {
    ...workerSelector(cluster),
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'kvorum',
    'app.kubernetes.io/managed-by': 'kvorum-operator',
  };
}

export function selectorText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}
