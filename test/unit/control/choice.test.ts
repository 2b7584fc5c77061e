/**
 * Who is chosen from the answers to a fence, and when nobody may be.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { chooseLeader } from '../../../core/control/choice.js';
import type { ChoiceFacts, FenceAnswer } from '../../../core/control/choice.js';
import type { PartitionRecord } from '../../../core/ring/ring-record.js';
import { breakRule, mendRules } from '../../../core/rules.js';
import type { RuleName } from '../../../core/rules.js';

const epoch = 9;

function record(ids: readonly string[]): PartitionRecord {
  return {
    epoch: 5,
    attempt: epoch,
    primary: { id: ids[0] ?? '', storeId: `s${ids[0] ?? ''}`, bootCount: 1 },
    voters: ids.map((id) => ({ id, storeId: `s${id}` })),
    learners: [],
  };
}

function answer(
  id: string,
  syncedEpoch: number,
  lastSeq: number,
  more: Partial<FenceAnswer> = {},
): FenceAnswer {
  return {
    id,
    storeId: `s${id}`,
    bootCount: 1,
    runId: `r${id}`,
    promisedEpoch: epoch,
    syncedEpoch,
    lastSeq,
    commitSeq: 0,
    acks: [],
    peerRuns: [],
    ...more,
  };
}

function facts(answers: FenceAnswer[], more: Partial<ChoiceFacts> = {}): ChoiceFacts {
  return { epoch, record: record(['a', 'b', 'c']), answers, leftOut: new Set(), preferred: [], ...more };
}

/** The chosen id, or the type of what came instead. */
function outcome(input: ChoiceFacts): string {
  const choice = chooseLeader(input);
  return choice.type === 'chosen' ? choice.answer.id : choice.type;
}

afterEach(mendRules);

const table: { name: string; input: ChoiceFacts; expected: string; brokenRule?: [RuleName, string] }[] = [
  {
    name: 'the longer log of one epoch',
    input: facts([answer('a', 5, 10), answer('b', 5, 12)]),
    expected: 'b',
  },
  {
    name: 'the greater synced epoch, though its log is shorter',
    input: facts([answer('a', 4, 20), answer('b', 5, 12)]),
    expected: 'b',
    brokenRule: ['choose-greatest-synced', 'a'],
  },
  {
    name: 'no one without a fence quorum',
    input: facts([answer('a', 5, 10)]),
    expected: 'noQuorum',
    brokenRule: ['fence-before-choice', 'a'],
  },
  {
    name: 'one of two voters is a fence quorum',
    input: facts([answer('a', 5, 10)], { record: record(['a', 'b']) }),
    expected: 'a',
  },
  {
    name: 'three of five are one, two are none',
    input: facts([answer('a', 5, 10), answer('b', 5, 10)], { record: record(['a', 'b', 'c', 'd', 'e']) }),
    expected: 'noQuorum',
  },
  {
    name: 'an answer from another store than the record names does not count',
    input: facts([answer('a', 5, 10), answer('b', 5, 12, { storeId: 'new' })]),
    expected: 'noQuorum',
    brokenRule: ['fence-store-ids', 'b'],
  },
  {
    name: 'a worker that is no voter does not count',
    input: facts([answer('a', 5, 10), answer('x', 5, 12)]),
    expected: 'noQuorum',
  },
  {
    name: 'a replica that promised a higher epoch could not be fenced',
    input: facts([answer('a', 5, 10), answer('b', 5, 12, { promisedEpoch: 11 })]),
    expected: 'noQuorum',
  },
  {
    name: 'a store that holds less than it acknowledged counts as absent',
    input: facts([
      answer('a', 5, 10),
      answer('b', 5, 8, { acks: [{ id: 'a', storeId: 'sa', epoch: 5, seq: 11 }] }),
      answer('c', 5, 9),
    ]),
    expected: 'c',
    brokenRule: ['memory-of-acks', 'a'],
  },
  {
    name: 'an acknowledgement of an epoch before is no proof against a later sync',
    input: facts([
      answer('a', 6, 10),
      answer('b', 5, 8, { acks: [{ id: 'a', storeId: 'sa', epoch: 5, seq: 30 }] }),
    ]),
    expected: 'a',
  },
  {
    name: 'a synced epoch below the one acknowledged in is',
    input: facts([
      answer('a', 4, 99),
      answer('b', 5, 8, { acks: [{ id: 'a', storeId: 'sa', epoch: 5, seq: 3 }] }),
    ]),
    expected: 'noQuorum',
  },
  {
    name: 'a boot count below the one a peer remembers is an older image',
    input: facts([
      answer('a', 5, 10, { bootCount: 3 }),
      answer('b', 5, 8, { peerRuns: [{ id: 'a', storeId: 'sa', bootCount: 4, runId: 'x' }] }),
    ]),
    expected: 'noQuorum',
    brokenRule: ['boot-count-remembered', 'a'],
  },
  {
    name: 'so is another run under the same boot count',
    input: facts([
      answer('a', 5, 10, { bootCount: 4 }),
      answer('b', 5, 8, { peerRuns: [{ id: 'a', storeId: 'sa', bootCount: 4, runId: 'x' }] }),
    ]),
    expected: 'noQuorum',
  },
  {
    name: 'the run that a peer remembers is the run that answers',
    input: facts([
      answer('a', 5, 10, { bootCount: 4, runId: 'x' }),
      answer('b', 5, 8, { peerRuns: [{ id: 'a', storeId: 'sa', bootCount: 4, runId: 'x' }] }),
    ]),
    expected: 'a',
  },
  {
    name: 'nobody, if the best lacks what is known to be committed',
    input: facts([answer('a', 5, 10), answer('b', 5, 9, { commitSeq: 11 })]),
    expected: 'forgotten',
    brokenRule: ['commit-known-by-choice', 'a'],
  },
  {
    name: 'among equals the one that is preferred',
    input: facts([answer('a', 5, 10), answer('b', 5, 10), answer('c', 5, 10)], { preferred: ['c', 'b'] }),
    expected: 'c',
  },
  {
    name: 'the longer log before the preferred one',
    input: facts([answer('a', 5, 11), answer('b', 5, 10)], { preferred: ['b'] }),
    expected: 'a',
  },
  {
    name: 'not one that could not bring its peers level, while the others are a quorum',
    input: facts([answer('a', 5, 11), answer('b', 5, 10), answer('c', 5, 10)], {
      leftOut: new Set(['a']),
      preferred: ['c'],
    }),
    expected: 'c',
  },
  {
    name: 'even that one, if without it there is no quorum: its log counts',
    input: facts([answer('a', 5, 11), answer('b', 5, 10)], { leftOut: new Set(['a']) }),
    expected: 'a',
  },
];

describe('the choice', () => {
  it.each(table)('$name', ({ input, expected }) => {
    expect(outcome(input)).toBe(expected);
  });

  it.each(table.flatMap((row) => (row.brokenRule === undefined ? [] : [{ ...row, broken: row.brokenRule }])))(
    'without the rule, another outcome: $name',
    ({ input, broken }) => {
      breakRule(broken[0]);
      expect(outcome(input)).toBe(broken[1]);
    },
  );
});
