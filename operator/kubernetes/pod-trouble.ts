/** Why a pod does not come up, as far as Kubernetes says. */
import type { ContainerStatus, Pod } from './api-objects.js';
import type { WorkerView } from './observation.js';

/** Waiting reasons that pass by themselves. */
const passing = new Set(['ContainerCreating', 'PodInitializing']);
/** How long a pod may take to become ready before that is called trouble. */
const patienceMs = 120_000;

/** '' if it works, or may yet. */
export function brokenBecause({ pod, podReady }: WorkerView, wallMs: number): string {
  if (pod === null || podReady) return '';
  for (const status of pod.status?.containerStatuses ?? []) {
    const reason = containerTrouble(status);
    if (reason !== '') return reason;
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return `it cannot be scheduled: ${scheduled.message ?? scheduled.reason ?? ''}`;
  const seconds = ageMs(pod, wallMs) / 1_000;
  return seconds * 1_000 >= patienceMs ? `it is not ready after ${Math.round(seconds)} s` : '';
}

/** Its kubelet has seen all its containers end, and none of them runs again. */
export function hasEnded({ status }: Pod): boolean {
  const containers = status?.containerStatuses ?? [];
  return (
    containers.length > 0 &&
    containers.every(({ state, lastState }) => {
      return state?.running === undefined && (state?.terminated ?? lastState?.terminated) !== undefined;
    })
  );
}

function containerTrouble({ state, lastState, restartCount }: ContainerStatus): string {
  const { reason = '', message = '' } = state?.waiting ?? {};
  const ended = state?.terminated ?? lastState?.terminated;
  const code = ended?.exitCode === undefined ? '' : `, exit code ${ended.exitCode}`;
  if (reason !== '' && !passing.has(reason)) {
    const words = message === '' ? '' : `: ${firstLine(message)}`;
    return `${reason}${words}${code}`;
  }
  if ((restartCount ?? 0) >= 3 && state?.running === undefined)
    return `it ended ${restartCount ?? 0} times${code}`;
  return '';
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 200);
}

function ageMs(pod: Pod, wallMs: number): number {
  const created = Date.parse(pod.metadata?.creationTimestamp ?? '');
  return Number.isNaN(created) ? 0 : wallMs - created;
}
