/** A small ring for tests that need one, but not where keys fall in it. */
import type { RingRecord, WorkerId } from '../../core/ring/ring-record.js';

/** A ring of one partition, with voters a, b and c. */
export function ringOf(version: number, epoch: number, primary: WorkerId): RingRecord {
  const voters = ['a', 'b', 'c'].map((id) => ({ id, storeId: `store-${id}` }));
  return {
    formatVersion: 1,
    clusterId: 'test',
    version,
    epochCounter: epoch,
    partitionCount: 1,
    replicationFactor: 3,
    members: {},
    partitions: [
      {
        epoch,
        attempt: epoch,
        primary: { id: primary, storeId: `store-${primary}`, bootCount: 1 },
        voters,
        learners: [],
      },
    ],
  };
}
