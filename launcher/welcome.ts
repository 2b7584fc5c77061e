/** What to paste next: shown once, when the cluster can be used. */
import type { ManagedProcess } from './managed-process.js';

export function welcomeText(processes: readonly ManagedProcess[], folder: string): string {
  const workers = processes.filter(({ plan }) => plan.role === 'worker');
  const urlOf = (index: number) => workers[index % workers.length]?.plan.url ?? '';
  const controller = processes.find(({ plan }) => plan.role === 'controller');
  return `
The cluster is ready: every worker takes every request. See it live: ${controller?.plan.url ?? urlOf(0)}/
Try:

  curl -i -X PUT --data-binary 'hello' ${urlOf(0)}/v1/kv/greeting
  curl -i ${urlOf(1)}/v1/kv/greeting
  curl ${urlOf(2)}/v1/explain/greeting
  curl ${controller?.plan.url ?? urlOf(0)}/v1/status
  kill -9 ${workers[0]?.pid ?? 'PID'}    # any of them; nothing is lost

Data and logs are in ${folder}. Ctrl-C stops everything.
`;
}
