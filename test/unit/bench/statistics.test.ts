/** What the comparison makes of its measurements. */
import { describe, expect, it } from '@jest/globals';
import { LatencyHistogram } from '../../../bench/load/latency-histogram.js';
import { ratioOf, spreadOf } from '../../../bench/report/statistics.js';

describe('spread', () => {
  it('is the middle of an odd number of rounds and the mean of the two middle ones of an even number', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, least: 1, most: 9 });
    expect(spreadOf([4, 1, 2, 9])).toEqual({ median: 3, least: 1, most: 9 });
  });

  it('compares round with round, so that a slow hour does not count against one side', () => {
    // Both twice as fast in the second round: the ratio has no spread.
    expect(ratioOf([100, 200], [50, 100])).toEqual({ median: 2, least: 2, most: 2 });
    expect(ratioOf([100, 300, 100], [100, 100, 200])).toEqual({ median: 1, least: 0.5, most: 3 });
  });
});

describe('latency histogram', () => {
  it('gives quantiles within one percent', () => {
    const histogram = new LatencyHistogram();
    for (let millis = 1; millis <= 1_000; millis += 1) histogram.add(millis);
    expect(histogram.count).toBe(1_000);
    for (const [share, millis] of [
      [0.5, 500],
      [0.99, 990],
      [0.999, 999],
    ] as const) {
      const found = histogram.quantileMillis(share);
      expect(found).toBeGreaterThan(millis * 0.99);
      expect(found).toBeLessThan(millis * 1.01);
    }
  });

  it('keeps what is beyond its last bucket, and knows nothing when empty', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.quantileMillis(0.5)).toBe(0);
    histogram.add(0);
    histogram.add(3_600_000);
    expect(histogram.quantileMillis(0.5)).toBeCloseTo(0.001);
    expect(histogram.quantileMillis(1)).toBeGreaterThan(60_000);
  });
});
