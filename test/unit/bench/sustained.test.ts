/** What a sustained run and a growth run are held to, from figures made up here. */
import { describe, expect, it } from '@jest/globals';
import { growthPicture, growthText } from '../../../bench/growth/present.js';
import { timePlanning } from '../../../bench/growth/run.js';
import { judgeSustained, sustainedPicture, sustainedText } from '../../../bench/sustained/present.js';
import { warmUpSeconds } from '../../../bench/sustained/run.js';
import type { Growth } from '../../../bench/growth/run.js';
import type { Sustained, Window } from '../../../bench/sustained/run.js';

function windowAt(atSeconds: number, perSecond: number, more: Partial<Window> = {}): Window {
  return {
    ...{ atSeconds, seconds: 5, operations: perSecond * 5, failed: 0, perSecond },
    ...{ p50Millis: 1, p99Millis: 2, p999Millis: 3, serverCpuMicros: 80 },
    ...{ logMegabytes: 10, tableMegabytes: 20, walMegabytes: 4, residentMegabytes: 500, refilling: false },
    ...more,
  };
}

/** Ten minutes: the rate as it is at each second. */
function sustained(
  rate: (second: number) => number,
  more: (second: number) => Partial<Window> = () => ({}),
): Sustained {
  const seconds = Array.from({ length: 120 }, (_, index) => 5 * (index + 1));
  const windows = seconds.map((second) => windowAt(second, rate(second), more(second)));
  const filling = { seconds: 100, firstPerSecond: 2_000, lastPerSecond: 1_000 };
  return { filling, windows, sampleCompared: 9, p999Millis: 12 };
}

describe('sustained load', () => {
  it('compares the last minute with the first after the warm-up, whatever was before', () => {
    const verdict = judgeSustained(
      sustained((second) => (second <= 60 ? 5_000 : second <= 120 ? 1_000 : 840)),
      600,
    );
    expect(verdict.lastToFirst).toBeCloseTo(0.84);
    expect(
      sustainedText(
        sustained(() => 1_000),
        600,
      ),
    ).toMatch(/last minute .*1\.00 \| holds/);
    const slower = sustained((second) => (second <= 500 ? 1_000 : 800));
    expect(sustainedText(slower, 600)).toMatch(/last minute .*0\.80 \| MISSED/);
  });

  it('compares the time of a refill with what was before it, and says nothing where there was none', () => {
    const isRefill = (second: number) => second > 300 && second <= 350;
    const run = sustained(
      (second) => (isRefill(second) ? 600 : 1_000),
      (second) => ({ refilling: isRefill(second), failed: isRefill(second) ? 1 : 0 }),
    );
    expect(judgeSustained(run, 600)).toMatchObject({ refillToBefore: 0.6, lastToFirst: 1, failed: 10 });
    expect(sustainedText(run, 600)).toMatch(/refilled ÷ before .*0\.60 \| MISSED/);
    expect(
      judgeSustained(
        sustained(() => 1),
        600,
      ).refillToBefore,
    ).toBeNull();
    expect(
      sustainedText(
        sustained(() => 1),
        600,
      ),
    ).not.toMatch(/refilled/);
  });

  it('shows the largest files and how memory has grown since the warm-up', () => {
    const run = sustained(
      () => 1,
      (second) => ({
        walMegabytes: second === 300 ? 77 : 4,
        residentMegabytes: second <= 60 ? 100 : 400 + second,
      }),
    );
    const verdict = judgeSustained(run, 600);
    expect(verdict).toMatchObject({ walMegabytesMost: 77, residentMegabytesMost: 1_000 });
    expect(verdict.residentEndToFirst).toBeCloseTo(1_000 / 465);
    expect(sustainedText(run, 600)).toMatch(/filling it before.* 0\.50 \|/);
  });

  it('warms up for a minute, or a fifth of a shorter run', () => {
    expect([30, 300, 600].map(warmUpSeconds)).toEqual([6, 60, 60]);
  });

  it('is drawn', () => {
    const picture = sustainedPicture(sustained((second) => second));
    expect(picture.match(/<polyline/g)).toHaveLength(7);
    expect(picture).not.toContain('NaN');
  });
});

describe('growth', () => {
  const growth: Growth = {
    planning: [
      { workers: 10, partitions: 256, millis: 5, afterLossMillis: 4 },
      { workers: 1_000, partitions: 16_384, millis: 700, afterLossMillis: 1_200 },
    ],
    failover: [{ partitions: 1_024, moved: 256, firstSeconds: 0.9, lastSeconds: 1.4 }],
    workers: [{ workers: 4, perSecond: 10_000, serverCpuMicros: 80 }],
    start: [{ rows: 1_000_000, seconds: 3.2, megabytes: 900 }],
  };

  it('is shown with what planning is held to, and drawn', () => {
    const text = growthText(growth);
    expect(text).toMatch(/\| +10 \| +256 \| +5 \| +4 \| +holds \|/);
    expect(text).toMatch(/\| +1000 \| +16384 \| +700 \| +1200 \| +MISSED \|/);
    expect(text).toMatch(/\| +1024 \| +256 \| +0\.90 \| +1\.40 \|/);
    expect(growthPicture(growth)).not.toContain('NaN');
  });

  it('plans real rings', () => {
    const { workers, partitions, millis, afterLossMillis } = timePlanning(20);
    expect({ workers, partitions }).toEqual({ workers: 20, partitions: 512 });
    expect(millis).toBeGreaterThan(0);
    expect(afterLossMillis).toBeGreaterThan(0);
  });
});
