import { describe, expect, it } from '@jest/globals';
import { ScriptedWorker } from './harness.js';

describe('what a primary hands out', () => {
  it('is in its own log first, also when an acknowledgement comes between a write and the end of the tick', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    const first = a.write('first');
    a.endTick();
    expect(a.take('b', 'append').flatMap(({ entries }) => entries)).toHaveLength(1);
    const second = a.write('second');
    a.from('b', a.ackMessage(2, 1, 5));
    expect(a.take('b', 'append').flatMap(({ entries }) => entries)).toHaveLength(0);
    // Fenced before the tick ends: the second write was handed to nobody, and that may be said.
    a.from('c', a.appendMessage({ epoch: 3, previousSeq: 1, commitSeq: 0 }));
    a.endTick();
    expect(second).toMatchObject([{ type: 'notApplied' }]);
    expect(a.take('b', 'append').flatMap(({ entries }) => entries)).toHaveLength(0);
    // The first one was: only a configuration in the ring can tell.
    expect(first).toEqual([]);
  });

  it('goes out at the end of the tick and is answered when a majority holds it', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    const outcome = a.write('key');
    a.settle();
    expect(outcome).toEqual([]);
    a.from('b', a.ackMessage(2, 1, 5));
    expect(outcome).toMatchObject([{ type: 'applied', version: { epoch: 2, seq: 1 } }]);
  });
});
