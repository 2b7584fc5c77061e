/**
 * Where two logs part (KIP-101 with KIP-279): at the end of the newest epoch that both have, the lower of the
 * two ends.
 */
import type { EpochStart } from '../protocol/log-command.js';
import { holds } from '../rules.js';

export interface LogShape {
  epochStarts: readonly EpochStart[];
  lastSeq: number;
}

function endOf(log: LogShape, index: number): number {
  const next = log.epochStarts[index + 1];
  return next === undefined ? log.lastSeq : next.firstSeq - 1;
}

/** The last position that both logs share, or null if they have no epoch in common. */
export function divergence(leader: LogShape, receiver: LogShape): number | null {
  for (let mine = leader.epochStarts.length - 1; mine >= 0; mine -= 1) {
    const epoch = leader.epochStarts[mine]?.epoch;
    const theirs = receiver.epochStarts.findIndex((start) => start.epoch === epoch);
    if (theirs < 0) continue;
    const theirEnd = holds('divergence-two-sided') ? endOf(receiver, theirs) : receiver.lastSeq;
    return Math.min(endOf(leader, mine), theirEnd);
  }
  return null;
}
