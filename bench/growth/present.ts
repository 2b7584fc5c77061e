/** Growth as tables and curves. */
import { svgPicture } from '../report/svg.js';
import { table } from '../report/table.js';
import type { LineChart } from '../report/svg.js';
import type { Growth } from './run.js';

/** Planning for a thousand workers. */
export const planningMillisMost = 1_000;

export function growthText(growth: Growth): string {
  const right = (heads: string[], rows: string[][]) =>
    table(
      heads,
      heads.map(() => 'right' as const),
      rows,
    );
  return [
    right(
      ['workers', 'partitions', 'planned, ms', 'after the loss of one, ms', `under ${planningMillisMost}`],
      growth.planning.map(({ workers, partitions, millis, afterLossMillis }) => [
        ...[workers, partitions, millis.toFixed(0), afterLossMillis.toFixed(0)].map(String),
        Math.max(millis, afterLossMillis) < planningMillisMost ? 'holds' : 'MISSED',
      ]),
    ),
    right(
      ['partitions', 'without a primary', 'first written again, s', 'all written again, s'],
      growth.failover.map(({ partitions, moved, firstSeconds, lastSeconds }) => [
        ...[partitions, moved, firstSeconds.toFixed(2), lastSeconds.toFixed(2)].map(String),
      ]),
    ),
    right(
      ['workers', 'PUT/s, 64 clients', 'server CPU µs/op'],
      growth.workers.map(({ workers, perSecond, serverCpuMicros }) => [
        ...[workers, perSecond.toFixed(0), serverCpuMicros.toFixed(0)].map(String),
      ]),
    ),
    right(
      ['keys', 'start, s', 'memory of all processes, MB'],
      growth.start.map(({ rows, seconds, megabytes }) => [
        String(rows),
        seconds.toFixed(1),
        megabytes.toFixed(0),
      ]),
    ),
    ...modelText(growth.start),
  ].join('\n\n');
}

/** Sizes that are not measured here; 39 million values of 256 bytes are 10 GB. */
const modelledRows = [39_000_000, 100_000_000];

/** Through smaller sizes a line says nothing: starts of one size differ by more. */
const modelledFrom = 1_000_000;

/** A straight line through what was measured, by least squares; null with fewer than two sizes. */
export function lineThrough(points: readonly { x: number; y: number }[]): ((x: number) => number) | null {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = mean(({ x }) => (x - meanX) ** 2);
  if (points.length < 2 || spread === 0) return null;
  const slope = mean(({ x, y }) => (x - meanX) * (y - meanY)) / spread;
  return (x) => meanY + slope * (x - meanX);
}

function modelText(start: Growth['start']): string[] {
  const seconds = lineThrough(start.map(({ rows, seconds: y }) => ({ x: rows, y })));
  const megabytes = lineThrough(start.map(({ rows, megabytes: y }) => ({ x: rows, y })));
  const largest = Math.max(...start.map(({ rows }) => rows));
  if (seconds === null || megabytes === null || largest < modelledFrom) return [];
  const grown = (line: (x: number) => number, rows: number, digits: number) =>
    line(rows) > line(0) ? line(rows).toFixed(digits) : 'no growth seen';
  const perMillion = (line: (x: number) => number) => line(1_000_000) - line(0);
  return [
    `A model, not measured: straight lines through the sizes above, the largest of which is ${largest} keys. ` +
      `A million keys more add ${perMillion(seconds).toFixed(2)} s to a start and ` +
      `${perMillion(megabytes).toFixed(1)} MB to the memory of all processes together. Where that is below ` +
      `0, the sizes measured differ by less than starts of one size do among themselves, and no line is drawn.`,
    table(
      ['keys (model)', 'values of 256 bytes, GB', 'start, s', 'memory of all processes, MB'],
      ['right', 'right', 'right', 'right'],
      modelledRows
        .filter((rows) => rows > largest)
        .map((rows) => [
          String(rows),
          ((rows * 256) / 1e9).toFixed(0),
          grown(seconds, rows, 1),
          grown(megabytes, rows, 0),
        ]),
    ),
  ];
}

export function growthPicture(growth: Growth): string {
  const curve = (
    title: string,
    xTitle: string,
    lines: Record<string, { x: number; y: number }[]>,
  ): LineChart => ({
    ...{ kind: 'lines', title, xTitle, xScale: 'log' },
    series: Object.entries(lines).map(([name, points]) => ({ name, points })),
  });
  return svgPicture(
    [
      curve('planning the ring, ms', 'workers', {
        'from nothing': growth.planning.map(({ workers, millis }) => ({ x: workers, y: millis })),
        'after the loss of one': growth.planning.map(({ workers, afterLossMillis }) => ({
          x: workers,
          y: afterLossMillis,
        })),
      }),
      curve('failover of a quarter of the partitions, s', 'partitions', {
        'first written again': growth.failover.map(({ partitions, firstSeconds }) => ({
          x: partitions,
          y: firstSeconds,
        })),
        'all written again': growth.failover.map(({ partitions, lastSeconds }) => ({
          x: partitions,
          y: lastSeconds,
        })),
      }),
      curve('starting again, s', 'keys', {
        start: growth.start.map(({ rows, seconds }) => ({ x: rows, y: seconds })),
      }),
      curve('server CPU of a PUT on the same cores, µs', 'workers', {
        'of a PUT': growth.workers.map(({ workers, serverCpuMicros }) => ({
          x: workers,
          y: serverCpuMicros,
        })),
      }),
    ],
    2,
  );
}
