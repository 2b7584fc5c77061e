/**
 * Since when partitions have not been seen level, although all their workers are there. Right after a planned
 * change this is only because the new primary has not told of it yet, or because the third replica is a few
 * messages behind: nothing has been lost, and nobody needs to hear of it. After a loss it is the truth.
 */
import { isDamaged, isHealthy, presentVoters } from './plan-view.js';
import type { PlanView } from './plan-view.js';

/** Some heartbeats: until the next one tells, and one that was lost. */
const settleHeartbeats = 3;

export class Evenness {
  /** -Infinity: a replica was missing since it was level last, and it must be seen level again. */
  private readonly unevenSince = new Map<number, number>();
  private settleMs = 0;

  /** To be called with each pass of planning. */
  look(view: PlanView): void {
    this.settleMs = settleHeartbeats * view.limits.heartbeatMs;
    for (const partition of view.record.partitions.keys()) {
      if (isHealthy(view, partition)) this.unevenSince.delete(partition);
      else if (!isWhole(view, partition)) this.unevenSince.set(partition, -Infinity);
      else if (!this.unevenSince.has(partition)) this.unevenSince.set(partition, view.now);
    }
  }

  /** Not level, yet nothing of it was missing since it was. */
  isSettling(partition: number, now: number): boolean {
    return now - (this.unevenSince.get(partition) ?? now) < this.settleMs;
  }
}

/** As many voters as there should be, all there, and none with a broken table. */
export function isWhole(view: PlanView, partition: number): boolean {
  const record = view.record.partitions[partition];
  if (record === undefined || record.epoch === 0) return false;
  if (record.voters.length < view.record.replicationFactor) return false;
  if (presentVoters(view, record).length < record.voters.length) return false;
  return record.voters.every(({ id }) => !isDamaged(view, partition, id));
}
