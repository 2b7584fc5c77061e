/** From nothing to a whole cluster, the commands a user pastes, and the way out and back. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { helm, pause, run, waitFor } from '../commands.js';
import { newRow } from '../trial.js';
import type { Row, Trial } from '../trial.js';

const installTimeoutMs = 180_000;
const installPromiseMs = 90_000;
/**
 * Kubernetes takes away what belonged to what was removed. A worker ends within its grace of 30 s; once a pod
 * was still listed after 90 s, a minute after its node had been without an API server.
 */
const clearingTimeoutMs = 240_000;
const handbooks = ['README.md', 'docs/kubernetes.md'];

async function recorded(
  trial: Trial,
  scenario: string,
  promise: string,
  act: (row: Row) => Promise<void>,
): Promise<void> {
  trial.say(`${scenario} …`);
  const row = newRow(scenario, promise);
  trial.rows.push(row);
  try {
    await act(row);
  } catch (error) {
    row.problems.push(error instanceof Error ? error.message : String(error));
  }
  await trial.tell(row);
}

export function install(trial: Trial): Promise<void> {
  return recorded(trial, 'install', `≤ ${installPromiseMs / 1_000} s`, async (row) => {
    const startedAt = performance.now();
    await trial.helmUpgrade(['--wait', '--timeout', '3m']);
    const returnedAfterMs = performance.now() - startedAt;
    await trial.kubernetes.waitUntilReplicated(installTimeoutMs);
    const tookMs = performance.now() - startedAt;
    const available = await trial.kubernetes.condition('Available');
    if (available?.status !== 'True') row.problems.push('fully replicated, yet not Available');
    await judgeSpread(trial, row);
    row.replicatedAfterS = Math.round(tookMs / 100) / 10;
    row.isPromiseKept = tookMs <= installPromiseMs;
    row.remarks.push(`helm returned after ${Math.round(returnedAfterMs / 100) / 10} s`);
  });
}

/** The loss of a node takes no more workers than it must. */
async function judgeSpread({ kubernetes }: Trial, row: Row): Promise<void> {
  const nodes = await kubernetes.nodeNames();
  const homes = (await kubernetes.pods('worker')).map(({ spec }) => spec.nodeName ?? '');
  const counts = nodes.map((node) => homes.filter((home) => home === node).length);
  const told = `workers by node: ${counts.join(', ')}`;
  if (Math.max(...counts) > Math.ceil(homes.length / nodes.length)) row.problems.push(told);
  else row.remarks.push(told);
}

export function helmTest(trial: Trial): Promise<void> {
  return recorded(trial, 'helm test', '', async () => {
    const { namespace, release } = trial.kubernetes;
    await helm(['test', release, '--namespace', namespace, '--timeout', '3m']);
  });
}

/** The lines for this port that start with curl, as they stand in the handbooks, against a port-forward. */
export function pastedCommands(trial: Trial): Promise<void> {
  return recorded(trial, 'port-forward and curl', '', async (row) => {
    const { namespace, release } = trial.kubernetes;
    const port = '18080';
    const forward = spawn('kubectl', ['-n', namespace, 'port-forward', `svc/${release}`, `${port}:80`], {
      stdio: 'ignore',
    });
    try {
      await waitFor('the port-forward', 20_000, async () => {
        return (await fetch(`http://localhost:${port}/readyz`)).ok ? true : undefined;
      });
      for (const handbook of handbooks) {
        const lines = (await readFile(handbook, 'utf8'))
          .split('\n')
          .filter((line) => line.startsWith('curl ') && line.includes('localhost:8080'));
        if (lines.length < 2) throw new Error(`${handbook} has no curl lines to paste`);
        for (const line of lines) {
          const command = line.replaceAll('localhost:8080', `localhost:${port}`);
          await run('bash', ['-c', command.replace('curl ', 'curl -sSf ')]);
        }
        row.remarks.push(`${lines.length} lines of ${handbook}`);
      }
      const greeting = await (await fetch(`http://localhost:${port}/v1/kv/greeting`)).text();
      if (greeting !== 'hello') row.problems.push(`the greeting is '${greeting}'`);
    } finally {
      forward.kill();
    }
  });
}

export function reinstall(trial: Trial): Promise<void> {
  return recorded(trial, 'uninstall, reinstall', 'all data', async (row) => {
    const { kubernetes } = trial;
    const { namespace, release } = kubernetes;
    const stored = await throughService(trial, 'PUT', 200);
    await helm(['uninstall', release, '--namespace', namespace, '--wait', '--timeout', '2m']);
    const kinds =
      'all,configmaps,leases,poddisruptionbudgets,serviceaccounts,roles,rolebindings,kvorumclusters';
    const uninstalledAt = performance.now();
    await waitFor('nothing but volumes', clearingTimeoutMs, async () => {
      const selector = `--selector=app.kubernetes.io/instance=${release}`;
      const left = await kubernetes.kubectl(['get', kinds, selector, '--output=name']);
      if (left.trim() === '') return true;
      throw new Error(left.trim().split('\n').join(', '));
    });
    row.remarks.push(
      `all gone ${Math.round((performance.now() - uninstalledAt) / 1_000)} s after helm returned`,
    );
    const claims = await kubernetes.kubectl(['get', 'pvc', '--output=name']);
    if (claims.trim() === '') row.problems.push('the volumes are gone');
    await pause(2_000);
    const startedAt = performance.now();
    await trial.helmUpgrade(['--wait', '--timeout', '3m']);
    await kubernetes.waitUntilReplicated(installTimeoutMs);
    row.replicatedAfterS = Math.round((performance.now() - startedAt) / 100) / 10;
    const found = await throughService(trial, 'GET', 200);
    if (stored !== found) row.problems.push(`of what was stored (${stored}) this was found: ${found}`);
  });
}

/**
 * Writes or reads this many keys from a pod, and says what a reader has to find. The nodes' way to a Service
 * that is new takes a moment: what counts here is the data.
 */
async function throughService(trial: Trial, method: 'PUT' | 'GET', count: number): Promise<string> {
  const { host, port } = await trial.serviceTarget();
  const program = `
    const values = [];
    for (let i = 0; i < ${count}; i += 1) {
      const url = 'http://${host}:${port}/v1/kv/kept/' + i;
      const options = '${method}' === 'PUT' ? { method: 'PUT', body: 'kept-' + i } : {};
      for (let tries = 0; ; tries += 1) {
        const { ok, text } = await fetch(url, options).then(
          async (response) => ({ ok: response.ok, text: response.status + ' ' + (await response.text()) }),
          (error) => ({ ok: false, text: String(error.cause ?? error) }),
        );
        if (ok) { values.push('${method}' === 'PUT' ? options.body : text.slice(4)); break; }
        if (tries > 40) throw new Error(text);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    console.log(values.length + ' values, ' + values.join());`;
  await trial.loadNode();
  return trial.kubernetes.kubectl(['exec', 'load', '--', 'node', '--input-type=module', '--eval', program]);
}
