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
  ].join('\n\n');
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
