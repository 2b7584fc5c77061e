import { describe, expect, it } from '@jest/globals';
import type { FinalReplica } from '../../simulation/judges/final-state.js';
import { judgeAcknowledgedWrites, judgeEqualReplicas } from '../../simulation/judges/final-state.js';
import { judgeRelaxedReads } from '../../simulation/judges/relaxed-reads.js';
import { at, history, lost, put, read, relaxed, remove } from './calls.js';

function replica(worker: string, changes: Partial<FinalReplica> = {}): FinalReplica {
  const row = { epoch: 1, seq: 3, value: 'a', damaged: false };
  return {
    worker,
    log: {
      partition: 0,
      promisedEpoch: 1,
      syncedEpoch: 1,
      epochStarts: [],
      baseSeq: 1,
      lastSeq: 3,
      forgotten: false,
    },
    table: { appliedSeq: 3, rows: new Map([['k', row]]) },
    entryAt: (seq) => `entry ${seq}`,
    ...changes,
  };
}

function judge(...replicas: FinalReplica[]) {
  return judgeEqualReplicas([{ partition: 0, replicas }]);
}

describe('equal replicas', () => {
  it('passes equal ones, also where one log reaches back farther', () => {
    const longer = replica('w2');
    longer.log.baseSeq = 0;
    expect(judge(replica('w1'), longer, replica('w3'))).toBeUndefined();
  });

  it('finds a partition without replicas', () => {
    expect(judge()).toMatch(/no replicas/);
  });

  it('finds logs that end at different positions', () => {
    const shorter = replica('w2');
    shorter.log.lastSeq = 2;
    expect(judge(replica('w1'), shorter)).toMatch(/end at 3 and 2/);
  });

  it('finds a different entry', () => {
    expect(judge(replica('w1'), replica('w2', { entryAt: (seq) => `other ${seq}` }))).toMatch(/differ at 2/);
  });

  it('finds a different position of the tables', () => {
    const behind = replica('w2', { table: { appliedSeq: 2, rows: replica('w2').table.rows } });
    expect(judge(replica('w1'), behind)).toMatch(/tables of w1 and w2 are at 3 and 2/);
  });

  it('finds a row that is missing, other, or damaged', () => {
    const rows = (value: string, damaged: boolean) => new Map([['k', { epoch: 1, seq: 3, value, damaged }]]);
    for (const wrong of [new Map<never, never>(), rows('b', false), rows('a', true)]) {
      const other = replica('w2', { table: { appliedSeq: 3, rows: wrong } });
      expect(judge(replica('w1'), other)).toMatch(/differ in k/);
    }
  });
});

describe('acknowledged writes', () => {
  const calls = history(put(0, 1, 'a', at(1)), put(2, 3, 'b', at(2)), lost(4, 'c'));
  const row = (seq: number, value: string) => () => ({ version: at(seq), value });

  it('passes the newest one, or a later one of unknown outcome', () => {
    expect(judgeAcknowledgedWrites(calls, row(2, 'b'))).toBeUndefined();
    expect(judgeAcknowledgedWrites(calls, row(3, 'c'))).toBeUndefined();
  });

  it('finds one that is gone, older, changed, or overwritten by nobody', () => {
    expect(judgeAcknowledgedWrites(calls, () => null)).toMatch(/is gone/);
    expect(judgeAcknowledgedWrites(calls, row(1, 'a'))).toMatch(/older than the acknowledged/);
    expect(judgeAcknowledgedWrites(calls, row(2, 'x'))).toMatch(/holds x/);
    expect(judgeAcknowledgedWrites(calls, row(9, 'x'))).toMatch(/nobody wrote/);
  });

  it('passes an absent row only after a delete', () => {
    const deleted = history(...calls, remove(5, 6, at(4)));
    expect(judgeAcknowledgedWrites(deleted, () => null)).toBeUndefined();
    expect(judgeAcknowledgedWrites(deleted, row(2, 'b'))).toMatch(/older than the acknowledged/);
  });
});

describe('relaxed reads', () => {
  const writes = [put(0, 1, 'a', at(1)), put(2, 3, 'b', at(2)), put(4, 5, 'c', at(3))];
  const all = () => true;

  it('pass what is old but committed', () => {
    expect(
      judgeRelaxedReads(history(...writes, relaxed(read(6, 7, ['a', at(1)]), null)), all),
    ).toBeUndefined();
    expect(
      judgeRelaxedReads(history(...writes, relaxed(read(6, 7, ['b', at(2)]), at(2))), all),
    ).toBeUndefined();
    expect(
      judgeRelaxedReads(history(...writes, relaxed(read(6, 7, ['c', at(3)]), at(2))), all),
    ).toBeUndefined();
  });

  it('find what is not committed, also in linearizable reads', () => {
    const seen = read(6, 7, ['c', at(3)]);
    const onlyTwo = (_partition: number, { seq }: { seq: number }) => seq <= 2;
    expect(judgeRelaxedReads(history(...writes, relaxed(seen, null)), onlyTwo)).toMatch(/not committed/);
    expect(judgeRelaxedReads(history(...writes, seen), onlyTwo)).toMatch(/not committed/);
  });

  it('find what is older than the version asked for, or missing', () => {
    expect(judgeRelaxedReads(history(...writes, relaxed(read(6, 7, ['a', at(1)]), at(2))), all)).toMatch(
      /older than/,
    );
    expect(judgeRelaxedReads(history(...writes, relaxed(read(6, 7, null), at(2))), all)).toMatch(/missed/);
  });

  it('find values from nowhere and from the future', () => {
    expect(judgeRelaxedReads(history(relaxed(read(0, 1, ['z', at(1)]), null)), all)).toMatch(/nobody wrote/);
    const early = relaxed(read(0, 1, ['a', at(1)]), null);
    expect(judgeRelaxedReads(history(early, put(2, 3, 'a', at(1))), all)).toMatch(/before it was written/);
  });
});
