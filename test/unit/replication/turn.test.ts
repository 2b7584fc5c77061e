import { describe, expect, it } from '@jest/globals';
import { Turns } from '../../../core/replication/turn.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';

const everyMs = 2_000;

function ringOf(...ids: string[]): RingRecord {
  const member = { host: 'h', clientPort: 1, peerPort: 2, zone: 'z', state: 'active' };
  const members = Object.fromEntries(ids.map((id) => [id, member]));
  return { version: 1, members, partitions: [] } as unknown as RingRecord;
}

/** Times within one period, from an arbitrary moment on, at which the turn of a worker comes. */
function turnsWithin(id: string, ring: RingRecord | null): number[] {
  const turns = new Turns(id, everyMs);
  const from = 1_700_000_000_123;
  const found = [];
  let before = turns.at(from, ring);
  for (let passed = 1; passed <= everyMs; passed += 1) {
    const turn = turns.at(from + passed, ring);
    if (turn !== before) found.push(passed);
    before = turn;
  }
  return found;
}

describe('turns', () => {
  it('come once in each period, and spread evenly over the workers', () => {
    const ids = ['c', 'a', 'd', 'b'];
    const ring = ringOf(...ids);
    const times = ids.flatMap((id) => turnsWithin(id, ring)).sort((a, b) => a - b);
    expect(times).toHaveLength(4);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(gaps).toEqual([500, 500, 500]);
  });

  it('come for whoever is not in the ring, or knows of none', () => {
    expect(turnsWithin('x', ringOf('a', 'b'))).toHaveLength(1);
    expect(turnsWithin('a', null)).toHaveLength(1);
  });

  it('follow a ring that has changed', () => {
    const turns = new Turns('b', everyMs);
    const wall = 1_700_000_001_000;
    expect(turns.at(wall, ringOf('a', 'b'))).toBe(turns.at(wall, ringOf('b')) + 1);
  });
});
