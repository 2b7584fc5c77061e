/**
 * The promises of a placement, from 3 to 100 workers: validity, load bounds, zones, little movement,
 * determinism.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AssertionError } from '../../../core/assert.js';
import { planPlacement, type PartitionPlacement } from '../../../core/ring/placement.js';
import {
  asCurrent,
  countBy,
  countMoved,
  countPrimaries,
  countReplicas,
  countSharingZone,
  evenClusters,
  membersIn,
  unevenClusters,
  type Cluster,
} from './clusters.js';

const movementBound = 1.3;
/** Where several zones have hardly more workers than replicas, keeping zones apart moves more. */
const tightMovementBound = 1.6;
const slow = 120_000;

/** ceil(1.10 × mean), in whole numbers because 1.1 × 10 is not 11 in floating point. */
function bound(total: number, workers: number): number {
  return Math.ceil((11 * total) / (10 * workers));
}

/** As {@link bound} where the zones have room; else what they need, up to twice the mean. */
function boundOfReplicas(cluster: Cluster): number {
  const voters = votersPerPartition(cluster);
  const total = voters * cluster.partitionCount;
  const sizes = [...countBy(cluster.members.map(({ zone }) => zone)).values()];
  let load = bound(total, cluster.members.length);
  if (sizes.length < voters) return load;
  const most = Math.ceil((20 * total) / (10 * cluster.members.length));
  const room = () => sizes.reduce((sum, size) => sum + Math.min(size * load, cluster.partitionCount), 0);
  while (load < Math.min(most, cluster.partitionCount) && room() < total) load += 1;
  return load;
}

function votersPerPartition({ members, replicationFactor }: Cluster): number {
  return Math.min(members.length, replicationFactor);
}

function movementBoundOf(cluster: Cluster): number {
  const zones = new Set(cluster.members.map(({ zone }) => zone)).size;
  const tight = zones > 1 && cluster.members.length <= 3 * cluster.replicationFactor;
  return tight ? tightMovementBound : movementBound;
}

function expectValid(placement: readonly PartitionPlacement[], cluster: Cluster): void {
  const ids = new Set(cluster.members.map(({ id }) => id));
  const voterCount = votersPerPartition(cluster);
  expect(placement).toHaveLength(cluster.partitionCount);
  const invalid = placement.filter(
    ({ voters, primary }) =>
      voters.length !== voterCount ||
      new Set(voters).size !== voterCount ||
      !voters.every((voter) => ids.has(voter)) ||
      !voters.includes(primary),
  );
  expect(invalid).toEqual([]);
  const replicas = boundOfReplicas(cluster);
  const primaries = bound(cluster.partitionCount, ids.size);
  expect(Math.max(...countReplicas(placement).values())).toBeLessThanOrEqual(replicas);
  expect(Math.max(...countPrimaries(placement).values())).toBeLessThanOrEqual(primaries);
}

function join(cluster: Cluster, zone: string): Cluster {
  const id = `worker-${Math.max(...cluster.members.map((member) => Number(member.id.slice(7)))) + 1}`;
  return { ...cluster, members: [...cluster.members, { id, zone }] };
}

function leave(cluster: Cluster, index: number): { rest: Cluster; id: string } {
  const gone = cluster.members[index % cluster.members.length];
  if (gone === undefined) throw new Error('no such member');
  return { rest: { ...cluster, members: cluster.members.filter((member) => member !== gone) }, id: gone.id };
}

