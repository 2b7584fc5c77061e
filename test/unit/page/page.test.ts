/** What the page computes by itself: where things are drawn, where a key lives, how numbers are written. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PartitionPicture, WorkerPicture } from '../../../core/picture/cluster-picture.js';
import { partitionOf } from '../../../core/ring/hash.js';
import { placeOf } from '../../../page/key-place.js';
import { heightOf, latencyScale, stretches, tickLabel } from '../../../page/latency-scale.js';
import { describePartition } from '../../../page/partition-words.js';
import {
  center,
  pointAt,
  runsOf,
  segmentAt,
  segmentsMax,
  segmentsOf,
  turnOf,
} from '../../../page/ring-geometry.js';
import { nextPartition } from '../../../page/ring-keys.js';
import { bytes, duration, latency, listed, shortName } from '../../../page/words.js';
import { shareOf, textOf, titleOf } from '../../../page/work-words.js';
import { emptyPicture } from '../picture/pictures.js';

const powerOfTwo = fc.integer({ min: 0, max: 16 }).map((power) => 2 ** power);

describe('the ring', () => {
  it('finds the segment that is drawn at a point', () => {
    fc.assert(
      fc.property(powerOfTwo, fc.double({ min: 0, max: 0.999, noNaN: true }), (partitionCount, share) => {
        const { count, each } = segmentsOf(partitionCount);
        expect(count).toBeLessThanOrEqual(segmentsMax);
        expect(count * each).toBe(partitionCount);
        const index = Math.floor(share * count);
        const [x, y] = pointAt(turnOf(index + 0.5, count), 150);
        expect(segmentAt(x, y, count)).toBe(index);
      }),
    );
    expect(segmentAt(center, 10, 256)).toBeNull();
    expect(segmentAt(center + 100, center, 0)).toBeNull();
  });

  it('puts neighbours together', () => {
    const row = [true, true, false, true];
    expect(runsOf(row.length, (index) => row[index] === true)).toEqual([
      { from: 0, to: 2 },
      { from: 3, to: 4 },
    ]);
    expect(runsOf(0, () => true)).toEqual([]);
  });

  it('is walked by keys, around its end', () => {
    expect(nextPartition('ArrowRight', -1, 255)).toBe(0);
    expect(nextPartition('ArrowRight', 255, 255)).toBe(0);
    expect(nextPartition('ArrowLeft', 0, 255)).toBe(255);
    expect(nextPartition('PageUp', 3, 255)).toBe(19);
    expect(nextPartition('End', 3, 255)).toBe(255);
    expect(nextPartition('a', 3, 255)).toBeNull();
  });
});

describe('where a key lives', () => {
  it('is what the workers say', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
        powerOfTwo,
        (key, partitionCount) => {
          fc.pre(!key.includes('\0'));
          const partition = partitionOf(new TextEncoder().encode(key), partitionCount);
          expect(placeOf(key, partitionCount)).toMatchObject({ type: 'found', partition });
        },
      ),
    );
  });

  it('names the tag that decides, and refuses what no worker takes', () => {
    expect(placeOf('user-{42}/cart', 256)).toMatchObject({ tag: '42' });
    expect(placeOf('user-{42}/cart', 256)).toMatchObject({ ...placeOf('{42}', 256) });
    expect(placeOf('a{}b', 256)).toMatchObject({ tag: null });
    expect(placeOf('', 256)).toEqual({ type: 'none' });
    expect(placeOf('é'.repeat(513), 256)).toMatchObject({ type: 'refused' });
    expect(placeOf('é'.repeat(512), 256)).toMatchObject({ type: 'found' });
    expect(placeOf('key', 0)).toEqual({ type: 'refused', why: 'There is no ring yet.' });
  });
});

describe('the latency chart', () => {
  const slot = (number: number, p50: number | null, p99: number | null) => ({
    ...{ slot: number, writes: 1, failed: 0, p50, p99 },
  });

  it('has room for all values, and at least a power of ten', () => {
    expect(latencyScale([])).toEqual({ low: -1, high: 2 });
    expect(latencyScale([slot(1, 2, 3)])).toEqual({ low: 0, high: 1 });
    expect(latencyScale([slot(1, 0.3, 1_400)])).toEqual({ low: -1, high: 4 });
    expect(latencyScale([slot(1, 1, 1)])).toEqual({ low: 0, high: 1 });
    expect(heightOf(10, { low: 0, high: 2 })).toBeCloseTo(0.5);
    expect([heightOf(0, { low: 0, high: 2 }), heightOf(1e9, { low: 0, high: 2 })]).toEqual([0, 1]);
    expect([tickLabel(-1), tickLabel(2), tickLabel(4)]).toEqual(['0.1 ms', '100 ms', '10 s']);
  });

  it('draws no line over a time without writes', () => {
    const found = stretches([
      slot(1, 1, 1),
      slot(2, 1, 1),
      slot(4, 1, 1),
      slot(5, null, null),
      slot(6, 1, 1),
    ]);
    expect(found.map((stretch) => stretch.map(({ slot: number }) => number))).toEqual([[1, 2], [4], [6]]);
  });
});

describe('words', () => {
  it('are short and exact enough', () => {
    expect([latency(null), latency(0.347), latency(4.26), latency(213.4), latency(1_234)]).toEqual([
      ...['–', '0.35 ms', '4.3 ms', '213 ms', '1.2 s'],
    ]);
    expect([duration(430), duration(61_000), duration(600_000), duration(3e7), duration(3e8)]).toEqual([
      ...['0.4 s', '61 s', '10 min', '8 h', '3 d'],
    ]);
    expect([bytes(0), bytes(999), bytes(999_600), bytes(7.34e8), bytes(1.25e12)]).toEqual([
      ...['0 B', '999 B', '1.0 MB', '734 MB', '1.3 TB'],
    ]);
    expect([shortName('kv-worker-12'), shortName('alpha')]).toEqual(['12', 'alp']);
    expect([listed([]), listed(['a']), listed(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c']);
  });

  it('tell what is going on', () => {
    const work = { kind: 'absence', worker: 'b', partitions: 64, done: 0, lagEntries: 0 } as const;
    expect(titleOf({ ...work, elapsedMs: 1_000, remainingMs: 59_000 })).toBe('b is away');
    expect(textOf({ ...work, elapsedMs: 12_000, remainingMs: 48_000 })).toBe(
      'for 12 s; 64 replicas are rebuilt elsewhere in 48 s',
    );
    expect(textOf({ ...work, elapsedMs: 12_000, remainingMs: null })).toContain('no other worker could take');
    expect(shareOf({ ...work, elapsedMs: 15_000, remainingMs: 45_000 })).toBe(0.25);
    const copy = {
      ...work,
      kind: 'copy',
      worker: 'd',
      elapsedMs: null,
      remainingMs: null,
      done: 16,
    } as const;
    expect([titleOf(copy), textOf(copy), shareOf(copy)]).toEqual([
      ...['Copying 64 partitions to d', '16 level', 0.25],
    ]);
  });

  it('describe a partition', () => {
    const worker: WorkerPicture = {
      ...{ id: '', url: '', zone: '', bootCount: 1, primaries: 0, replicas: 0, learners: 0, behind: 0 },
      ...{ state: 'ready', lagEntries: 0, diskFull: false, disk: null, writesPerSecond: null },
    };
    const picture = { ...emptyPicture(), workers: ['a', 'b', 'c', 'd'].map((id) => ({ ...worker, id })) };
    const found: PartitionPicture = {
      ...{ state: 'under', moving: true, epoch: 7, primary: 1, voters: [0, 1, 2], learners: [3] },
    };
    const partitions = [found];
    expect(describePartition(picture, partitions, 0)).toBe(
      'Partition 0: under-replicated, moving. Primary b, backups a and c; being filled: d. Epoch 7.',
    );
    expect(describePartition(picture, partitions, 9)).toBe('Partition 9 is not known');
  });
});
