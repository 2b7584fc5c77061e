import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { workerDeclarations } from '../../node/metrics/worker-metrics.js';
import { controllerDeclarations } from '../../operator/metrics/controller-metrics.js';
import { combinations } from '../../platform/metrics/metrics.js';
import type { Declaration } from '../../platform/metrics/declaration.js';
import { runtimeMetricNames } from '../../platform/metrics/process-metrics.js';
import { eventually, ProcessCluster } from './cluster.js';

jest.setTimeout(300_000);
const partitions = 16;
let cluster: ProcessCluster;

/** By series, as it stands in the text. */
type Scrape = ReadonlyMap<string, number>;

async function textOf(url: string): Promise<string> {
  const reply = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  if (!reply.ok) throw new Error(`metrics of ${url}: ${reply.status}`);
  return reply.text();
}

async function scrape(url: string): Promise<Scrape> {
  const lines = (await textOf(url)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

function total(scraped: Scrape, prefix: string): number {
  let sum = 0;
  for (const [series, value] of scraped) if (series.startsWith(prefix)) sum += value;
  return sum;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    .map(([, name = '', type = '']) => `${name} ${type}`)
    .sort();
}

function namesDeclared(declarations: readonly Declaration[]): string[] {
  const own = declarations.map(({ name, type }) => `${name} ${type}`);
  return own.sort();
}

beforeAll(async () => {
  const options = ['--partitions', String(partitions), '--no-restart', '--replacement-delay', '3s'];
  cluster = await ProcessCluster.start([...options, '--metrics-per-partition']);
}, 300_000);

afterAll(() => cluster.stop());

describe('a scrape of a real cluster', () => {
  const programs: [string, () => string, readonly Declaration[]][] = [
    ['worker', () => cluster.workerUrl(0), workerDeclarations],
    ['controller', () => cluster.controller, controllerDeclarations],
  ];

  it.each(programs)(
    'has exactly what the %s declares, and the runtime',
    async (_program, url, declarations) => {
      const found = namesIn(await textOf(url()));
      const isRuntime = (line: string) => runtimeMetricNames.has(line.split(' ')[0] ?? '');
      expect(found.filter((line) => !isRuntime(line))).toEqual(namesDeclared(declarations));
      expect(found.filter(isRuntime).length).toBeGreaterThan(8);
    },
  );

  it.each(programs)(
    'has every series of the %s whose labels are known',
    async (_program, url, declarations) => {
      const scraped = await scrape(url());
      for (const { name, type, labels } of declarations) {
        for (const series of combinations(labels)) {
          const text = Object.entries(series).map(([label, value]) => `${label}="${value}"`);
          const inBraces = text.length === 0 ? '' : `{${text.join(',')}}`;
          expect([...scraped.keys()]).toContain(
            `${type === 'histogram' ? `${name}_count` : name}${inBraces}`,
          );
        }
      }
    },
  );

  it.each(programs)('of the %s is clean for promtool', async (_program, url) => {
    const input = await textOf(url());
    expect(execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('');
  });

  it('has series for each partition when they are asked for', async () => {
    const scraped = await scrape(cluster.workerUrl(0));
    const primaries = scraped.get('kvorum_primaries') ?? 0;
    expect(primaries).toBeGreaterThan(0);
    expect(total(scraped, 'kvorum_partition_primary{')).toBe(primaries);
  });
});

async function workers(): Promise<Scrape[]> {
  const { workers: listed } = await cluster.status();
  return Promise.all(listed.filter(({ state }) => state === 'ready').map(({ url }) => scrape(url)));
}

function over(scrapes: readonly Scrape[], prefix: string): number {
  return scrapes.reduce((sum, scraped) => sum + total(scraped, prefix), 0);
}

describe('values move', () => {
  const value = 'x'.repeat(200);
  const put = (key: string, index = 0) =>
    fetch(`${cluster.workerUrl(index)}/v1/kv/${key}`, { method: 'PUT', body: value });

  it('with writes: quorum, phases, batches, requests, bytes', async () => {
    const before = await workers();
    for (let index = 0; index < 64; index += 1) expect((await put(`key-${index}`)).ok).toBe(true);
    const after = await workers();
    const grown = (prefix: string) => over(after, prefix) - over(before, prefix);
    expect(grown('kvorum_quorum_write_seconds_count')).toBe(64);
    for (const phase of ['queue', 'local_fsync', 'first_backup', 'reply']) {
      expect(grown(`kvorum_quorum_write_phase_seconds_count{phase="${phase}"}`)).toBe(64);
    }
    expect(grown('kvorum_request_seconds_count{method="PUT",class="2xx"}')).toBe(64);
    expect(grown('kvorum_requests_total{method="PUT"')).toBe(64);
    // On each of three replicas.
    expect(grown('kvorum_log_commit_entries_sum')).toBe(3 * 64);
    expect(grown('kvorum_log_fsync_seconds_count')).toBeGreaterThan(0);
    expect(grown('kvorum_forwards_total')).toBeGreaterThan(0);
    expect(grown('kvorum_stream_bytes_total{direction="sent"}')).toBeGreaterThan(64 * 2 * value.length);
    const slowest = total(after[0] ?? new Map<string, number>(), 'kvorum_quorum_write_seconds_sum');
    expect(slowest).toBeGreaterThan(0);
  });

  it('with reads and what is not found', async () => {
    const before = await workers();
    expect((await fetch(`${cluster.workerUrl(1)}/v1/kv/key-1`)).status).toBe(200);
    expect((await fetch(`${cluster.workerUrl(1)}/v1/kv/none`)).status).toBe(404);
    const after = await workers();
    const grown = (prefix: string) => over(after, prefix) - over(before, prefix);
    expect(grown('kvorum_requests_total{method="GET",code="404"}')).toBe(1);
    expect(grown('kvorum_request_seconds_count{method="GET",class="2xx"}')).toBe(1);
    expect(grown('kvorum_reads_total')).toBe(2);
  });

  it('with a lost worker: failover, step by step to whole again', async () => {
    const before = await scrape(cluster.controller);
    const led = before.get('kvorum_cluster_worker_primaries{worker="worker-4"}') ?? 0;
    const held = before.get('kvorum_cluster_worker_replicas{worker="worker-4"}') ?? 0;
    process.kill(await cluster.pidOf('worker-4'), 'SIGKILL');
    const after = await eventually(
      'copied elsewhere',
      async () => {
        const scraped = await scrape(cluster.controller);
        const full = scraped.get('kvorum_cluster_partitions{state="fully_replicated"}');
        const lost = scraped.get('kvorum_cluster_workers{state="lost"}');
        return full === partitions && lost === 1 ? scraped : undefined;
      },
      200_000,
    );
    const grown = (prefix: string) => total(after, prefix) - total(before, prefix);
    expect(grown('kvorum_controller_workers_lost_total')).toBe(1);
    expect(grown('kvorum_controller_workers_suspected_total')).toBeGreaterThan(0);
    expect(
      grown('kvorum_controller_reconfigurations_total{kind="failover",result="done"}'),
    ).toBeGreaterThanOrEqual(led);
    expect(grown('kvorum_controller_failover_seconds_count')).toBeGreaterThanOrEqual(led);
    expect(grown('kvorum_controller_failover_seconds_sum')).toBeGreaterThan(0);
    expect(grown('kvorum_cluster_replicas_placed_total{kind="missing"}')).toBeGreaterThanOrEqual(held);
    expect(grown('kvorum_controller_ring_writes_total{result="swapped"}')).toBeGreaterThan(1);
    expect(grown('kvorum_cluster_ring_version')).toBeGreaterThan(1);
    expect(after.get('kvorum_cluster_replicas_missing')).toBe(0);
    expect(after.get('kvorum_cluster_repair_seconds_left')).toBe(0);
    expect(after.get('kvorum_cluster_worker_heartbeat_age_seconds{worker="worker-4"}')).toBeGreaterThan(3);
    const others = await workers();
    expect(over(others, 'kvorum_copy_bytes_total{direction="received"}')).toBeGreaterThan(0);
    expect(over(others, 'kvorum_copies_total{result="taken_over"}')).toBeGreaterThan(0);
    expect(over(others, 'kvorum_peer_connected{peer="worker-4"}')).toBe(0);
    expect(over(others, 'kvorum_epochs_served_total')).toBeGreaterThan(partitions);
  });

  it('with the quorum gone: failures by reason', async () => {
    process.kill(await cluster.pidOf('worker-3'), 'SIGKILL');
    process.kill(await cluster.pidOf('worker-2'), 'SIGKILL');
    const left = cluster.workerUrl(0);
    const reply = await put('key-1');
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(total(await scrape(left), 'kvorum_quorum_failures_total{operation="write"')).toBe(1);
    await eventually('seen by the controller', async () => {
      const scraped = await scrape(cluster.controller);
      return scraped.get('kvorum_cluster_partitions{state="without_quorum"}') === partitions
        ? true
        : undefined;
    });
  });
});
