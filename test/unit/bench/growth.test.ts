/** What growth says beyond the sizes that were measured: a line through them, named as a model. */
import { describe, expect, it } from '@jest/globals';
import { growthText, lineThrough } from '../../../bench/growth/present.js';
import type { Growth } from '../../../bench/growth/run.js';

const nothingElse: Omit<Growth, 'start'> = { planning: [], failover: [], workers: [] };
const starts = [1, 2, 4].map((millions) => ({
  rows: millions * 1_000_000,
  seconds: 3 + millions * 0.5,
  megabytes: 600 + millions * 40,
}));

describe('the line through measured sizes', () => {
  it('passes through points that lie on one', () => {
    const line = lineThrough(starts.map(({ rows, seconds }) => ({ x: rows, y: seconds })));
    expect(line?.(39_000_000)).toBeCloseTo(22.5);
    expect(line?.(0)).toBeCloseTo(3);
  });

  it('is as far above as below points that do not', () => {
    expect(lineThrough([0, 2, 0, 2].map((y, index) => ({ x: index >> 1, y })))?.(10)).toBeCloseTo(1);
  });

  it('is none through one size', () => {
    expect(lineThrough([{ x: 1, y: 1 }])).toBeNull();
    expect(growthText({ ...nothingElse, start: starts.slice(0, 1) })).not.toContain('model');
  });
});

it('growth names what it did not measure a model, with the costs it comes from', () => {
  const text = growthText({ ...nothingElse, start: starts });
  expect(text).toContain('A model, not measured');
  expect(text).toContain('add 0.50 s to a start and 40.0 MB');
  expect(text).toMatch(/\| +39000000 \| +10 \| +22\.5 \| +2160 \|/);
  expect(text).toMatch(/\| +100000000 \| +26 \| +53\.0 \| +4600 \|/);
});

it('growth draws no line downwards', () => {
  const faster = starts.map(({ rows, megabytes }) => ({ rows, seconds: 9 - rows / 1e6, megabytes }));
  const text = growthText({ ...nothingElse, start: faster });
  expect(text).toMatch(/\| +39000000 \| +10 \| +no growth seen \| +2160 \|/);
});

it('growth draws no line through small sizes, which differ by chance', () => {
  const small = starts.map(({ rows, ...costs }) => ({ rows: rows / 1_000, ...costs }));
  expect(growthText({ ...nothingElse, start: small })).not.toContain('model');
});
