/**
 * The real clock. Everything that decides takes the time from a port; this is what the programs put behind
 * it.
 */
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Monotonic milliseconds, with a fraction. */
  now(): number;
  /** Milliseconds since 1970: may jump. */
  wall(): number;
}

export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }
}
