/**
 * The operator under faults: killed before and after each of its writes, started on an old picture, with
 * watch events that it never gets, and two of them at once. Whatever happens, the end is the same, and
 * nothing that it does on the way leaves a partition with fewer than two level voters.
 */
import { describe, expect, it } from '@jest/globals';
import { isPodReady } from '../../../operator/kubernetes/api-objects.js';
import { failures, play, verdict } from './fault-play.js';
import type { Variant } from './fault-play.js';
import { scenarios } from './scenarios.js';

const timeoutMs = 240_000;
/** To one object: the ring is written often, and the controller's own tests kill around each of those. */
const killsPerPathMax = 6;
const events = [1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30];

describe.each(scenarios)('operator under faults: $name', (scenario) => {
  it(
    'comes to its end, and writes no more than it must',
    async () => {
      const run = await play(scenario, {});
      expect(verdict(run, scenario)).toEqual([]);
      expect(run.writes.length).toBeLessThan(120);
      const ready = run.cluster.pods().filter((pod) => isPodReady(pod));
      expect(ready).toHaveLength(scenario.workers - (scenario.missing ?? 0));
    },
    timeoutMs,
  );

  it(
    'is killed before and after each of its writes',
    async () => {
      const { writes, writesBefore } = await play(scenario, {});
      expect(writes.length).toBeGreaterThan(0);
      const seen = new Map<string, number>();
      const variants = writes.flatMap((request, index): [string, Variant][] => {
        const count = (seen.get(request.path) ?? 0) + 1;
        seen.set(request.path, count);
        if (count > killsPerPathMax) return [];
        const wanted = writesBefore + index + 1;
        return (['before', 'after'] as const).map((moment) => [
          `${moment} write ${index + 1}, ${request.method} ${request.path}`,
          { faults: { killAt: (write) => (write === wanted ? moment : null) } },
        ]);
      });
      expect(await failures(scenario, variants)).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'starts on a picture from before',
    async () => {
      const variants = [
        [0, 60_000],
        [300, 1_000],
        [1_000, 60_000],
        [3_000, 2_000],
        [6_000, 60_000],
      ].map(([restartAtMs, oldByMs]): [string, Variant] => [
        `after ${restartAtMs} ms, older by ${oldByMs} ms`,
        { restartAtMs: restartAtMs ?? 0, oldByMs: oldByMs ?? 0 },
      ]);
      expect(await failures(scenario, variants)).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'misses events that it should be told',
    async () => {
      const variants = events.map((wanted): [string, Variant] => [
        `event ${wanted}`,
        { faults: { hidden: (event) => event === wanted } },
      ]);
      expect(await failures(scenario, variants)).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'is there twice',
    async () => {
      expect(await failures(scenario, [['two at once', { second: true }]])).toEqual([]);
    },
    timeoutMs,
  );
});
