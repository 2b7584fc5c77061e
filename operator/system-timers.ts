/** The real time, and timers by it. */
import type { Timers } from './ports.js';

export class SystemTimers implements Timers {
  now(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  }
}
