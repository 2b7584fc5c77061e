/**
 * The heartbeat of a machine that decides: it is woken at a steady pace, and more rarely while it says that
 * it is at rest, since an idle process pays for each time that it wakes.
 */
import { msToBeat } from './beat.js';

export interface Pace {
  everyMs: number;
  /** While it is at rest, on common beats. */
  restMs: number;
}

export class Ticker {
  private timer: NodeJS.Timeout | null = null;
  private resting = false;

  /** `tick` answers whether it left anything that time alone will move on. */
  constructor(
    private readonly tick: () => 'busy' | 'at rest',
    private readonly pace: Pace,
  ) {}

  start(): void {
    this.wait(this.pace.everyMs);
  }

  /** Something came that time will move on: the rest is over. */
  hurry(): void {
    if (!this.resting) return;
    this.stop();
    this.start();
  }

  stop(): void {
    this.resting = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private wait(pauseMs: number): void {
    this.timer = setTimeout(this.run, pauseMs);
  }

  private readonly run = (): void => {
    const { everyMs, restMs } = this.pace;
    // A tick that ends the rest itself is followed by one wait, not by that of `hurry` too.
    this.resting = false;
    this.resting = this.tick() === 'at rest';
    this.wait(this.resting ? msToBeat(restMs) : everyMs);
  };
}
