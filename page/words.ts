/** Numbers and states in words, the same everywhere on the page. */
import type { Condition, PartitionState, WorkerState } from '../core/picture/cluster-picture.js';

export const conditionWords: Record<Condition, string> = {
  starting: 'Starting',
  healthy: 'Healthy',
  repairing: 'Repairing',
  unavailable: 'Unavailable',
  stopped: 'Stopped',
  standby: 'Standing by',
};

export const partitionWords: Record<PartitionState, string> = {
  full: 'fully replicated',
  under: 'under-replicated',
  leaderless: 'failing over',
  noQuorum: 'without quorum',
  unheard: 'not heard yet',
  new: 'being made',
};

/** In the order of their gravity, the gravest last. */
export const partitionStates: readonly PartitionState[] = [
  'full',
  'new',
  'unheard',
  'under',
  'leaderless',
  'noQuorum',
];

export const workerWords: Record<WorkerState, string> = {
  starting: 'starting',
  ready: 'ready',
  suspected: 'suspected',
  lost: 'lost',
  leaving: 'leaving',
  draining: 'draining',
};

export const minus = '–';

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function partitions(value: number): string {
  return value === 1 ? '1 partition' : `${count(value)} partitions`;
}

/** `0.85 ms`, `12 ms`, `1.2 s`: two or three digits. */
export function latency(ms: number | null): string {
  if (ms === null) return minus;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${ms < 10 ? ms.toFixed(ms < 1 ? 2 : 1) : Math.round(ms)} ms`;
}

/** `0.4 s`, `12 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Powers of 1,000, as disks are sold: `734 MB`, `1.2 TB`. */
export function bytes(value: number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  const digits = unit > 0 && scaled < 9.95 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${byteUnits[unit] ?? ''}`;
}

/** What stands before the number that a name ends in: `worker-12` is `12` where there is little room. */
export function shortName(id: string): string {
  return /(\d+)$/.exec(id)?.[1] ?? id.slice(0, 3);
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}
