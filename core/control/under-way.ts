/** What the reconfigurations under way mean for what may begin beside them. */
import type { Order } from './reconfiguration-item.js';

interface Batch {
  kind: Order['kind'] | null;
  startedAt: number;
}

/** One that brings large logs level goes on for longer, and the rest of the cluster does not wait for it. */
const firstMs = 3_000;
const waitMsMax = 10_000;

export function isAtWork(batches: readonly Batch[], kind: Order['kind']): boolean {
  return batches.some((batch) => batch.kind === kind);
}

/**
 * What is not served comes first: a planned change would take the next write of the ring document, and
 * processor time of those that are asked for promises. Failovers that go on and on hold it back no longer
 * than `waitMsMax` after `plannedAt`, when planned changes were last looked for.
 */
export function comesFirst(batches: readonly Batch[], plannedAt: number, now: number): boolean {
  if (now - plannedAt >= waitMsMax) return false;
  return batches.some(({ kind, startedAt }) => kind === 'failover' && now - startedAt < firstMs);
}
