import { describe, expect, it } from '@jest/globals';
import {
  bucketCount,
  bucketOf,
  LatencyHistory,
  mergedSlot,
  slotAt,
  slotMs,
  slotsMax,
} from '../../../core/picture/latency-history.js';
import { ProgressEstimate } from '../../../core/picture/progress-estimate.js';

const start = 1_700_000_000_000 - (1_700_000_000_000 % slotMs);

describe('the latency history', () => {
  it('keeps the last slots, and nothing of what was in their place before', () => {
    const history = new LatencyHistory();
    history.acknowledged(start, 1);
    history.acknowledged(start + 1, 1);
    history.failed(start + 2);
    const slot = slotAt(start);
    expect(history.from(0, start)).toEqual([{ slot, failed: 1, counts: [[bucketOf(1), 2]] }]);
    expect(history.from(slot + 1, start + slotMs)).toEqual([]);
    const later = start + slotsMax * slotMs;
    expect(history.from(0, later - 1)).toHaveLength(1);
    expect(history.from(0, later)).toEqual([]);
    history.acknowledged(later, 5);
    expect(history.from(0, later)).toEqual([
      { slot: slot + slotsMax, failed: 0, counts: [[bucketOf(5), 1]] },
    ]);
  });

  it('stays within its memory for any latency', () => {
    for (const latency of [0, 0.01, 0.0625, 0.07, 1, 19_999, 1e9]) {
      const bucket = bucketOf(latency);
      expect(bucket).toBeGreaterThanOrEqual(0);
      expect(bucket).toBeLessThan(bucketCount);
    }
    expect(bucketOf(2)).toBeGreaterThan(bucketOf(1));
  });

  it('tells quantiles of several workers within a tenth', () => {
    const [a, b] = [new LatencyHistory(), new LatencyHistory()];
    for (let count = 1; count <= 1_000; count += 1) {
      (count % 2 === 0 ? a : b).acknowledged(start, count / 10);
    }
    const slot = slotAt(start);
    const { p50, p99, writes } = mergedSlot(slot, [...a.from(slot, start), ...b.from(slot, start)]);
    expect(writes).toBe(1_000);
    expect(p50 ?? 0).toBeGreaterThan(45);
    expect(p50 ?? 0).toBeLessThan(55);
    expect(p99 ?? 0).toBeGreaterThan(89);
    expect(p99 ?? 0).toBeLessThan(109);
    expect(mergedSlot(slot, [{ slot, failed: 2, counts: [] }])).toEqual({
      ...{ slot, writes: 0, failed: 2, p50: null, p99: null },
    });
  });
});

describe('the estimate of what is left', () => {
  it('says nothing before something got done, then follows the speed', () => {
    const estimate = new ProgressEstimate();
    expect(estimate.remainingMs(0, 100)).toBeNull();
    expect(estimate.remainingMs(2_000, 100)).toBeNull();
    expect(estimate.remainingMs(4_000, 80)).toBe(16_000);
    expect(estimate.remainingMs(6_000, 40)).toBe(4_000);
    expect(estimate.remainingMs(6_500, 0)).toBeNull();
  });

  it('begins anew when there is more to do', () => {
    const estimate = new ProgressEstimate();
    estimate.remainingMs(0, 10);
    expect(estimate.remainingMs(5_000, 5)).toBe(5_000);
    expect(estimate.remainingMs(5_100, 50)).toBeNull();
    expect(estimate.remainingMs(5_200, 49)).toBeNull();
    expect(estimate.remainingMs(9_100, 25)).toBe(4_000);
  });

  it('forgets how fast it once was', () => {
    const estimate = new ProgressEstimate();
    estimate.remainingMs(0, 100);
    estimate.remainingMs(1_000, 50);
    for (let now = 2_000; now <= 60_000; now += 1_000) estimate.remainingMs(now, 50);
    expect(estimate.remainingMs(61_000, 50)).toBeNull();
  });
});
