/** A finished comparison as Markdown tables, as JSON and as a picture. */
import { svgPicture } from '../report/svg.js';
import { ratioOf, spreadOf } from '../report/statistics.js';
import { table } from '../report/table.js';
import { workloads } from './plan.js';
import { judge } from './targets.js';
import type { Figures } from '../load/closed-loop.js';
import type { Spread } from '../report/statistics.js';
import type { BarChart } from '../report/svg.js';
import type { Found, Judged } from './targets.js';
import type { Comparison, Row } from './run.js';

const own = 'kvorum';

export function comparisonTables(comparison: Comparison): string {
  const perWorkload = workloads.flatMap(({ name, title }) => {
    const rows = comparison.rows.filter(({ workload }) => workload === name);
    return rows.length === 0 ? [] : [`### ${title}\n\n${figuresTable(rows)}`];
  });
  const targets = judge(comparison);
  const parts = [...perWorkload, `### Each system\n\n${systemsTable(comparison)}`];
  // Last in a terminal is what is seen first.
  if (targets.length > 0) parts.push(`### Targets\n\n${targetsTable(targets)}`);
  return parts.join('\n\n');
}

function figuresTable(rows: readonly Row[]): string {
  const ordered = [...rows].sort((a, b) => a.clients - b.clients);
  const cells = ordered.map((row) => {
    const of = (measure: (figures: Figures) => number) => spreadOf(row.rounds.map(measure));
    const perSecond = of((figures) => figures.perSecond);
    return [
      String(row.clients),
      row.door,
      `${perSecond.median.toFixed(0)} (${perSecond.least.toFixed(0)}-${perSecond.most.toFixed(0)})`,
      of((figures) => figures.p50Millis).median.toFixed(2),
      of((figures) => figures.p99Millis).median.toFixed(2),
      of((figures) => figures.p999Millis).median.toFixed(2),
      of((figures) => figures.serverCpuMicros).median.toFixed(0),
      `${of((figures) => figures.generatorCpuMicros).median.toFixed(0)} (${percent(of((figures) => figures.generatorBusy).most)})`,
      row.door === own ? '' : ratioCell(ordered, row),
      String(row.rounds.reduce((sum, { failed }) => sum + failed, 0)),
    ];
  });
  const heads = [
    'clients',
    'system',
    'ops/s (least-most)',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'server CPU µs/op',
  ];
  heads.push('load generator µs/op (of a core)', 'kvorum ÷ it, ops/s', 'failed');
  return table(
    heads,
    heads.map((_, column) => (column === 1 ? 'left' : 'right')),
    cells,
  );
}

function ratioCell(rows: readonly Row[], other: Row): string {
  const kvorum = rows.find(({ door, clients }) => door === own && clients === other.clients);
  if (kvorum === undefined) return '';
  const rates = (row: Row) => row.rounds.map(({ perSecond }) => perSecond);
  return spreadText(ratioOf(rates(kvorum), rates(other)));
}

function systemsTable({ systems }: Comparison): string {
  const rows = systems.map(({ name, promise, idleCpuPercent, residentMegabytes, fsyncs, sampleCompared }) => [
    name,
    promise.write,
    promise.read,
    fsyncs === null ? 'not counted' : fsyncs.perWrite.map((count) => count.toFixed(2)).join(' + '),
    idleCpuPercent === null ? 'not measured' : `${idleCpuPercent.toFixed(1)} %`,
    residentMegabytes.toFixed(0),
    String(sampleCompared),
  ]);
  const heads = [
    'system',
    'an acknowledged write',
    'a read',
    'syncs per write, by process',
    'idle, of a core',
  ];
  heads.push('memory MB', 'values read back and equal');
  return table(
    heads,
    heads.map((_, column) => (column < 4 ? 'left' : 'right')),
    rows,
  );
}

export function targetsTable(targets: readonly Judged[]): string {
  const rows = targets.map(({ what, unit, moreIsBetter, mustHold, aim, alike, equal, strict }) => {
    const bound = (value: number) => `${moreIsBetter ? '≥' : '≤'} ${value} ${unit}`;
    const cells = (found: Found | null) => [
      found === null ? '' : foundText(found, unit),
      found?.verdict ?? '',
    ];
    return [what, bound(mustHold), bound(aim), ...cells(alike), ...cells(equal), ...cells(strict)];
  });
  const heads = [
    'target',
    'must hold',
    'aim',
    'clients alike',
    'verdict',
    'and as many servers',
    'verdict',
    'other side at its best',
    'verdict',
  ];
  return table(heads, ['left', 'right', 'right', 'right', 'left', 'right', 'left', 'right', 'left'], rows);
}

function foundText({ ratio }: Found, unit: Judged['unit']): string {
  return unit === '%' ? `${ratio.median.toFixed(1)} %` : `${spreadText(ratio)} ×`;
}

function spreadText({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} (${least.toFixed(2)}-${most.toFixed(2)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

export function comparisonJson(comparison: Comparison, machine: object): string {
  return `${JSON.stringify({ machine, targets: judge(comparison), ...comparison }, null, 1)}\n`;
}

export function comparisonPicture(comparison: Comparison): string {
  const titles = new Map(
    comparison.systems.flatMap(({ doors }) => doors.map(({ name, title }) => [name, title])),
  );
  const chart = (workload: string, title: string, measure: (figures: Figures) => number): BarChart => {
    const rows = comparison.rows.filter((row) => row.workload === workload);
    const clients = [...new Set(rows.map((row) => row.clients))].sort((a, b) => a - b);
    const doors = [...titles.keys()].filter((door) => rows.some((row) => row.door === door));
    const valueOf = (door: string, count: number) => {
      const row = rows.find((candidate) => candidate.door === door && candidate.clients === count);
      return row === undefined ? null : spreadOf(row.rounds.map(measure)).median;
    };
    const groups = clients.map((count) => `${count} client${count === 1 ? '' : 's'}`);
    const series = doors.map((door) => ({
      name: titles.get(door) ?? door,
      values: clients.map((count) => valueOf(door, count)),
    }));
    return { kind: 'bars', title, groups, series };
  };
  return svgPicture(
    [
      chart('put-256', 'durable PUT per second, 256-byte values', ({ perSecond }) => perSecond),
      chart('get-256', 'GET per second, 256-byte values', ({ perSecond }) => perSecond),
      chart('put-4096', 'durable PUT per second, 4-KiB values', ({ perSecond }) => perSecond),
      chart('mixed-1024', '80 % GET, 20 % PUT per second, 1-KiB values', ({ perSecond }) => perSecond),
      chart('put-256', 'p99 of PUT, ms', ({ p99Millis }) => p99Millis),
      chart('put-256', 'server CPU of a PUT, µs', ({ serverCpuMicros }) => serverCpuMicros),
    ],
    2,
  );
}
