/**
 * `npm run bench:fill`: writes many keys over REST and shows what they cost: memory of each worker while it
 * is filled, and how long a cluster on that data takes to start again, after an orderly end and after all of
 * it was killed at once.
 */
import { Command } from 'commander';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCluster } from '../cluster-under-load.js';
import type { ClusterUnderLoad, WorkerUnderLoad } from '../cluster-under-load.js';
import { HttpConnection } from '../wire/http-connection.js';

const program = new Command('npm run bench:fill --')
  .description('Fills a cluster with keys; shows its memory, and how long it takes to start again.')
  .option('--keys <n>', 'how many', '1000000')
  .option('--value-bytes <n>', 'size of a value', '256')
  .option('--clients <n>', 'connections', '256')
  .option('--port <n>', 'first port of the cluster', '17600')
  .parse();
const options = program.opts<{ keys: string; valueBytes: string; clients: string; port: string }>();
const keys = Number(options.keys);
const port = Number(options.port);
const reports = 10;
const attemptsMax = 100;

const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-fill-'));
const started: ClusterUnderLoad[] = [];
try {
  const first = await start('a new cluster serves');
  await fill(first.workers);
  await first.stop();
  const second = await start('started again after an orderly end');
  memory(second.workers);
  await spotCheck(second.workers);
  await second.kill();
  const third = await start('started again after kill -9 of all');
  memory(third.workers);
  await spotCheck(third.workers);
} finally {
  for (const cluster of started) await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start(what: string): Promise<ClusterUnderLoad> {
  const startedAt = performance.now();
  const cluster = await startCluster(port, {}, folder);
  started.push(cluster);
  console.log(`${what}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
  return cluster;
}

function keyOf(index: number): string {
  return `fill/${String(index).padStart(19, '0')}`;
}

async function fill(workers: readonly WorkerUnderLoad[]): Promise<void> {
  const body = Buffer.alloc(Number(options.valueBytes), 'v');
  const startedAt = performance.now();
  let next = 0;
  let done = 0;
  const client = async (connection: HttpConnection) => {
    while (next < keys) {
      const index = next;
      next += 1;
      const { status } = await connection.request('PUT', `/v1/kv/${keyOf(index)}`, body);
      if (status >= 300) await putAgain(connection, index, body);
      done += 1;
      if (done % Math.ceil(keys / reports) !== 0) continue;
      const rate = done / ((performance.now() - startedAt) / 1_000);
      console.log(`${done} keys, ${rate.toFixed(0)} a second`);
      memory(workers);
    }
  };
  await eachConnection(workers, Number(options.clients), client);
}

/** An overloaded worker says so; on a machine that is busy otherwise, deadlines are missed. */
async function putAgain(connection: HttpConnection, index: number, body: Buffer): Promise<void> {
  let status = 0;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    ({ status } = await connection.request('PUT', `/v1/kv/${keyOf(index)}`, body));
    if (status < 300) return;
  }
  throw new Error(`PUT of key ${index} was answered ${status}`);
}

async function eachConnection(
  workers: readonly WorkerUnderLoad[],
  count: number,
  use: (connection: HttpConnection) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const worker = workers[index % workers.length];
      if (worker === undefined) throw new Error('no workers');
      const connection = await HttpConnection.open(worker.url);
      await use(connection);
      connection.close();
    }),
  );
}

/** Some of the keys are there. */
async function spotCheck(workers: readonly WorkerUnderLoad[]): Promise<void> {
  await eachConnection(workers, workers.length, async (connection) => {
    for (let index = 0; index < keys; index += Math.ceil(keys / 100)) {
      const { status } = await connection.request('GET', `/v1/kv/${keyOf(index)}`);
      if (status !== 200) throw new Error(`GET of key ${index} was answered ${status}`);
    }
  });
}

/** Resident memory, in MB: all of it, and what no file stands behind. */
function memory(workers: readonly WorkerUnderLoad[]): void {
  const columns = workers.map(({ id, pid }) => {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 1_024;
    return `${id} ${field('VmRSS').toFixed(0)} (${field('RssAnon').toFixed(0)})`;
  });
  console.log(`  resident MB (anonymous): ${columns.join('  ')}`);
}
