/** The scales of the latency chart: time to the right, milliseconds upward by powers of ten. */
import type { LatencySlot } from '../core/picture/cluster-picture.js';

export interface LatencyScale {
  /** Powers of ten of milliseconds: -1 is 0.1 ms. */
  low: number;
  high: number;
}

const lowest = -2;
const highest = 5;

/** At least one power of ten, and all that there is. */
export function latencyScale(slots: readonly LatencySlot[]): LatencyScale {
  const values = slots.flatMap(({ p50, p99 }) => [p50, p99]).filter((value) => value !== null && value > 0);
  if (values.length === 0) return { low: -1, high: 2 };
  const low = Math.floor(Math.log10(Math.min(...(values as number[]))));
  const high = Math.ceil(Math.log10(Math.max(...(values as number[]))));
  const bottom = Math.min(Math.max(low, lowest), highest - 1);
  return { low: bottom, high: Math.max(bottom + 1, Math.min(high, highest)) };
}

/** From 0 at the bottom to 1 at the top. */
export function heightOf(ms: number, { low, high }: LatencyScale): number {
  return Math.min(1, Math.max(0, (Math.log10(Math.max(ms, 1e-9)) - low) / (high - low)));
}

/** What stands at a power of ten. */
export function tickLabel(power: number): string {
  return power >= 3 ? `${10 ** (power - 3)} s` : `${10 ** power} ms`;
}

/** Slots that follow one another without a gap, together. */
export function stretches(slots: readonly LatencySlot[]): LatencySlot[][] {
  const found: LatencySlot[][] = [];
  let last: LatencySlot[] = [];
  for (const slot of slots) {
    if (slot.p50 === null) continue;
    if (last.at(-1)?.slot === slot.slot - 1) {
      last.push(slot);
    } else {
      last = [slot];
      found.push(last);
    }
  }
  return found;
}
