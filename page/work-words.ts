/** What is going on, in words. */
import type { WorkPicture } from '../core/picture/cluster-picture.js';
import { count, duration, partitions } from './words.js';

export function titleOf({ kind, worker, partitions: many }: WorkPicture): string {
  switch (kind) {
    case 'first':
      return `First configuration of ${partitions(many)}`;
    case 'failover':
      return `Failover of ${partitions(many)}`;
    case 'move':
      return `Handing over ${partitions(many)}`;
    case 'replace':
      return `Replacing a voter of ${partitions(many)}`;
    case 'copy':
      return `Copying ${partitions(many)} to ${worker}`;
    case 'absence':
      return `${worker} is away`;
  }
}

export function textOf({
  kind,
  partitions: many,
  done,
  elapsedMs,
  remainingMs,
  lagEntries,
}: WorkPicture): string {
  if (kind === 'absence') {
    const away = elapsedMs === null ? '' : `for ${duration(elapsedMs)}`;
    if (remainingMs === null) return `${away}; no other worker could take its ${count(many)} replicas`;
    if (remainingMs === 0) return `${away}; its ${count(many)} replicas are rebuilt elsewhere`;
    return `${away}; ${count(many)} replicas are rebuilt elsewhere in ${duration(remainingMs)}`;
  }
  if (kind === 'copy') {
    const lag = lagEntries === 0 ? '' : `, up to ${count(lagEntries)} entries to go`;
    return `${count(done)} level${lag}`;
  }
  const since = elapsedMs === null ? '' : `, ${duration(elapsedMs)}`;
  return `${count(done)} done${since}`;
}

/** How full its bar is, from 0 to 1. */
export function shareOf({ kind, partitions: many, done, elapsedMs, remainingMs }: WorkPicture): number {
  if (kind !== 'absence') return many === 0 ? 0 : done / many;
  if (elapsedMs === null || remainingMs === null) return 0;
  return elapsedMs / Math.max(1, elapsedMs + remainingMs);
}
