/** The closing table: one line a scenario, with what it cost the clients. */
import type { Row } from './trial.js';

const headings = [
  'scenario',
  'requests',
  'failed',
  'unavailable for (ms)',
  'back at full replication after (s)',
  'promise',
  '',
];

export function tableText(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.scenario,
    ...[row.requests, row.failed, row.unavailableMs, row.replicatedAfterS].map(
      (value) => value?.toString() ?? '–',
    ),
    row.promise === '' || row.isPromiseKept ? row.promise : `${row.promise} missed`,
    row.problems.length === 0 ? 'ok' : 'FAILED',
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const lineOf = (line: string[]) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lineOf(headings), rule, ...cells.map(lineOf)].join('\n');
}
