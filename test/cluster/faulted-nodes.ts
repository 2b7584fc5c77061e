/** Whom to harm: picks nodes and pods so that a scenario hits what it is about, and puts it right again. */
import { inflict, waitFor } from './commands.js';
import { isReady } from './kubernetes.js';
import type { Kubernetes, PodView } from './kubernetes.js';
import type { Trial } from './trial.js';

/**
 * A node with workers on it, without the load; with or without the active operator as asked. The one with the
 * most workers: its loss is the hardest.
 */
export async function victimNode(trial: Trial, withActiveOperator: boolean): Promise<string> {
  const { kubernetes } = trial;
  const spared = await trial.loadNode();
  const operators = await kubernetes.pods('operator');
  const active = await kubernetes.activeOperator();
  const activeNode = operators.find(({ metadata }) => active.startsWith(metadata.name))?.spec.nodeName ?? '';
  const workers = (await kubernetes.pods('worker')).filter(isReady);
  const counts = new Map<string, number>();
  for (const { spec } of workers) {
    const node = spec.nodeName ?? spared;
    if (node !== spared) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  const candidates = [...counts].sort((a, b) => b[1] - a[1]).map(([node]) => node);
  for (const node of candidates) if ((node === activeNode) === withActiveOperator) return node;
  if (withActiveOperator) await moveActiveOperator(kubernetes, active, spared);
  if (withActiveOperator) return victimNode(trial, true);
  throw new Error('no node has workers, but neither the load nor the active operator');
}

/** Ends the active operator until one elsewhere holds the Lease. */
async function moveActiveOperator(kubernetes: Kubernetes, active: string, spared: string): Promise<void> {
  await kubernetes.deletePod(active);
  await waitFor('another active operator', 60_000, async () => {
    const holder = await kubernetes.activeOperator();
    const pods = await kubernetes.pods('operator');
    const pod = pods.find(({ metadata }) => holder.startsWith(metadata.name));
    if (holder === active || pod === undefined || !isReady(pod)) return undefined;
    if (pod.spec.nodeName !== spared) return true;
    await kubernetes.deletePod(pod.metadata.name);
    return undefined;
  });
}

/** A ready worker; the first by name, so that runs are alike. */
export async function someWorker(kubernetes: Kubernetes, onNode?: string): Promise<PodView> {
  const pods = (await kubernetes.pods('worker')).filter(isReady);
  const found = pods.find(({ spec }) => onNode === undefined || spec.nodeName === onNode);
  if (found === undefined) throw new Error(`no ready worker${onNode === undefined ? '' : ` on ${onNode}`}`);
  return found;
}

/** kill -9 of the pod's first process, from outside of its container: inside, the kernel protects it. */
export async function killProcessOf(pod: PodView, program: 'node' | 'operator' = 'node'): Promise<void> {
  const uid = pod.metadata.uid;
  const underscored = uid.replaceAll('-', '_');
  const command =
    `for p in /proc/[0-9]*; do if grep -q -e ${uid} -e ${underscored} $p/cgroup 2>/dev/null && ` +
    `tr '\\0' ' ' <$p/cmdline | grep -q dist/${program}/main.js; then kill -9 \${p#/proc/}; echo killed; fi; done`;
  const output = await inflict('NODE_EXEC', pod.spec.nodeName, command);
  if (!output.includes('killed')) throw new Error(`no process of ${pod.metadata.name} found on its node`);
}

export async function waitForNode(kubernetes: Kubernetes, node: string): Promise<void> {
  await waitFor(`node ${node} ready`, 120_000, async () => {
    const { status } = await kubernetes.get<{ status: PodView['status'] }>('node', node);
    return isReady({ status } as PodView) ? true : undefined;
  });
}
