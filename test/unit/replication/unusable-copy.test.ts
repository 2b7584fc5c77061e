import { describe, expect, it } from '@jest/globals';
import { entry, ScriptedWorker } from './harness.js';

/** b has nothing, and the log of its leader begins where the table ends: only a copy helps. */
function offering(): { a: ScriptedWorker; pull: (number: number) => void; report: () => void } {
  const a = new ScriptedWorker({ lastSeq: 9, commitSeq: 9, appliedSeq: 8, baseSeq: 8, tail: [entry(1, 9)] });
  a.serve(2);
  const report = () => {
    a.from('b', a.reportMessage(2, {}));
    a.settle();
  };
  const pull = (number: number) => {
    a.from('b', { type: 'copyPull', partition: 0, epoch: 2, number, chunk: 0 });
    a.settle();
  };
  return { a, pull, report };
}

describe('a copy whose rows the receiver cannot use', () => {
  it('is ended after some tries, and the next one shows the table anew', () => {
    const { a, pull, report } = offering();
    let offered = 0;
    for (let round = 0; round < 5; round += 1) {
      report();
      offered = a.take('b', 'copyOffer').at(-1)?.number ?? offered;
      pull(offered);
    }
    expect(a.take('b', 'copyEnd')).toHaveLength(1);
    const first = offered;
    const progress = a.replica.leader?.progress;
    expect(progress).toBeGreaterThan(0);
    report();
    expect(a.copiesOpened).toBe(2);
    const second = a.take('b', 'copyOffer').at(-1)?.number ?? first;
    expect(second).not.toBe(first);
    // The controller gives up a leader that makes no progress: seed 531 waited for a damaged table for ever.
    pull(second);
    expect(a.replica.leader?.progress).toBe(progress);
  });

  it('is sent again a few times, since a chunk may be lost on its way', () => {
    const { a, pull, report } = offering();
    report();
    const offered = a.take('b', 'copyOffer').at(-1)?.number ?? 0;
    for (let round = 0; round < 4; round += 1) pull(offered);
    expect(a.take('b', 'copyChunk').map(({ chunk }) => chunk)).toEqual([0, 0, 0, 0]);
    expect(a.take('b', 'copyEnd')).toEqual([]);
    expect(a.copiesOpened).toBe(1);
  });
});
