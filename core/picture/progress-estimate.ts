/**
 * How long until all is done, from how fast what is left has become less. Says nothing rather than guess: not
 * before something got done, nor while nothing does.
 */

interface Sample {
  at: number;
  left: number;
}

/** How far back the speed is measured. */
const windowMs = 30_000;
const settleMs = 1_500;
const samplesMax = 64;

export class ProgressEstimate {
  private samples: Sample[] = [];

  /** Milliseconds that are left, or null if that cannot be told. `now` is any clock that does not jump. */
  remainingMs(now: number, left: number): number | null {
    const newest = this.samples.at(-1);
    // More to do than before: another task, whose speed is not known yet.
    if (left === 0 || (newest !== undefined && left > newest.left)) this.samples = [];
    if (left === 0) return null;
    if (newest === undefined || now - newest.at >= windowMs / samplesMax || left !== newest.left) {
      this.samples.push({ at: now, left });
    }
    const overdue = this.samples.findIndex((sample) => now - sample.at <= windowMs);
    this.samples = this.samples.slice(Math.max(0, overdue)).slice(-samplesMax);
    const [first] = this.samples;
    if (first === undefined || now - first.at < settleMs || first.left <= left) return null;
    return Math.round((left * (now - first.at)) / (first.left - left));
  }
}
