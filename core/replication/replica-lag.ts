/**
 * How far a voter is behind what is committed, looked at in every tick: in entries as it is, in time by a
 * mark at the commit position, whose age counts until the voter has passed it.
 */
import type { Leader, Progress } from './leader.js';
import type { Replica } from './replica.js';

export interface LagMark {
  /** The commit position when the mark was set; 0 for none. */
  seq: number;
  setAt: number;
  /** What the mark, or the one before it, has told; 0 while the voter is level. */
  lagMs: number;
}

export function newLagMark(): LagMark {
  return { seq: 0, setAt: 0, lagMs: 0 };
}

export function noteLag(replica: Replica, { mark, matchSeq }: Progress, now: number): void {
  if (matchSeq >= replica.commitSeq) {
    mark.seq = 0;
    mark.lagMs = 0;
  } else if (mark.seq === 0) {
    mark.seq = replica.commitSeq;
    mark.setAt = now;
  } else if (matchSeq >= mark.seq) {
    mark.lagMs = now - mark.setAt;
    mark.seq = replica.commitSeq;
    mark.setAt = now;
  } else {
    mark.lagMs = Math.max(mark.lagMs, now - mark.setAt);
  }
}

/** Of the slowest voter; what it held before this epoch counts, as long as it has not said otherwise. */
export function slowestLag(replica: Replica, leader: Leader): { entries: number; lagMs: number } {
  const slowest = { entries: 0, lagMs: 0 };
  for (const { voter, synced, matchSeq, mark } of leader.peers.values()) {
    if (!voter) continue;
    const held = synced ? matchSeq : Math.max(matchSeq, leader.startSeq - 1);
    slowest.entries = Math.max(slowest.entries, replica.commitSeq - held);
    slowest.lagMs = Math.max(slowest.lagMs, mark.lagMs);
  }
  return slowest;
}
