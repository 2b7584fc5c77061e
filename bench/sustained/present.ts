/** A sustained run as a verdict, a table by minute, JSON and curves. */
import { svgPicture } from '../report/svg.js';
import { table } from '../report/table.js';
import { warmUpSeconds } from './run.js';
import type { LineChart } from '../report/svg.js';
import type { Sustained, Window } from './run.js';

export const lastToFirstMustHold = 0.85;
export const refillMustHold = 0.7;

export interface SustainedVerdict {
  /** Writes per second of the last minute, divided by those of the first after the warm-up. */
  lastToFirst: number;
  /** Writes per second while replicas were refilled, by those before; null if nothing was refilled. */
  refillToBefore: number | null;
  logMegabytesMost: number;
  walMegabytesMost: number;
  residentMegabytesMost: number;
  /** Memory at the end by memory after the warm-up: what grows without bound shows here. */
  residentEndToFirst: number;
  p999Millis: number;
  failed: number;
}

export function judgeSustained({ windows, p999Millis }: Sustained, seconds: number): SustainedVerdict {
  const from = warmUpSeconds(seconds);
  const span = Math.min(60, seconds / 5);
  const warm = windows.filter(({ atSeconds }) => atSeconds > from);
  const end = windows.at(-1)?.atSeconds ?? 0;
  const first = warm.filter(({ atSeconds, refilling }) => atSeconds <= from + span + 1 && !refilling);
  const last = warm.filter(({ atSeconds }) => atSeconds > end - span);
  const refilled = warm.filter(({ refilling }) => refilling);
  const before = warm.filter(({ atSeconds }) => atSeconds < (refilled[0]?.atSeconds ?? 0)).slice(-12);
  const most = (measure: (window: Window) => number) => Math.max(...warm.map(measure));
  return {
    lastToFirst: rate(last) / rate(first),
    refillToBefore: refilled.length === 0 ? null : rate(refilled) / rate(before),
    logMegabytesMost: most((window) => window.logMegabytes),
    walMegabytesMost: most((window) => window.walMegabytes),
    residentMegabytesMost: most((window) => window.residentMegabytes),
    residentEndToFirst: (last.at(-1)?.residentMegabytes ?? NaN) / (first[0]?.residentMegabytes ?? NaN),
    p999Millis,
    failed: windows.reduce((sum, window) => sum + window.failed, 0),
  };
}

function rate(windows: readonly Window[]): number {
  const seconds = windows.reduce((sum, window) => sum + window.seconds, 0);
  return windows.reduce((sum, { operations }) => sum + operations, 0) / seconds;
}

export function sustainedText(sustained: Sustained, seconds: number): string {
  const { firstPerSecond, lastPerSecond } = sustained.filling;
  const verdict = judgeSustained(sustained, seconds);
  const held = (value: number, bound: number) => (value >= bound ? 'holds' : 'MISSED');
  const rows = [
    ['last minute ÷ first after warm-up', `≥ ${lastToFirstMustHold}`, verdict.lastToFirst.toFixed(2)],
    ['p99.9', 'stated', `${verdict.p999Millis.toFixed(1)} ms`],
    ['log, all workers, at most', 'bounded', `${verdict.logMegabytesMost.toFixed(0)} MB`],
    ['largest write-ahead log', 'bounded', `${verdict.walMegabytesMost.toFixed(0)} MB`],
    ['memory, all processes, at most', 'bounded', `${verdict.residentMegabytesMost.toFixed(0)} MB`],
    ['memory at the end ÷ after warm-up', 'bounded', verdict.residentEndToFirst.toFixed(2)],
    [
      'filling it before: last tenth of the keys ÷ first',
      'stated',
      (lastPerSecond / firstPerSecond).toFixed(2),
    ],
    ['failed requests', '', String(verdict.failed)],
    ['values read back and equal', '', String(sustained.sampleCompared)],
  ].map((cells) => [...cells, '']);
  rows[0]?.splice(3, 1, held(verdict.lastToFirst, lastToFirstMustHold));
  if (verdict.refillToBefore !== null) {
    const verdictText = held(verdict.refillToBefore, refillMustHold);
    rows.push([
      'while a worker was refilled ÷ before',
      `≥ ${refillMustHold}`,
      verdict.refillToBefore.toFixed(2),
      verdictText,
    ]);
  }
  return table(['sustained load', 'target', 'found', 'verdict'], ['left', 'left', 'right', 'left'], rows);
}

export function sustainedPicture({ windows }: Sustained): string {
  const chart = (title: string, lines: Record<string, (window: Window) => number>): LineChart => ({
    ...{ kind: 'lines', title, xTitle: 'seconds', xScale: 'linear' },
    series: Object.entries(lines).map(([name, measure]) => ({
      name,
      points: windows.map((window) => ({ x: window.atSeconds, y: measure(window) })),
    })),
  });
  return svgPicture(
    [
      chart('durable PUT per second', { 'per second': ({ perSecond }) => perSecond }),
      chart('latency of a PUT, ms', {
        p50: ({ p50Millis }) => p50Millis,
        p99: ({ p99Millis }) => p99Millis,
        'p99.9': ({ p999Millis }) => p999Millis,
      }),
      chart('files of all workers, MB', {
        logs: ({ logMegabytes }) => logMegabytes,
        'largest write-ahead log': ({ walMegabytes }) => walMegabytes,
      }),
      chart('memory of all processes, MB', { memory: ({ residentMegabytes }) => residentMegabytes }),
    ],
    2,
  );
}
