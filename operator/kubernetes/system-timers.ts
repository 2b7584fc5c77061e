/** The real time, for the operator. */
import type { Timers } from './api-transport.js';

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
