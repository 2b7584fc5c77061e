/**
 * The wall clock beside the monotonic one: where the two part by more than drift explains, one of them is
 * wrong, and what was granted by time cannot be relied on.
 */
import { holds } from '../rules.js';
import type { Context, Instant } from './context.js';
import { dropLeases } from './lease.js';

export class ClockComparison {
  private gapMs: number | null = null;

  constructor(private readonly context: Context) {}

  /** At the beginning of each step. */
  compare(at: Instant): void {
    const gap = at.wall - at.now;
    const known = this.gapMs;
    if (known !== null && Math.abs(gap - known) <= this.context.limits.leaseMs / 4) return;
    this.gapMs = gap;
    if (known === null) return;
    this.context.measured.clockJumps += 1;
    if (holds('clocks-compared')) dropLeases(this.context);
  }
}
