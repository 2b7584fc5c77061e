import { describe, expect, it } from '@jest/globals';
import { Distribution } from '../../../core/distribution.js';
import { workerDeclarations } from '../../../node/metrics/worker-metrics.js';
import { controllerDeclarations } from '../../../operator/metrics/controller-metrics.js';
import { counter, gauge, histogram, perPartition } from '../../../platform/metrics/declaration.js';
import { Metrics } from '../../../platform/metrics/metrics.js';

describe('Distribution', () => {
  it('counts what is at most a bound, and what is above all', () => {
    const distribution = new Distribution([1, 5]);
    for (const value of [0.5, 1, 3, 5, 6]) distribution.record(value);
    distribution.record(2, 10);
    expect(distribution.cumulative()).toEqual([2, 14, 15]);
    expect(distribution.count).toBe(15);
    expect(distribution.sum).toBe(35.5);
  });

  it('may lie in memory that another thread reads, beside others', () => {
    const bytes = Distribution.bytesFor([1]);
    const memory = new SharedArrayBuffer(2 * bytes);
    new Distribution([1], memory, bytes).record(0.5);
    expect(new Distribution([1], memory, bytes).cumulative()).toEqual([1, 1]);
    expect(new Distribution([1], memory, 0).count).toBe(0);
  });
});

describe('Metrics', () => {
  it('has all series with known labels from the start, with 0', async () => {
    const metrics = new Metrics();
    const tries = metrics.counter(counter('kvorum_tries_total', 'Tries.', { result: ['good', 'bad'] }));
    metrics.gauge(gauge('kvorum_depth', 'Depth.', { of: ['sea', 'well'] }), () => [[{ of: 'sea' }, 42]]);
    metrics.total(counter('kvorum_drops_total', 'Drops.'), () => 7);
    tries.add({ result: 'bad' }, 2);
    const text = await metrics.text();
    expect(text).toContain('kvorum_tries_total{result="good"} 0');
    expect(text).toContain('kvorum_tries_total{result="bad"} 2');
    expect(text).toContain('kvorum_depth{of="sea"} 42\nkvorum_depth{of="well"} 0');
    expect(text).toContain('# TYPE kvorum_drops_total counter\nkvorum_drops_total 7');
  });

  it('reads a histogram from where it was recorded', async () => {
    const metrics = new Metrics();
    const short = new Distribution([0.1, 1]);
    const declaration = histogram('kvorum_wait_seconds', 'Waits.', [0.1, 1], { kind: ['short', 'long'] });
    metrics.histogram(declaration, () => [[{ kind: 'short' }, short]]);
    short.record(0.5);
    short.record(3);
    const lines = (await metrics.text()).trim().split('\n');
    expect(lines).toEqual([
      '# HELP kvorum_wait_seconds Waits.',
      '# TYPE kvorum_wait_seconds histogram',
      'kvorum_wait_seconds_bucket{kind="short",le="0.1"} 0',
      'kvorum_wait_seconds_bucket{kind="short",le="1"} 1',
      'kvorum_wait_seconds_bucket{kind="short",le="+Inf"} 2',
      'kvorum_wait_seconds_sum{kind="short"} 3.5',
      'kvorum_wait_seconds_count{kind="short"} 2',
      'kvorum_wait_seconds_bucket{kind="long",le="0.1"} 0',
      'kvorum_wait_seconds_bucket{kind="long",le="1"} 0',
      'kvorum_wait_seconds_bucket{kind="long",le="+Inf"} 0',
      'kvorum_wait_seconds_sum{kind="long"} 0',
      'kvorum_wait_seconds_count{kind="long"} 0',
    ]);
  });

  it('forgets a series that is gone', async () => {
    const metrics = new Metrics();
    let workers = ['w1', 'w2'];
    metrics.gauge(gauge('kvorum_age', 'Age.', { worker: [] }), () =>
      workers.map((worker) => [{ worker }, 1] as const),
    );
    expect(await metrics.text()).toContain('kvorum_age{worker="w2"} 1');
    workers = ['w1'];
    expect(await metrics.text()).not.toContain('w2');
  });

  it('has series for each partition only if they are asked for', async () => {
    const declaration = perPartition(gauge('kvorum_partition_size', 'Size.'));
    const read = () => [[{ partition: '7' }, 3] as const];
    for (const asked of [false, true]) {
      const metrics = new Metrics({ perPartition: asked });
      metrics.gauge(declaration, read);
      expect((await metrics.text()).includes('kvorum_partition_size{partition="7"} 3')).toBe(asked);
    }
  });
});

describe.each([
  ['worker', workerDeclarations],
  ['controller', controllerDeclarations],
])('the declarations of the %s', (_program, declarations) => {
  it('name each metric once, as Prometheus wants names', () => {
    const names = declarations.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type } of declarations) {
      expect(name).toMatch(/^kvorum_[a-z]+(_[a-z]+)*$/);
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent)(_|$)/);
    }
  });

  it('say in a sentence what each is', () => {
    for (const { name, help } of declarations)
      expect([name, help]).toEqual([name, expect.stringMatching(/^.{20,}\.$/)]);
  });

  it('have buckets that rise', () => {
    for (const declaration of declarations) {
      if (declaration.type !== 'histogram') continue;
      expect([...declaration.buckets]).toEqual([...declaration.buckets].sort((a, b) => a - b));
    }
  });
});
