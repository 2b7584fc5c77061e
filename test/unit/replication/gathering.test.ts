/** When what is committed goes to the table, and how memory lets go of it. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import type { OverlayItem } from '../../../core/replication/leader.js';
import { ScriptedWorker } from './harness.js';

const epoch = 2;
const { tickMs } = defaultLimits;
const patient = { applyDelayMs: 60_000 };

/** A primary that has committed so many writes; the table has not been asked to apply any. */
function committed(
  writes: number,
  limits: Partial<typeof defaultLimits>,
  keyOf: (number: number) => string = String,
): ScriptedWorker {
  const a = new ScriptedWorker({}, limits);
  a.serve(epoch);
  for (let number = 1; number <= writes; number += 1) a.write(keyOf(number));
  a.settle();
  a.from('b', a.ackMessage(epoch, writes));
  return a;
}

describe('what is committed', () => {
  it('is gathered for as long as it may wait', () => {
    const a = committed(1, { applyDelayMs: 2_000 });
    a.pass(2_000 - tickMs);
    expect(a.applied).toHaveLength(0);
    a.pass(tickMs);
    expect(a.applied).toHaveLength(1);
  });

  it('is gathered for less where the worker’s turn comes before, by its wall clock', () => {
    const a = new ScriptedWorker({}, { applyDelayMs: 2_000 });
    a.serve(epoch);
    // The clock began with a turn.
    a.pass(500);
    a.write('key');
    a.settle();
    a.from('b', a.ackMessage(epoch, 1));
    a.pass(1_500 - tickMs);
    expect(a.applied).toHaveLength(0);
    a.pass(tickMs);
    expect(a.applied).toHaveLength(1);
  });

  it('goes to the table at once when it is many entries', () => {
    const few = committed(9, { ...patient, applyLagEntriesMax: 60 });
    few.pass(1_000);
    expect(few.applied).toHaveLength(0);
    const many = committed(10, { ...patient, applyLagEntriesMax: 30 });
    many.pass(tickMs);
    expect(many.applied).toHaveLength(10);
  });

  it('goes to the table at once when it is many bytes, long before any more are refused', () => {
    const a = committed(20, { ...patient, applyLagBytesMax: 4_000 });
    a.pass(tickMs);
    expect(a.applied).toHaveLength(20);
    expect(a.write('another')).toEqual([]);
  });

  it('does not wait for the delay while a batch as large as that is left', () => {
    const a = committed(10, { ...patient, applyLagEntriesMax: 60 });
    a.pass(tickMs);
    for (let number = 11; number <= 25; number += 1) a.write(String(number));
    a.answerLog();
    a.endTick();
    a.settle();
    a.from('b', a.ackMessage(epoch, 25));
    a.pass(tickMs);
    a.settle();
    a.pass(tickMs);
    a.settle();
    expect(a.replica.appliedSeq).toBe(25);
  });
});

describe('memory', () => {
  /** Ten entries a step. */
  const inSteps = { applyLagEntriesMax: 600, applyDelayMs: 1 };

  function overlaySize(a: ScriptedWorker): number {
    return a.replica.leader?.overlay.size ?? 0;
  }

  it('lets go of what was applied some at a time, one step for each turn of the event loop', () => {
    const a = committed(25, inSteps);
    a.pass(tickMs);
    expect(a.replica.appliedSeq).toBe(0);
    const seen = [];
    for (let turn = 0; turn < 4; turn += 1) {
      a.endTick();
      seen.push([a.replica.appliedSeq, overlaySize(a)]);
    }
    expect(seen).toEqual([
      [10, 15],
      [20, 5],
      [25, 0],
      [25, 0],
    ]);
  });

  it('is not at rest, and asks for no checkpoint, before it has let go of all', () => {
    const a = committed(25, inSteps);
    a.pass(tickMs);
    a.endTick();
    a.worker.tick();
    expect(a.replica.appliedSeq).toBe(20);
    expect(a.worker.atRest).toBe(false);
    expect(a.checkpoints).toHaveLength(0);
    a.worker.tick();
    expect(a.replica.appliedSeq).toBe(25);
    expect(a.checkpoints).toHaveLength(1);
  });

  it('keeps of a key that is written all the time only what the table does not show', () => {
    const a = committed(30, inSteps, () => 'counter');
    for (let number = 31; number <= 50; number += 1) a.write('counter');
    a.settle();
    a.pass(tickMs);
    a.settle();
    expect(a.replica).toMatchObject({ appliedSeq: 30, lastSeq: 50 });
    const [newest = null] = a.replica.leader?.overlay.values() ?? [];
    const left: number[] = [];
    for (let item: OverlayItem | null = newest; item !== null; item = item.previous) left.push(item.seq);
    expect(left).toEqual(Array.from({ length: 20 }, (_, index) => 50 - index));
  });
});
