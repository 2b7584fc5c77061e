/** Everything that is not a key, every reply held against the contract. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openApiDocument } from '../../../node/api/openapi.js';
import { checkReply, problemIn } from './contract.js';
import { exposeCoordinator } from '../../../node/api/api-metrics.js';
import { slotAt, slotMs } from '../../../core/picture/latency-history.js';
import type { Activity } from '../../../node/activity.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { RunningApi } from './running-api.js';

let api: RunningApi;

beforeEach(async () => {
  api = await new RunningApi().start();
});
afterEach(() => api.stop());

async function read(declaredPath: string, path = declaredPath): Promise<unknown> {
  const response = await api.fetch(path);
  expect(response.status).toBe(200);
  const body = await checkReply('GET', declaredPath, response);
  return JSON.parse(new TextDecoder().decode(body)) as unknown;
}

describe('views of the cluster', () => {
  it('show the ring', async () => {
    expect(await read('/v1/ring')).toEqual(api.ring);
  });

  it('show the status as this worker sees it', async () => {
    const ring = api.ring;
    if (ring !== null)
      ring.members = {
        a: { host: '127.0.0.1', peerPort: 1, clientPort: 7401, zone: 'z1', state: 'active' },
        b: { host: '127.0.0.2', peerPort: 2, clientPort: 7402, zone: 'z2', state: 'draining' },
        c: { host: '127.0.0.3', peerPort: 3, clientPort: 7403, zone: 'z3', state: 'active' },
      };
    const url = 'http://127.0.0.1:7401';
    expect(await read('/v1/status')).toMatchObject({
      ringVersion: 7,
      phase: 'degraded',
      workers: [
        { id: 'a', url, pid: 42, state: 'up', zone: 'z1', primaries: 1, replicas: 1 },
        { id: 'b', pid: null, state: 'draining', primaries: 0, replicas: 1 },
        { id: 'c', state: 'unreachable', replicas: 1 },
      ],
      partitions: { total: 1, fullyReplicated: 0, underReplicated: 1, withoutQuorum: 0, moving: 0 },
      seenBy: 'a',
    });
  });

  it('explain a key', async () => {
    expect(await read('/v1/explain/{key}', '/v1/explain/some%2Fkey//%C3%A9')).toMatchObject({
      key: 'some/key//é',
      partition: 0,
      epoch: 3,
      primary: 'a',
      voters: [
        { id: 'a', reachable: true },
        { id: 'b', reachable: true },
        { id: 'c', reachable: false },
      ],
      quorum: 2,
      safe: false,
    });
  });

  it('tell what the worker acknowledged of late', async () => {
    const before = slotAt(Date.now());
    for (let key = 0; key < 3; key += 1) expect((await api.put(`key-${key}`, 'x')).status).toBe(201);
    const activity = await read('/v1/activity', `/v1/activity?since=${before}`);
    expect(activity).toMatchObject({ worker: 'a', run: 'run-a', slotMs });
    const { slots, disk } = activity as Activity;
    const counts = slots.flatMap((slot) => slot.counts.map(([, writes]) => writes));
    expect(counts.reduce((sum, writes) => sum + writes, 0)).toBe(3);
    expect(slots.every(({ slot, failed }) => slot >= before && failed === 0)).toBe(true);
    expect(disk?.freeBytes).toBeGreaterThan(0);
    expect(await read('/v1/activity', `/v1/activity?since=${before + 1_000}`)).toMatchObject({ slots: [] });
    const problem = await problemIn('GET', '/v1/activity', await api.fetch('/v1/activity?since=x'));
    expect(problem).toMatchObject({ status: 400, code: 'malformed-query' });
  });

  it.each(['', '%', '%FF', '%00', 'k'.repeat(1_025)])('refuse to explain the key %#', async (key) => {
    const problem = await problemIn('GET', '/v1/explain/{key}', await api.fetch(`/v1/explain/${key}`));
    expect(problem).toMatchObject({ status: 400, code: 'malformed-key' });
  });

  it('that fail are logged, and their reason is not shown', async () => {
    await api.stop();
    const failing = (): never => {
      throw new Error('a secret');
    };
    const views = { ring: failing, status: failing, explain: failing, activity: failing };
    api = await new RunningApi({}, { views }).start();
    const problem = await problemIn('GET', '/v1/status', await api.fetch('/v1/status'));
    expect(problem).toMatchObject({ status: 500, code: 'internal', retryable: false });
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(api.logLines.join()).toContain('a secret');
  });

  it('are not there before the first ring', async () => {
    api.ring = null;
    expect(await read('/v1/status')).toMatchObject({ phase: 'starting', ringVersion: 0 });
    for (const [declared, path] of [
      ['/v1/ring', '/v1/ring'],
      ['/v1/explain/{key}', '/v1/explain/a'],
    ] as const)
      expect(await problemIn('GET', declared, await api.fetch(path))).toMatchObject({ status: 503 });
  });
});

describe('probes', () => {
  it('say ok, or what is missing', async () => {
    for (const path of ['/livez', '/readyz', '/startupz']) expect(await read(path)).toEqual({ status: 'ok' });
    api.notReady = 'no ring yet';
    expect(await read('/livez')).toEqual({ status: 'ok' });
    for (const path of ['/readyz', '/startupz']) {
      const problem = await problemIn('GET', path, await api.fetch(path));
      expect(problem).toMatchObject({ status: 503, detail: 'no ring yet' });
    }
  });
});

describe('the contract', () => {
  it('is served as it is', async () => {
    expect(await read('/openapi.json')).toEqual(JSON.parse(JSON.stringify(openApiDocument)));
  });

  it('has every reference it makes', () => {
    const text = JSON.stringify(openApiDocument);
    const names = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]);
    const defined = Object.keys(openApiDocument.components.schemas);
    expect([...new Set(names)].sort()).toEqual(defined.sort());
  });

  it('lists what the index links to', async () => {
    const index = (await read('/')) as { links: string[] };
    for (const link of index.links) {
      expect(Object.keys(openApiDocument.paths)).toContain(link);
      expect((await api.fetch(link)).status).toBe(200);
    }
  });
});

describe('methods', () => {
  const paths = Object.keys(openApiDocument.paths).filter((path) => !path.startsWith('/v1/kv'));

  it.each(paths)('of %s are GET and HEAD', async (path) => {
    const head = await api.fetch(path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await api.fetch(path, { method });
      expect(response.headers.get('Allow')).toBe('GET, HEAD');
      expect(await problemIn('GET', path, response)).toMatchObject({ status: 405 });
    }
  });
});

describe('metrics', () => {
  it('count requests by method and status, and time writes', async () => {
    await api.put('a', 'one');
    await api.put('a', 'two');
    await api.fetch('/v1/kv/none');
    await api.fetch('/v1/kv/a', { method: 'PATCH' });
    const response = await api.fetch('/metrics');
    const text = new TextDecoder().decode(await checkReply('GET', '/metrics', response));
    expect(text).toContain('kvorum_requests_total{method="PUT",code="201"} 1');
    expect(text).toContain('kvorum_requests_total{method="PUT",code="200"} 1');
    expect(text).toContain('kvorum_requests_total{method="GET",code="404"} 1');
    expect(text).toContain('kvorum_requests_total{method="other",code="405"} 1');
    expect(text).toContain('kvorum_requests_total{method="DELETE",code="503"} 0');
    expect(text).toContain('kvorum_request_seconds_count{method="PUT",class="2xx"} 2');
    expect(text).toContain('kvorum_request_seconds_bucket{method="GET",class="4xx",le="+Inf"} 1');
    const again = await (await api.fetch('/metrics')).text();
    expect(again).toContain('kvorum_requests_total{method="PUT",code="201"} 1');
  });

  it('show the totals of the coordinator as they are when asked', async () => {
    const metrics = new Metrics();
    const zero = { forwarded: 0, forwardsBroken: 0, retried: 0, overloaded: 0, expired: 0 };
    const counts = { inFlight: 3, ...zero, forwarded: 5 };
    exposeCoordinator(metrics, counts);
    expect(await metrics.text()).toContain('kvorum_forwards_total 5');
    counts.forwarded = 9;
    const text = await metrics.text();
    expect(text).toContain('# TYPE kvorum_forwards_total counter\nkvorum_forwards_total 9');
    expect(text).toContain('kvorum_requests_in_flight 3');
    expect(text).toContain('kvorum_forwards_broken_total 0');
  });
});
