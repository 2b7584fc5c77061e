/**
 * How long writes took to reach their quorum, over the last minutes: counts in buckets, per slot of time, in
 * memory of a fixed size. A worker keeps one and pays an addition per write; quantiles are made of it when
 * somebody looks, over as many workers as there are.
 */
import { assert } from '../assert.js';
import type { LatencySlot } from './cluster-picture.js';

export const slotMs = 5_000;
export const slotsMax = 120;

/** Here the first bucket ends; each next one at 2^(1/4) times the one before, so quantiles err by 10 %. */
const firstBucketMs = 0.0625;
const bucketsPerOctave = 4;
/** The last one holds everything from 19 s on. */
export const bucketCount = 74;

/** What happened in one slot, from one worker. */
export interface SlotCounts {
  /** The wall clock divided by `slotMs`. */
  slot: number;
  /** Writes that were not acknowledged: no quorum, too much in flight, outcome unknown. */
  failed: number;
  /** Pairs of a bucket and how many writes fell into it, for those that are not empty. */
  counts: [bucket: number, writes: number][];
}

export function slotAt(wallMs: number): number {
  return Math.floor(wallMs / slotMs);
}

export function bucketOf(latencyMs: number): number {
  if (latencyMs <= firstBucketMs) return 0;
  const bucket = Math.ceil(Math.log2(latencyMs / firstBucketMs) * bucketsPerOctave);
  return Math.min(bucket, bucketCount - 1);
}

/** Where the bucket ends. */
function bucketEndMs(bucket: number): number {
  return firstBucketMs * 2 ** (bucket / bucketsPerOctave);
}

export class LatencyHistory {
  private readonly slots = new Float64Array(slotsMax).fill(-1);
  private readonly failures = new Float64Array(slotsMax);
  private readonly writes = new Float64Array(slotsMax * bucketCount);

  acknowledged(wallMs: number, latencyMs: number): void {
    const at = this.rowOf(wallMs) * bucketCount + bucketOf(latencyMs);
    this.writes[at] = (this.writes[at] ?? 0) + 1;
  }

  failed(wallMs: number): void {
    const row = this.rowOf(wallMs);
    this.failures[row] = (this.failures[row] ?? 0) + 1;
  }

  /** What was counted in the slots from `since` on that are not too old to be told apart, in order. */
  from(since: number, wallMs: number): SlotCounts[] {
    const newest = slotAt(wallMs);
    const told: SlotCounts[] = [];
    for (let slot = Math.max(since, newest - slotsMax + 1); slot <= newest; slot += 1) {
      const row = slot % slotsMax;
      if (this.slots[row] !== slot) continue;
      const counts = this.writes.subarray(row * bucketCount, (row + 1) * bucketCount);
      const pairs = [...counts.entries()].filter(([, writes]) => writes > 0);
      told.push({ slot, failed: this.failures[row] ?? 0, counts: pairs });
    }
    return told;
  }

  private rowOf(wallMs: number): number {
    const slot = slotAt(wallMs);
    const row = slot % slotsMax;
    if (this.slots[row] !== slot) {
      this.slots[row] = slot;
      this.failures[row] = 0;
      this.writes.fill(0, row * bucketCount, (row + 1) * bucketCount);
    }
    return row;
  }
}

/** One slot of several workers together. */
export function mergedSlot(slot: number, parts: readonly SlotCounts[]): LatencySlot {
  const totals = new Float64Array(bucketCount);
  let failed = 0;
  let writes = 0;
  for (const part of parts) {
    assert(part.slot === slot, 'counts of one slot are merged');
    failed += part.failed;
    for (const [bucket, count] of part.counts) {
      totals[bucket] = (totals[bucket] ?? 0) + count;
      writes += count;
    }
  }
  return { slot, writes, failed, p50: quantile(totals, writes, 0.5), p99: quantile(totals, writes, 0.99) };
}

/** Milliseconds, with three digits; null without any writes. */
function quantile(counts: Float64Array, total: number, share: number): number | null {
  if (total === 0) return null;
  const rank = share * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= rank && count > 0) {
      const start = bucket === 0 ? 0 : bucketEndMs(bucket - 1);
      const within = start + ((bucketEndMs(bucket) - start) * (rank - below)) / count;
      return Number(within.toPrecision(3));
    }
    below += count;
  }
  return null;
}
