/**
 * From one placement to another, in single steps that each leave a partition able to work: a voter is
 * replaced, or the primary moves. The steps are the fewest that get there, one voter of a partition at a
 * time; the primary is never replaced itself but moves first, because it is the one that fills whoever comes.
 *
 * The steps of one partition are carried out in their order; those of different partitions need not wait for
 * each other.
 *
 * No program carries a whole plan out: the controller looks at what is true now and takes the next step of
 * each partition (`core/control/plan-replacement`, `plan-rebalance`). This says what the steps are and how
 * few there can be, for tests and for whoever wants to show what lies ahead.
 */
import { assert } from '../assert.js';
import type { PartitionPlacement } from './placement.js';
import type { WorkerId } from './ring-record.js';

export type PlacementStep =
  /** `to` is filled and then votes in the place of `from`, which is not the primary. */
  | {
      readonly kind: 'replaceVoter';
      readonly partition: number;
      readonly from: WorkerId;
      readonly to: WorkerId;
    }
  /** Both are voters. */
  | {
      readonly kind: 'movePrimary';
      readonly partition: number;
      readonly from: WorkerId;
      readonly to: WorkerId;
    }
  /** Only where a partition has fewer voters than it is to have, or nobody else could lead meanwhile. */
  | { readonly kind: 'addVoter'; readonly partition: number; readonly to: WorkerId }
  | { readonly kind: 'removeVoter'; readonly partition: number; readonly from: WorkerId };

/**
 * Both list the same partitions. Copies to one worker are spread over the plan, so that all can fill at once.
 */
export function planSteps(
  current: readonly PartitionPlacement[],
  target: readonly PartitionPlacement[],
): PlacementStep[] {
  assert(current.length === target.length, 'both placements are of the same ring');
  const plans = current.map((from, partition) => {
    const to = target[partition];
    assert(to !== undefined, 'the partition exists in both');
    return stepsOfPartition(partition, from, to);
  });
  return interleave(plans);
}

/** What a partition's placement is after a step; the step must be one for it. */
export function applyStep(placement: PartitionPlacement, step: PlacementStep): PartitionPlacement {
  const { voters, primary } = placement;
  switch (step.kind) {
    case 'movePrimary':
      assert(primary === step.from && voters.includes(step.to), 'the primary moves to a voter');
      return { voters, primary: step.to };
    case 'replaceVoter':
      assert(
        voters.includes(step.from) && !voters.includes(step.to),
        'a voter is replaced by another worker',
      );
      assert(primary !== step.from, 'the primary is not replaced');
      return { voters: voters.map((voter) => (voter === step.from ? step.to : voter)), primary };
    case 'addVoter':
      assert(!voters.includes(step.to), 'a worker votes once');
      return { voters: [...voters, step.to], primary };
    case 'removeVoter':
      assert(voters.includes(step.from) && primary !== step.from, 'a voter that does not lead is removed');
      return { voters: voters.filter((voter) => voter !== step.from), primary };
  }
}

function stepsOfPartition(
  partition: number,
  current: PartitionPlacement,
  target: PartitionPlacement,
): PlacementStep[] {
  const steps: PlacementStep[] = [];
  let placement = current;
  const take = (step: PlacementStep) => {
    steps.push(step);
    placement = applyStep(placement, step);
  };
  if (!current.voters.includes(target.primary)) {
    makeWayForPrimary(partition, current, target, take);
  } else if (current.primary !== target.primary) {
    take({ kind: 'movePrimary', partition, from: current.primary, to: target.primary });
  }
  for (const change of pairChanges(placement, target, placement.primary)) {
    take(stepOf(partition, change));
  }
  return steps;
}

/** The primary that is to be holds nothing yet: it comes first, in the place of one that does not lead. */
function makeWayForPrimary(
  partition: number,
  current: PartitionPlacement,
  target: PartitionPlacement,
  take: (step: PlacementStep) => void,
): void {
  const to = target.primary;
  const { primary, voters } = current;
  const leaving = voters.filter((voter) => voter !== primary && !target.voters.includes(voter));
  const staying = voters.find((voter) => voter !== primary && target.voters.includes(voter));
  const counterpart = counterpartOf(to, current, target);
  const from = leaving.find((voter) => voter === counterpart) ?? leaving[0];
  if (from !== undefined) {
    take({ kind: 'replaceVoter', partition, from, to });
    take({ kind: 'movePrimary', partition, from: primary, to });
  } else if (
    target.voters.includes(primary) ||
    voters.length < target.voters.length ||
    staying === undefined
  ) {
    take({ kind: 'addVoter', partition, to });
    take({ kind: 'movePrimary', partition, from: primary, to });
  } else {
    take({ kind: 'movePrimary', partition, from: primary, to: staying });
    take({ kind: 'replaceVoter', partition, from: primary, to });
    take({ kind: 'movePrimary', partition, from: staying, to });
  }
}

interface Change {
  readonly from?: WorkerId;
  readonly to?: WorkerId;
}

/**
 * Who comes for whom: by their place in the list where both have one, since that keeps the zones apart
 * meanwhile.
 */
function pairChanges(current: PartitionPlacement, target: PartitionPlacement, primary: WorkerId): Change[] {
  const leaving = current.voters.filter((voter) => !target.voters.includes(voter));
  const coming = target.voters.filter((voter) => !current.voters.includes(voter));
  const changes: Change[] = [];
  for (const to of coming) {
    const counterpart = counterpartOf(to, current, target);
    const index = Math.max(0, counterpart === undefined ? 0 : leaving.indexOf(counterpart));
    const [from] = leaving.splice(index, 1);
    changes.push(from === undefined ? { to } : { from, to });
  }
  for (const from of leaving) changes.push({ from });
  assert(!changes.some((change) => change.from === primary), 'the primary stays or has moved');
  return changes;
}

function counterpartOf(
  worker: WorkerId,
  current: PartitionPlacement,
  target: PartitionPlacement,
): WorkerId | undefined {
  return current.voters[target.voters.indexOf(worker)];
}

function stepOf(partition: number, { from, to }: Change): PlacementStep {
  if (from !== undefined && to !== undefined) return { kind: 'replaceVoter', partition, from, to };
  if (to !== undefined) return { kind: 'addVoter', partition, to };
  assert(from !== undefined, 'a change names someone');
  return { kind: 'removeVoter', partition, from };
}

/** First steps first; among those, every worker's first copy before any worker's second. */
function interleave(plans: readonly (readonly PlacementStep[])[]): PlacementStep[] {
  const ranked: { step: PlacementStep; round: number; turn: number }[] = [];
  const rounds = Math.max(0, ...plans.map((steps) => steps.length));
  for (let round = 0; round < rounds; round += 1) {
    const turns = new Map<WorkerId, number>();
    for (const steps of plans) {
      const step = steps[round];
      if (step === undefined) continue;
      const filled = step.kind === 'replaceVoter' || step.kind === 'addVoter' ? step.to : undefined;
      const turn = filled === undefined ? 0 : (turns.get(filled) ?? 0);
      if (filled !== undefined) turns.set(filled, turn + 1);
      ranked.push({ step, round, turn });
    }
  }
  return ranked
    .sort((a, b) => a.round - b.round || a.turn - b.turn || a.step.partition - b.step.partition)
    .map(({ step }) => step);
}
