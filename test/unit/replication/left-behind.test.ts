import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { entry, ScriptedWorker, voters } from './harness.js';

const nothing = { promisedEpoch: 0, syncedEpoch: 0, epochStarts: [] };
const others = voters.slice(1);
const primary = { id: 'b', storeId: 'store-b', bootCount: 1 };

/** A learner that has begun to take b's copy in. */
function staging(): ScriptedWorker {
  const a = new ScriptedWorker(nothing);
  a.publish({ epoch: 2, primary, voters: others, learners: voters.slice(0, 1) });
  a.from('b', a.appendMessage({ epoch: 2, previousSeq: 9, commitSeq: 9 }));
  a.settle();
  expect(a.take('b', 'report')).toHaveLength(1);
  const copy = { partition: 0, epoch: 2, number: 77 };
  a.from('b', { type: 'copyOffer', ...copy, atSeq: 9 });
  expect(a.take('b', 'copyPull')).toHaveLength(1);
  a.from('b', { type: 'copyChunk', ...copy, chunk: 0, last: false, rows: new Uint8Array(10) });
  a.settle();
  return a;
}

describe('a learner that is dropped before it was synced', () => {
  it('removes the rows that it had staged', () => {
    const a = staging();
    expect(a.dropped).toEqual([]);
    a.publish({ epoch: 2, primary, voters: others, learners: [] });
    expect(a.waiting()).toContain('delete');
    a.settle();
    expect(a.dropped).toEqual([0]);
    expect(a.replica).toMatchObject({ promisedEpoch: 2, stagedRows: false, deleting: false });
  });

  it('has nothing to remove a second time', () => {
    const a = staging();
    a.publish({ epoch: 2, primary, voters: others, learners: [] });
    a.settle();
    a.publish({ epoch: 2, primary, voters: others, learners: [] });
    a.settle();
    a.pass(3_000);
    a.settle();
    expect(a.dropped).toEqual([0]);
  });

  it('keeps them while it is a learner', () => {
    const a = staging();
    a.publish({ epoch: 2, primary, voters: others, learners: voters.slice(0, 1) });
    a.pass(3_000);
    expect(a.dropped).toEqual([]);
  });
});

describe('a log that is larger than its bound when the worker starts', () => {
  const found = () => ({ lastSeq: 10, commitSeq: 10, appliedSeq: 9, tail: [entry(1, 10)] });

  function trims(logBytes: number): string[] {
    const a = new ScriptedWorker({ ...found(), logBytes });
    a.settle();
    a.pass(defaultLimits.tickMs);
    a.settle();
    a.pass(defaultLimits.tickMs);
    for (const done of a.checkpoints.splice(0)) done([{ partition: 0, seq: 10 }]);
    return a.waiting().filter((type) => type === 'trim');
  }

  it('is cut at the first checkpoint, whoever lags behind', () => {
    expect(trims(defaultLimits.logBytesPerPartitionMax + 1)).toEqual(['trim']);
  });

  it('is kept for them below the bound', () => {
    expect(trims(defaultLimits.logBytesPerPartitionMax - 1_000)).toEqual([]);
  });
});
