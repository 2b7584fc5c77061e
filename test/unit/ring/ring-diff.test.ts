/**
 * The steps between two placements: they arrive, they are the fewest, and every one leaves a partition that
 * works.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AssertionError } from '../../../core/assert.js';
import { planPlacement, type PartitionPlacement } from '../../../core/ring/placement.js';
import { applyStep, planSteps, type PlacementStep } from '../../../core/ring/ring-diff.js';
import { asCurrent, countMoved, evenClusters } from './clusters.js';

const workers = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

function placementOf(text: string): PartitionPlacement {
  const voters = text.replace('*', '').split('');
  return { voters, primary: text.charAt(text.indexOf('*') - 1) };
}

function describeStep(step: PlacementStep): string {
  switch (step.kind) {
    case 'replaceVoter':
      return `${step.from}>${step.to}`;
    case 'movePrimary':
      return `${step.from}*${step.to}`;
    case 'addVoter':
      return `+${step.to}`;
    case 'removeVoter':
      return `-${step.from}`;
  }
}

/** All placements that the partitions go through, the last one included. */
function follow(
  current: readonly PartitionPlacement[],
  steps: readonly PlacementStep[],
): PartitionPlacement[][] {
  const states = [[...current]];
  for (const step of steps) {
    const next = [...(states.at(-1) ?? [])];
    const placement = next[step.partition];
    if (placement === undefined) throw new Error('a step for a partition that does not exist');
    next[step.partition] = applyStep(placement, step);
    states.push(next);
  }
  return states;
}

const sortedVoters = ({ voters, primary }: PartitionPlacement) => ({ voters: [...voters].sort(), primary });

const placements = fc
  .shuffledSubarray(workers, { minLength: 1, maxLength: 5 })
  .chain((voters) => fc.constantFrom(...voters).map((primary) => ({ voters, primary })));

describe('the steps of one partition', () => {
  it.each([
    ['a*bc', 'a*bc', ''],
    ['a*bc', 'ab*c', 'a*b'],
    ['a*bc', 'a*bd', 'c>d'],
    ['a*bc', 'a*de', 'b>d c>e'],
    ['a*bc', 'db*c', 'a*b a>d'],
    ['a*bc', 'ad*c', 'b>d a*d'],
    ['a*bc', 'd*bc', 'a*b a>d b*d'],
    ['a*bc', 'd*ec', 'b>d a*d a>e'],
    ['a*b', 'a*bc', '+c'],
    ['a*b', 'abc*', '+c a*c'],
    ['a*bc', 'a*b', '-c'],
    ['a*bc', 'b*c', 'a*b -a'],
    ['a*', 'b*', '+b a*b -a'],
  ])('from %s to %s are: %s', (current, target, expected) => {
    const steps = planSteps([placementOf(current)], [placementOf(target)]);
    expect(steps.map(describeStep).join(' ')).toBe(expected);
  });

  it('lead from any placement to any other, and are the fewest', () => {
    fc.assert(
      fc.property(placements, placements, (current, target) => {
        const steps = planSteps([current], [target]);
        const states = follow([current], steps).map(([state]) => state);
        const end = states.at(-1);
        expect(end === undefined ? undefined : sortedVoters(end)).toEqual(sortedVoters(target));
        const coming = target.voters.filter((voter) => !current.voters.includes(voter)).length;
        const leaving = current.voters.filter((voter) => !target.voters.includes(voter)).length;
        // One copy for each that comes; one more step only where nobody can lead in between.
        const changes = steps.filter(({ kind }) => kind !== 'movePrimary');
        expect(changes.filter(({ kind }) => kind !== 'removeVoter')).toHaveLength(coming);
        expect(steps.length).toBeLessThanOrEqual(
          Math.max(coming, leaving) + (current.primary === target.primary ? 0 : 2),
        );
        const smallest = Math.min(current.voters.length, target.voters.length);
        for (const state of states) expect(state?.voters.length ?? 0).toBeGreaterThanOrEqual(smallest);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the steps of a ring', () => {
  it('lead from one plan to the next and copy no more than differs', () => {
    fc.assert(
      fc.property(evenClusters, fc.nat(), (cluster, pick) => {
        fc.pre(cluster.members.length > cluster.replicationFactor);
        const current = planPlacement(cluster);
        const members = cluster.members.filter((_, index) => index !== pick % cluster.members.length);
        const target = planPlacement({ ...cluster, members, current: asCurrent(current) });
        const steps = planSteps(current, target);
        const end = follow(current, steps).at(-1) ?? [];
        expect(end.map(sortedVoters)).toEqual(target.map(sortedVoters));
        const copies = steps.filter(({ kind }) => kind === 'replaceVoter' || kind === 'addVoter');
        expect(copies).toHaveLength(countMoved(current, target));
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('let every worker fill before any fills a second time', () => {
    const current = ['a*b', 'a*b', 'a*b', 'a*b'].map(placementOf);
    const target = ['a*c', 'a*c', 'a*d', 'a*d'].map(placementOf);
    expect(planSteps(current, target).map(describeStep)).toEqual(['b>c', 'b>d', 'b>c', 'b>d']);
  });
});

describe('a step that does not fit', () => {
  it.each<PlacementStep>([
    { kind: 'movePrimary', partition: 0, from: 'a', to: 'd' },
    { kind: 'movePrimary', partition: 0, from: 'b', to: 'c' },
    { kind: 'replaceVoter', partition: 0, from: 'a', to: 'd' },
    { kind: 'replaceVoter', partition: 0, from: 'b', to: 'c' },
    { kind: 'replaceVoter', partition: 0, from: 'd', to: 'e' },
    { kind: 'addVoter', partition: 0, to: 'b' },
    { kind: 'removeVoter', partition: 0, from: 'a' },
    { kind: 'removeVoter', partition: 0, from: 'd' },
  ])('is refused: %j', (step) => {
    expect(() => applyStep(placementOf('a*bc'), step)).toThrow(AssertionError);
  });
});
