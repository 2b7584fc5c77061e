/** Pictures for tests, with nothing in them. */
import type { ClusterPicture } from '../../../core/picture/cluster-picture.js';

export function emptyPicture(): ClusterPicture {
  return {
    at: 0,
    head: {
      condition: 'starting',
      clusterId: 'cluster',
      controller: 'controller-1',
      active: '',
      ringVersion: 0,
      epochCounter: 0,
      partitionCount: 0,
      replicationFactor: 3,
      phase: 'waiting',
      awaited: 'the ring document',
      counts: { total: 0, fullyReplicated: 0, underReplicated: 0, withoutQuorum: 0, moving: 0 },
      remainingMs: null,
      suspicionMs: 1_500,
    },
    workers: [],
    ages: [],
    partitions: [],
    works: [],
    latency: { slotMs: 5_000, slotsMax: 120, slots: [] },
    events: [],
  };
}
