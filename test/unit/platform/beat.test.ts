/** Beats: moments that processes have in common, so that an idle one wakes rarely. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { msToBeat, onBeats } from '../../../platform/beat.js';
import { Ticker } from '../../../platform/ticker.js';

describe('msToBeat', () => {
  it('ends on a whole multiple of the period, after at least a quarter of it', () => {
    for (let wall = 1_000_000; wall < 1_000_500; wall += 1) {
      const wait = msToBeat(250, wall);
      expect((wall + wait) % 250).toBe(0);
      expect(wait).toBeGreaterThanOrEqual(62.5);
      expect(wait).toBeLessThan(312.5);
    }
  });
});

describe('on beats', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_090 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('runs on every beat, once each, until it is stopped', () => {
    const at: number[] = [];
    const stop = onBeats(() => at.push(Date.now()), 500);
    jest.advanceTimersByTime(1_600);
    stop();
    jest.advanceTimersByTime(5_000);
    expect(at).toEqual([1_000_500, 1_001_000, 1_001_500]);
  });

  it('can be stopped by what it runs', () => {
    let runs = 0;
    const stop = onBeats(() => {
      runs += 1;
      stop();
    }, 500);
    jest.advanceTimersByTime(5_000);
    expect(runs).toBe(1);
  });

  it('have one ticker tick once, though its tick ends the rest and hurries it', () => {
    let ticks = 0;
    const ticker: Ticker = new Ticker(
      () => {
        ticks += 1;
        ticker.hurry();
        return ticks % 2 === 0 ? 'busy' : 'at rest';
      },
      { everyMs: 50, restMs: 250 },
    );
    ticker.start();
    jest.advanceTimersByTime(3_000);
    expect(ticks).toBeLessThan(40);
    ticker.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is where a ticker at rest wakes: two that began at different moments wake together', () => {
    const at: number[][] = [[], []];
    const pace = { everyMs: 50, restMs: 250 };
    const tickers = at.map(
      (times) =>
        new Ticker(() => {
          times.push(Date.now());
          return 'at rest';
        }, pace),
    );
    for (const ticker of tickers) {
      ticker.start();
      jest.advanceTimersByTime(97);
    }
    jest.advanceTimersByTime(1_000);
    for (const ticker of tickers) ticker.stop();
    const [first = [], second = []] = at;
    expect(first.slice(-3)).toEqual(second.slice(-3));
    expect(first.length).toBeLessThanOrEqual(6);
  });
});