describe('a new placement', () => {
  it(
    'is valid and within its bounds, with zones of equal size',
    () => {
      fc.assert(fc.property(evenClusters, (cluster) => expectValid(planPlacement(cluster), cluster)));
    },
    slow,
  );

  it(
    'is valid and within its bounds, with zones of any size',
    () => {
      fc.assert(fc.property(unevenClusters, (cluster) => expectValid(planPlacement(cluster), cluster)));
    },
    slow,
  );

  it(
    'has no more replicas that share a zone than the zones make necessary',
    () => {
      fc.assert(
        fc.property(fc.oneof(evenClusters, unevenClusters), (cluster) => {
          const zones = countBy(cluster.members.map(({ zone }) => zone));
          const voters = votersPerPartition(cluster);
          fc.pre(zones.size >= voters);
          const total = voters * cluster.partitionCount;
          const loadMax = boundOfReplicas(cluster);
          const room = [...zones.values()].reduce(
            (sum, workers) => sum + Math.min(workers * loadMax, cluster.partitionCount),
            0,
          );
          const sharing = countSharingZone(planPlacement(cluster), cluster.members);
          expect(sharing).toBe(Math.max(0, total - room));
        }),
      );
    },
    slow,
  );

  it('loses no quorum with any one of three nodes that four or five workers are on', () => {
    const cluster = { members: membersIn([0, 1, 2, 2]), partitionCount: 256, replicationFactor: 3 };
    expect(countSharingZone(planPlacement(cluster), cluster.members)).toBe(0);
    const five = { ...cluster, members: membersIn([0, 0, 1, 2, 2]) };
    expect(countSharingZone(planPlacement(five), five.members)).toBe(0);
    // One of the pair left with its zone, and has come back into it.
    const apart = { ...cluster, members: membersIn([0, 1, 2, 3]) };
    const current = planPlacement(apart).map(({ voters, primary }) => [
      primary,
      ...voters.filter((voter) => voter !== primary),
    ]);
    const again = planPlacement({ ...cluster, current });
    expect(countSharingZone(again, cluster.members)).toBe(0);
  });

  it('halves as well as it can where there are fewer zones than replicas', () => {
    const cluster = { members: membersIn([0, 1, 0, 1, 0, 1]), partitionCount: 256, replicationFactor: 3 };
    expect(countSharingZone(planPlacement(cluster), cluster.members)).toBe(256);
  });

  it(
    'leaves no worker far below the mean',
    () => {
      fc.assert(
        fc.property(evenClusters, (cluster) => {
          const mean = (votersPerPartition(cluster) * cluster.partitionCount) / cluster.members.length;
          const counts = countReplicas(planPlacement(cluster));
          for (const { id } of cluster.members) {
            expect(counts.get(id) ?? 0).toBeGreaterThanOrEqual(Math.floor(0.7 * mean));
          }
        }),
      );
    },
    slow,
  );

  it(
    'does not depend on the order of the members',
    () => {
      const shuffled = fc
        .oneof(evenClusters, unevenClusters)
        .chain((cluster) =>
          fc
            .shuffledSubarray([...cluster.members], { minLength: cluster.members.length })
            .map((members) => [cluster, { ...cluster, members }] as const),
        );
      fc.assert(
        fc.property(shuffled, ([cluster, other]) => {
          expect(planPlacement(other)).toEqual(planPlacement(cluster));
        }),
        { numRuns: 50 },
      );
    },
    slow,
  );

  it('follows the ring: workers come first for different partitions, by their names', () => {
    const placement = planPlacement({
      members: membersIn([0, 1, 2, 3]),
      partitionCount: 16,
      replicationFactor: 3,
    });
    expect(new Set(placement.map(({ voters }) => [...voters].sort().join())).size).toBe(4);
    const renamed = membersIn([0, 1, 2, 3]).map((member) => ({ ...member, id: `other-${member.id}` }));
    const other = planPlacement({ members: renamed, partitionCount: 16, replicationFactor: 3 });
    expect(other.map(({ voters }) => voters.map((voter) => voter.replace('other-', '')))).not.toEqual(
      placement.map(({ voters }) => voters),
    );
  });

  it('has all workers everywhere where there are too few', () => {
    const placement = planPlacement({ members: membersIn([0, 0]), partitionCount: 16, replicationFactor: 3 });
    for (const { voters } of placement) expect([...voters].sort()).toEqual(['worker-0', 'worker-1']);
  });

  it('refuses what is no cluster', () => {
    const request = { members: membersIn([0, 1, 2]), partitionCount: 16, replicationFactor: 3 };
    expect(() => planPlacement({ ...request, members: [] })).toThrow(AssertionError);
    expect(() => planPlacement({ ...request, members: membersIn([0, 0]).concat(membersIn([0])) })).toThrow(
      AssertionError,
    );
    expect(() => planPlacement({ ...request, partitionCount: 100 })).toThrow(AssertionError);
    expect(() => planPlacement({ ...request, replicationFactor: 0 })).toThrow(AssertionError);
  });
});

