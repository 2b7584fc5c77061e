/** Clusters of 3 to 100 workers for the properties of the ring, and what can be counted of a placement. */
import fc from 'fast-check';
import type { PartitionPlacement, PlacementMember } from '../../../core/ring/placement.js';
import type { WorkerId } from '../../../core/ring/ring-record.js';

export interface Cluster {
  readonly members: readonly PlacementMember[];
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

export function membersIn(zones: readonly number[]): PlacementMember[] {
  return zones.map((zone, index) => ({ id: `worker-${index}`, zone: `zone-${zone}` }));
}

const partitionCounts = fc.constantFrom(16, 32, 64, 128, 256, 512, 1024);
const workerCounts = fc.integer({ min: 3, max: 100 });

/** Zones of nearly equal size, from one for all workers to one for each. */
export const evenClusters: fc.Arbitrary<Cluster> = fc
  .record({
    workers: workerCounts,
    zones: fc.constantFrom(1, 2, 3, 4, 5, 7, 100),
    partitionCount: partitionCounts,
    replicationFactor: fc.constantFrom(1, 2, 3, 3, 3, 5),
  })
  .map(({ workers, zones, ...rest }) => ({
    ...rest,
    members: membersIn(Array.from({ length: workers }, (_, index) => index % zones)),
  }));

/** Zones of any size, also far too small for what they should hold. */
export const unevenClusters: fc.Arbitrary<Cluster> = fc
  .record({
    zones: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 3, maxLength: 100, size: 'max' }),
    partitionCount: fc.constantFrom(16, 64, 256),
    replicationFactor: fc.constantFrom(2, 3, 5),
  })
  .map(({ zones, ...rest }) => ({ ...rest, members: membersIn(zones) }));

/** A placement in the form in which the next plan takes it. */
export function asCurrent(placement: readonly PartitionPlacement[]): WorkerId[][] {
  return placement.map(({ voters, primary }) => [primary, ...voters.filter((voter) => voter !== primary)]);
}

export function countReplicas(placement: readonly PartitionPlacement[]): Map<WorkerId, number> {
  return countBy(placement.flatMap(({ voters }) => voters));
}

export function countPrimaries(placement: readonly PartitionPlacement[]): Map<WorkerId, number> {
  return countBy(placement.map(({ primary }) => primary));
}

export function countBy<Key>(keys: readonly Key[]): Map<Key, number> {
  const counts = new Map<Key, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Replicas that stand on a worker now and did not before: what has to be copied. */
export function countMoved(
  before: readonly PartitionPlacement[],
  after: readonly PartitionPlacement[],
): number {
  return after.reduce((moved, { voters }, partition) => {
    const old = before[partition]?.voters ?? [];
    return moved + voters.filter((voter) => !old.includes(voter)).length;
  }, 0);
}

/** Replicas beyond the first of their partition in their zone. */
export function countSharingZone(
  placement: readonly PartitionPlacement[],
  members: readonly PlacementMember[],
): number {
  const zones = new Map(members.map(({ id, zone }) => [id, zone]));
  return placement.reduce(
    (sharing, { voters }) => sharing + voters.length - new Set(voters.map((voter) => zones.get(voter))).size,
    0,
  );
}
