/** Timers whose time moves only when a test says so. */
import type { Timers } from '../../operator/ports.js';

interface Timer {
  at: number;
  run: () => void;
}

export class ManualTimers implements Timers {
  private time = 0;
  private readonly timers = new Set<Timer>();

  constructor(private readonly wallAtStart = 1_700_000_000_000) {}

  now(): number {
    return this.time;
  }

  wall(): number {
    return this.wallAtStart + this.time;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.time + delayMs, run };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Timers that have not run yet. */
  get count(): number {
    return this.timers.size;
  }

  /** Runs what becomes due, in its order. */
  advance(byMs: number): void {
    const end = this.time + byMs;
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = end;
  }
}