describe('a placement that goes on from another', () => {
  it(
    'changes nothing where nothing has changed',
    () => {
      fc.assert(
        fc.property(fc.oneof(evenClusters, unevenClusters), (cluster) => {
          const placement = planPlacement(cluster);
          const again = planPlacement({ ...cluster, current: asCurrent(placement) });
          expect(countMoved(placement, again)).toBe(0);
          expect(again.map(({ primary }) => primary)).toEqual(placement.map(({ primary }) => primary));
        }),
      );
    },
    slow,
  );

  it(
    'moves at most 1.3 times the share of a worker that joins, and gives it a share',
    () => {
      fc.assert(
        fc.property(evenClusters, (cluster) => {
          const before = planPlacement(cluster);
          const zones = new Set(cluster.members.map(({ zone }) => zone)).size;
          const grown = join(cluster, `zone-${cluster.members.length % zones}`);
          const after = planPlacement({ ...grown, current: asCurrent(before) });
          const share = (votersPerPartition(grown) * cluster.partitionCount) / grown.members.length;
          expectValid(after, grown);
          fc.pre(votersPerPartition(grown) === votersPerPartition(cluster));
          expect(countMoved(before, after)).toBeLessThanOrEqual(Math.ceil(movementBoundOf(cluster) * share));
          const joined = grown.members.at(-1)?.id ?? '';
          // The workers of its zone hold no more than what may stand in one zone.
          const zone = grown.members.at(-1)?.zone;
          const inZone = grown.members.filter((member) => member.zone === zone).length;
          const perZone = Math.ceil(
            votersPerPartition(grown) / new Set(grown.members.map((m) => m.zone)).size,
          );
          const least = Math.min(0.7 * share, (perZone * grown.partitionCount) / inZone);
          expect(countReplicas(after).get(joined) ?? 0).toBeGreaterThanOrEqual(Math.floor(least));
        }),
      );
    },
    slow,
  );

  it(
    'moves at most 1.3 times what a worker held that leaves',
    () => {
      fc.assert(
        fc.property(evenClusters, fc.nat(), (cluster, index) => {
          fc.pre(cluster.members.length > cluster.replicationFactor);
          const before = planPlacement(cluster);
          const { rest, id } = leave(cluster, index);
          const after = planPlacement({ ...rest, current: asCurrent(before) });
          expectValid(after, rest);
          const held = countReplicas(before).get(id) ?? 0;
          expect(countMoved(before, after)).toBeLessThanOrEqual(Math.ceil(movementBoundOf(cluster) * held));
        }),
      );
    },
    slow,
  );

  it(
    'stays within its bounds through any history of joins, departures and moves between zones',
    () => {
      const change = fc.record({ kind: fc.constantFrom('join', 'leave', 'zone'), pick: fc.nat(99) });
      const history = fc.array(change, { minLength: 1, maxLength: 8 });
      fc.assert(
        fc.property(unevenClusters, history, (start, changes) => {
          let cluster = start;
          let placement = planPlacement(cluster);
          for (const { kind, pick } of changes) {
            if (kind === 'join') cluster = join(cluster, `zone-${pick % 6}`);
            if (kind === 'leave' && cluster.members.length > 1) cluster = leave(cluster, pick).rest;
            if (kind === 'zone') {
              const members = cluster.members.map((member, index) =>
                index === pick % cluster.members.length
                  ? { ...member, zone: `zone-${(pick + 1) % 6}` }
                  : member,
              );
              cluster = { ...cluster, members };
            }
            placement = planPlacement({ ...cluster, current: asCurrent(placement) });
            expectValid(placement, cluster);
          }
        }),
        { numRuns: 60 },
      );
    },
    slow,
  );

  it('keeps primaries where they are when a worker leaves that leads others', () => {
    const cluster = { members: membersIn([0, 1, 2, 0, 1, 2]), partitionCount: 256, replicationFactor: 3 };
    const before = planPlacement(cluster);
    const { rest, id } = leave(cluster, 2);
    const after = planPlacement({ ...rest, current: asCurrent(before) });
    const kept = before.filter(({ primary }, partition) => primary === after[partition]?.primary).length;
    const led = countPrimaries(before).get(id) ?? 0;
    // Those of the worker that left must move; of the others at most a tenth, to keep the bound.
    expect(kept).toBeGreaterThanOrEqual(Math.floor(0.9 * (256 - led)));
    for (const [partition, { primary, voters }] of before.entries()) {
      if (primary === id) expect(voters).toContain(after[partition]?.primary);
    }
  });

  it('follows the replication factor up and down', () => {
    const members = membersIn([0, 1, 2, 3, 4]);
    const three = planPlacement({ members, partitionCount: 64, replicationFactor: 3 });
    const current = asCurrent(three);
    const five = planPlacement({ members, partitionCount: 64, replicationFactor: 5, current });
    const two = planPlacement({ members, partitionCount: 64, replicationFactor: 2, current });
    for (const [partition, { voters }] of three.entries()) {
      expect(five[partition]?.voters).toEqual(expect.arrayContaining([...voters]));
      expect(two[partition]?.voters).toHaveLength(2);
    }
    expectValid(two, { members, partitionCount: 64, replicationFactor: 2 });
    expect(countMoved(three, two)).toBe(0);
  });

  it('spreads what shares a zone as soon as the zones have room', () => {
    const crowded = {
      members: membersIn([0, 0, 0, 0, 0, 1, 1, 2]),
      partitionCount: 64,
      replicationFactor: 3,
    };
    const before = planPlacement(crowded);
    expect(countSharingZone(before, crowded.members)).toBeGreaterThan(0);
    const members = [
      ...crowded.members,
      ...['a', 'b', 'c'].map((id) => ({ id, zone: 'zone-2' })),
      ...['d', 'e', 'f'].map((id) => ({ id, zone: 'zone-1' })),
    ];
    const after = planPlacement({ ...crowded, members, current: asCurrent(before) });
    expect(countSharingZone(after, members)).toBe(0);
  });
});
