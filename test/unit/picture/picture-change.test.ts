import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ClusterPicture, EventPicture, LatencySlot } from '../../../core/picture/cluster-picture.js';
import { applied, changeBetween } from '../../../core/picture/picture-change.js';
import { formatPartition, parsePartition } from '../../../core/picture/partition-text.js';
import { emptyPicture } from './pictures.js';

const event = (id: number): EventPicture => ({
  id,
  at: id,
  severity: 'info',
  reason: 'R',
  text: `event ${id}`,
});
const slot = (number: number, writes: number): LatencySlot => ({
  slot: number,
  writes,
  failed: 0,
  p50: 1,
  p99: 2,
});

/** A history that grows at the end and is cut at the front, seen at two times. */
const pictures = fc
  .record({
    before: fc.array(fc.constantFrom('f1:0:0,1:', 'u2:1:0,1:2', 'F3:2:1,2:'), { maxLength: 12 }),
    after: fc.array(fc.constantFrom('f1:0:0,1:', 'u2:1:0,1:2', 'F3:2:1,2:'), { maxLength: 12 }),
    eventCounts: fc.tuple(fc.nat(6), fc.nat(6)),
    kept: fc.nat(8),
    slotCounts: fc.tuple(fc.nat(6), fc.nat(6)),
    newestWrites: fc.tuple(fc.nat(3), fc.nat(3)),
    ages: fc.tuple(fc.array(fc.nat(9), { maxLength: 3 }), fc.array(fc.nat(9), { maxLength: 3 })),
  })
  .map((drawn): [ClusterPicture, ClusterPicture] => {
    const eventsOf = (count: number) => Array.from({ length: count }, (_, index) => event(index + 1));
    const slotsOf = (count: number, writes: number) =>
      Array.from({ length: count }, (_, index) => slot(index, index === count - 1 ? writes : 1));
    const more = drawn.eventCounts[0] + drawn.eventCounts[1];
    const before = {
      ...emptyPicture(),
      partitions: drawn.before,
      events: eventsOf(drawn.eventCounts[0]),
      ages: drawn.ages[0],
    };
    before.latency.slots = slotsOf(drawn.slotCounts[0], drawn.newestWrites[0]);
    const after = {
      ...emptyPicture(),
      at: 1,
      partitions: drawn.after,
      events: eventsOf(more).slice(-drawn.kept || more),
      ages: drawn.ages[1],
    };
    const slots = slotsOf(drawn.slotCounts[0] + drawn.slotCounts[1], drawn.newestWrites[1]);
    after.latency.slots = slots.slice(-drawn.kept || slots.length);
    return [before, after];
  });

describe('a change between two pictures', () => {
  it('leads from the first to the second', () => {
    fc.assert(
      fc.property(pictures, ([before, after]) => {
        const change = changeBetween(before, after);
        if (change === null) expect({ ...before, at: 1 }).toEqual(after);
        else expect(applied(before, structuredClone(change))).toEqual(after);
      }),
    );
  });

  it('says nothing of what is the same', () => {
    const before = { ...emptyPicture(), partitions: ['f1:0:0:', 'f1:1:1:'] };
    expect(changeBetween(before, { ...structuredClone(before), at: 99 })).toBeNull();
    const change = changeBetween(before, { ...before, at: 5, partitions: ['f1:0:0:', 'l1:1:1:'] });
    expect(change).toEqual({ at: 5, partitions: { count: 2, changed: { 1: 'l1:1:1:' } } });
  });
});

describe('a partition as text', () => {
  const index = fc.integer({ min: -1, max: 1_023 });
  const partition = fc.record({
    state: fc.constantFrom('unheard', 'full', 'under', 'leaderless', 'noQuorum', 'new'),
    moving: fc.boolean(),
    epoch: fc.nat(),
    primary: index,
    voters: fc.array(index, { maxLength: 7 }),
    learners: fc.array(index, { maxLength: 2 }),
  });

  it('is read back as it was', () => {
    fc.assert(
      fc.property(partition, (picture) => expect(parsePartition(formatPartition(picture))).toEqual(picture)),
    );
  });
});
