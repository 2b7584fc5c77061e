import { describe, expect, it } from '@jest/globals';
import { formatRing, parseRing } from '../../../core/ring/ring-json.js';
import type { Identity, RingRecord } from '../../../core/ring/ring-record.js';

const voters: Identity[] = ['a', 'b', 'c'].map((id) => ({ id, storeId: `${id}1` }));

function ringWith(partition: { voters: Identity[]; learners: Identity[] }): RingRecord {
  return {
    formatVersion: 1,
    clusterId: 'c',
    version: 1,
    epochCounter: 1,
    partitionCount: 1,
    replicationFactor: 3,
    members: {},
    partitions: [{ epoch: 1, attempt: 1, primary: { id: 'a', storeId: 'a1', bootCount: 1 }, ...partition }],
  };
}

describe('a ring record as JSON', () => {
  it('takes a worker that is filled anew while its lost store is still a voter', () => {
    const ring = ringWith({ voters, learners: [{ id: 'b', storeId: 'b2' }] });
    expect(parseRing(formatRing(ring))).toEqual(ring);
  });

  it('refuses a voter that is named twice, and a learner that is a voter already', () => {
    const twice = ringWith({ voters: [...voters, { id: 'b', storeId: 'b2' }], learners: [] });
    expect(() => parseRing(formatRing(twice))).toThrow('twice');
    const both = ringWith({ voters, learners: [{ id: 'b', storeId: 'b1' }] });
    expect(() => parseRing(formatRing(both))).toThrow('twice');
  });
});
