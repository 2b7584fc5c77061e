import { describe, expect, it } from '@jest/globals';
import { entry, ScriptedWorker } from './harness.js';

/** A backup with a tail of epoch 1 that was never committed. */
function backup(): ScriptedWorker {
  const tail = [entry(1, 1), entry(1, 2), entry(1, 3)];
  return new ScriptedWorker({ lastSeq: 3, tail, commitSeq: 1 });
}

/** The leader of epoch 2 makes it level: everything after the first entry is another. */
function syncTo(a: ScriptedWorker): void {
  a.from('b', a.appendMessage({ epoch: 2, previousSeq: 3, commitSeq: 3 }));
  a.settle();
  expect(a.take('b', 'report')).toMatchObject([{ syncedEpoch: 1, lastSeq: 3 }]);
  const epochStarts = [
    { epoch: 1, firstSeq: 1 },
    { epoch: 2, firstSeq: 2 },
  ];
  const entries = [entry(2, 2, 'other2').bytes, entry(2, 3, 'other3').bytes];
  const positions = { epoch: 2, cutTo: 1, previousSeq: 1, copyNumber: 0 };
  a.from('b', { type: 'sync', partition: 0, ...positions, entries, last: true, epochStarts });
}

describe('a commit position of the new epoch', () => {
  it('applies nothing while the sync is on its way to the disk, and all of it afterwards', () => {
    const a = backup();
    a.settle();
    syncTo(a);
    a.from('b', a.appendMessage({ epoch: 2, previousSeq: 3, commitSeq: 3 }));
    a.pass(100);
    a.endTick();
    expect(a.applied.map(({ seq }) => seq)).toEqual([1]);
    a.settle();
    a.from('b', a.appendMessage({ epoch: 2, previousSeq: 3, commitSeq: 3 }));
    a.pass(100);
    a.settle();
    expect(a.applied.map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [1, 1],
      [2, 2],
      [2, 3],
    ]);
  });

  it('says nothing about the log from before, if a full disk refuses the sync', () => {
    const a = backup();
    a.settle();
    syncTo(a);
    a.from('b', a.appendMessage({ epoch: 2, previousSeq: 3, commitSeq: 3 }));
    expect(a.waiting()).toContain('sync');
    a.answerLog('full');
    expect(a.replica).toMatchObject({ syncedEpoch: 1, lastSeq: 3, commitSeq: 1 });
    a.pass(200);
    a.settle();
    expect(a.applied.map(({ epoch, seq }) => [epoch, seq])).toEqual([[1, 1]]);
  });
});
