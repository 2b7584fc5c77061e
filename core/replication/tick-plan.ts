/**
 * What a tick has to look at. A replica at rest becomes due on a beat alone, so that an idle worker does not
 * look at hundreds of them for nothing; now and then each is held against the ring again, whatever happened.
 */

const reviewTicks = 20;

export interface TickScope {
  /** Of every replica, not only of those that are not at rest. */
  isReview: boolean;
  /** Leaders at rest may have to give a sign of life. */
  isBeat: boolean;
  /** Any replica may have to be looked at. */
  isDue: boolean;
}

export class TickPlan {
  /** Something has happened since the last tick, or that tick found something that is not at rest. */
  stirred = true;
  private ticks = 0;
  private tickedAt = -Infinity;

  begin(now: number, beatMs: number): TickScope {
    this.ticks += 1;
    const isReview = this.ticks % reviewTicks === 0;
    const isBeat = Math.floor(now / beatMs) > Math.floor(this.tickedAt / beatMs);
    this.tickedAt = now;
    const isDue = this.stirred || isReview || isBeat;
    this.stirred = false;
    return { isReview, isBeat, isDue };
  }
}
