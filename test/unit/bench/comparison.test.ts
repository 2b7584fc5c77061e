/** Targets and tables of a comparison, from figures made up here. */
import { describe, expect, it } from '@jest/globals';
import { secondsPerMeasurement, stepsOf } from '../../../bench/comparison/plan.js';
import { comparisonJson, comparisonPicture, comparisonTables } from '../../../bench/comparison/present.js';
import { judge, ratioTargets } from '../../../bench/comparison/targets.js';
import { niceTop, short } from '../../../bench/report/svg.js';
import { table } from '../../../bench/report/table.js';
import type { Comparison, Row } from '../../../bench/comparison/run.js';
import type { Figures } from '../../../bench/load/closed-loop.js';

function figures(perSecond: number, millis = 10): Figures {
  return {
    ...{ operations: perSecond, perSecond, p50Millis: millis, p99Millis: 2 * millis, p999Millis: 3 * millis },
    ...{ serverCpuMicros: 80, generatorCpuMicros: 20, generatorBusy: 0.25, failed: 0, firstFailure: null },
  };
}

function row(door: string, workload: string, clients: number, ...rounds: Figures[]): Row {
  return { door, workload, clients, rounds };
}

function comparisonOf(rows: Row[], idleCpuPercent: number | null = null): Comparison {
  const system = {
    ...{
      name: 'kvorum',
      promise: { write: 'w', read: 'r' },
      doors: [{ name: 'kvorum', title: 'Kvorum <any>' }],
    },
    ...{
      idleCpuPercent,
      residentMegabytes: 100,
      fsyncs: { writes: 10, perWrite: [1, 0.5] },
      sampleCompared: 7,
    },
  };
  return { rows, systems: [system] };
}

describe('targets', () => {
  const against = (kvorum: number[], etcd: number[]) =>
    judge(
      comparisonOf([
        row('kvorum', 'put-256', 64, ...kvorum.map((perSecond) => figures(perSecond, 1))),
        row('etcd', 'put-256', 64, ...etcd.map((perSecond) => figures(perSecond, 1.5))),
      ]),
    );

  it('are judged by the median of the ratios', () => {
    const [perSecond, p99] = against([100, 150, 400], [100, 100, 100]);
    expect(perSecond?.strict).toMatchObject({
      ratio: { median: 1.5, least: 1, most: 4 },
      verdict: 'holds',
    });
    expect(p99?.strict?.ratio.median).toBeCloseTo(2 / 3);
    expect(p99?.strict?.verdict).toBe('holds');
    expect(against([149], [100])[0]?.strict?.verdict).toBe('MISSED');
    expect(against([250], [100])[0]?.strict?.verdict).toBe('aim met');
  });

  it('are judged apart where clients are alike, servers too, and the other side does what is best for it', () => {
    const [target] = judge(
      comparisonOf([
        row('kvorum', 'put-256', 64, figures(160)),
        row('kvorum-3', 'put-256', 64, figures(140)),
        row('etcd', 'put-256', 64, figures(160)),
        row('etcd-any', 'put-256', 64, figures(100)),
      ]),
    );
    expect(target?.alike).toMatchObject({ pair: { other: 'etcd-any' }, verdict: 'holds' });
    expect(target?.equal).toMatchObject({ pair: { own: 'kvorum-3' }, verdict: 'MISSED' });
    expect(target?.strict).toMatchObject({ pair: { other: 'etcd' }, verdict: 'MISSED' });
  });

  it('over several numbers of clients count where they are worst', () => {
    const gets = (door: string, at64: number, at256: number) => [
      row(door, 'get-256', 64, figures(at64)),
      row(door, 'get-256', 256, figures(at256)),
    ];
    const [target] = judge(comparisonOf([...gets('kvorum', 700, 360), ...gets('etcd', 100, 100)]));
    expect(target?.strict).toMatchObject({ ratio: { median: 3.6 }, verdict: 'holds' });
    expect(target?.alike).toBeNull();
  });

  it('take the idle cluster in, where less is better', () => {
    const verdict = (percent: number) =>
      judge(comparisonOf([], percent)).map((target) => target.strict?.verdict);
    expect([verdict(5.1), verdict(5), verdict(2)]).toEqual([['MISSED'], ['holds'], ['aim met']]);
    expect(judge(comparisonOf([], null))).toEqual([]);
  });

  it('ask for measurements that the plan contains', () => {
    for (const { alike, equal, strict, workload, clients } of ratioTargets) {
      for (const door of [alike, equal, strict].flatMap(({ own, other }) => [own, other])) {
        const planned = stepsOf(door, [1, 16, 64, 256]).filter((step) => step.workload.name === workload);
        expect(planned.map((step) => step.clients)).toEqual(expect.arrayContaining([...clients]));
      }
    }
  });
});

describe('plan', () => {
  it('divides the minutes among the measurements and leaves each something', () => {
    const shape = { rounds: 3, systems: 3, steps: 45, idleSeconds: 20 };
    const seconds = secondsPerMeasurement(13, shape);
    expect(seconds).toBeGreaterThan(1);
    expect(seconds * 3 * 45).toBeLessThan(13 * 60);
    expect(secondsPerMeasurement(26, shape)).toBeGreaterThan(2 * seconds);
    expect(secondsPerMeasurement(0.1, shape)).toBe(0.5);
  });
});

describe('presentation', () => {
  const rows = [
    row('kvorum', 'put-256', 64, figures(300), figures(100)),
    row('etcd', 'put-256', 64, figures(100), figures(100)),
  ];

  it('shows rates with their spread and what the load generator took, and ratios to the others', () => {
    const text = comparisonTables(comparisonOf(rows, 3));
    expect(text).toMatch(/\| +64 \| kvorum \| +200 \(100-300\) \|.*\| +20 \(25 %\) \| +\| +0 \|/);
    expect(text).toMatch(/\| +64 \| etcd .*\| +2\.00 \(1\.00-3\.00\) \|/);
    expect(text).toMatch(/\| kvorum \| w .*\| 1\.00 \+ 0\.50 +\| +3\.0 % \| +100 \| +7 \|/);
    expect(text).toMatch(/durable PUT\/s, 64 clients .*2\.00 \(1\.00-3\.00\) × .*holds/);
  });

  it('has one width per column', () => {
    const lines = table(['a', 'long head'], ['left', 'right'], [['wide cell', '1']]).split('\n');
    expect(lines).toEqual([
      '| a         | long head |',
      '| --------- | --------: |',
      '| wide cell |         1 |',
    ]);
  });

  it('is JSON with every round, and a picture in which names are escaped', () => {
    const parsed = JSON.parse(comparisonJson(comparisonOf(rows), { cores: 2 })) as Comparison & {
      machine: object;
    };
    expect(parsed.machine).toEqual({ cores: 2 });
    expect(parsed.rows[0]?.rounds.map(({ perSecond }) => perSecond)).toEqual([300, 100]);
    const picture = comparisonPicture(comparisonOf(rows));
    expect(picture).toContain('Kvorum &lt;any&gt;');
    expect(picture).not.toContain('NaN');
  });

  it('labels axes with round numbers', () => {
    expect([0, 3, 21, 1_001, 9_900].map(niceTop)).toEqual([1, 3, 24, 1_200, 10_000]);
    expect([0.5, 12, 12_500, 3_000_000].map(short)).toEqual(['0.5', '12', '12.5k', '3M']);
  });
});
