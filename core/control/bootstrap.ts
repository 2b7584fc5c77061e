/**
 * The first ring. It is made only when the ring store has none and no worker reports data. It names who shall
 * hold each partition under epoch 0, which is no configuration: nothing is ever served in it, and the first
 * real one comes about through the same procedure as every other.
 */
import type { Limits } from '../limits.js';
import { planPlacement } from '../ring/placement.js';
import type { Member, PartitionRecord, RingRecord, WorkerId } from '../ring/ring-record.js';
import { memberOf } from './membership.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export interface ClusterShape {
  clusterId: string;
  partitionCount: number;
  replicationFactor: number;
}

export type BootstrapStep =
  | { type: 'wait'; awaited: string }
  | { type: 'create'; record: RingRecord }
  /** Workers hold data: the ring was lost. */
  | { type: 'recover' };

/** Between the highest epoch that anyone has seen and the counter of a document that begins anew. */
export const epochDistance = 2 ** 32;
/** How long a majority waits for the others, so that the first placement has them all. */
const lateWorkersMs = 3_000;

export class Bootstrap {
  private majoritySince: number | null = null;

  constructor(
    private readonly shape: ClusterShape,
    private readonly limits: Limits,
  ) {}

  /** Called while the ring store says that there is no document. */
  step(workers: WorkerDirectory, seen: { epoch: number }, now: number): BootstrapStep {
    const expected = workers.all().filter((facts) => facts.expected !== null);
    const known = expected.filter((facts) => facts.complete && facts.liveness === 'alive');
    if (workers.all().some(hasData)) return { type: 'recover' };
    // Promises without a ring and without data: an earlier beginning came to nothing, and everyone has to be
    // there to say so.
    const begunBefore = workers.all().some((facts) => facts.replicas.size > 0);
    const majority = Math.floor(expected.length / 2) + 1;
    const needed = Math.max(this.shape.replicationFactor, begunBefore ? expected.length : majority);
    if (known.length < needed) {
      this.majoritySince = null;
      const awaited = `${needed} of ${expected.length} workers to make the first ring; ${known.length} are there`;
      return { type: 'wait', awaited };
    }
    this.majoritySince ??= now;
    const patient = Math.max(lateWorkersMs, this.limits.suspicionMs);
    if (known.length < expected.length && now - this.majoritySince < patient) {
      return {
        type: 'wait',
        awaited: `the remaining ${expected.length - known.length} workers for a moment`,
      };
    }
    const epochCounter = begunBefore ? seen.epoch + epochDistance : seen.epoch;
    return { type: 'create', record: firstRing(this.shape, epochCounter, expected, known) };
  }
}

function hasData(facts: WorkerFacts): boolean {
  return facts.ringVersion > 0 || [...facts.replicas.values()].some((replica) => replica.lastSeq > 0);
}

function firstRing(
  shape: ClusterShape,
  epochCounter: number,
  expected: readonly WorkerFacts[],
  known: readonly WorkerFacts[],
): RingRecord {
  const { clusterId, partitionCount, replicationFactor } = shape;
  const members: Record<WorkerId, Member> = {};
  for (const { id, expected: expectation } of expected) {
    if (expectation !== null) members[id] = memberOf(expectation);
  }
  const stores = new Map(known.map((facts) => [facts.id, facts.storeId]));
  const placement = planPlacement({
    members: known.map((facts) => ({ id: facts.id, zone: facts.expected?.zone ?? '' })),
    partitionCount,
    replicationFactor,
  });
  const partitions = placement.map(({ voters, primary }): PartitionRecord => {
    const ordered = [primary, ...voters.filter((id) => id !== primary)];
    return {
      epoch: 0,
      attempt: 0,
      primary: { id: '', storeId: '', bootCount: 0 },
      voters: ordered.map((id) => ({ id, storeId: stores.get(id) ?? '' })),
      learners: [],
    };
  });
  return {
    formatVersion: 1,
    clusterId,
    version: 1,
    epochCounter,
    partitionCount,
    replicationFactor,
    members,
    partitions,
  };
}
