/** What a primary knows of keys without its table is what the table would answer, and is bounded. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import type { Row } from '../../../core/protocol/operation.js';
import { KnownRows } from '../../../core/replication/known-rows.js';
import { put, ScriptedWorker } from './harness.js';

const epoch = 2;

/** The log and a backup hold what was written, and the table applies what was committed. */
function commit(a: ScriptedWorker): void {
  a.settle();
  a.from('b', a.ackMessage(epoch, a.replica.lastSeq));
  applied(a);
}

function applied(a: ScriptedWorker): void {
  a.pass(defaultLimits.tickMs);
  a.settle();
  a.pass(defaultLimits.tickMs);
}

function primary(): ScriptedWorker {
  const a = new ScriptedWorker();
  a.serve(epoch);
  return a;
}

describe('a primary', () => {
  it('asks its table for a key that it has not seen, once', () => {
    const a = primary();
    expect(a.read('k')).toMatchObject([{ type: 'missing' }]);
    expect(a.lookups).toBe(1);
    expect(a.read('k')).toMatchObject([{ type: 'missing' }]);
    expect(a.lookups).toBe(1);
  });

  it('knows that a key which it wrote is there, applied or not', () => {
    const a = primary();
    const first = a.write('k');
    const second = a.write('k');
    commit(a);
    const third = a.write('k');
    commit(a);
    expect([first, second, third].flat()).toMatchObject([
      { type: 'applied', created: true },
      { type: 'applied', created: false },
      { type: 'applied', created: false },
    ]);
    expect(a.lookups).toBe(1);
  });

  it('answers from memory what it has read before, with the value of the newest write', () => {
    const a = primary();
    a.write('k');
    commit(a);
    expect(a.read('k')).toMatchObject([{ type: 'found', row: { version: { epoch, seq: 1 } } }]);
    const asked = a.lookups;
    expect(a.read('k')).toMatchObject([{ type: 'found', row: { version: { epoch, seq: 1 } } }]);
    a.write('k');
    commit(a);
    expect(a.read('k')).toMatchObject([{ type: 'found', row: { version: { epoch, seq: 2 } } }]);
    expect(a.lookups).toBe(asked);
  });

  it('shows a write that was applied while a newer one for the key is not committed', () => {
    const a = primary();
    a.write('k');
    commit(a);
    expect(a.read('k')).toMatchObject([{ row: { version: { seq: 1 } } }]);
    a.write('k');
    a.settle();
    a.from('b', a.ackMessage(epoch, 2));
    a.write('k');
    a.settle();
    applied(a);
    expect(a.replica).toMatchObject({ appliedSeq: 2, lastSeq: 3 });
    const outcomes: unknown[] = [];
    const key = new TextEncoder().encode('k');
    const operation = { key, consistency: 'linearizable', atLeast: null, headOnly: false } as const;
    a.worker.read(0, 0, operation, (outcome) => outcomes.push(outcome));
    a.endTick();
    const round = a.take('b', 'append').at(-1)?.round ?? 0;
    a.from('b', a.ackMessage(epoch, 2, round));
    expect(outcomes).toMatchObject([{ type: 'found', row: { version: { epoch, seq: 2 } } }]);
  });

  it('begins each epoch with nothing known', () => {
    const a = primary();
    a.read('k');
    a.serve(epoch + 1);
    const asked = a.lookups;
    a.worker.write(0, 0, put('k'), () => undefined);
    expect(a.lookups).toBe(asked + 1);
  });
});

describe('known rows', () => {
  const row = (bytes: number, seq = 1): Row => ({
    version: { epoch: 1, seq },
    contentType: '',
    value: new Uint8Array(bytes),
  });

  it('forget the oldest where room is lacking', () => {
    const known = new KnownRows(20_000);
    const term = known.newTerm();
    const keys = Array.from({ length: 50 }, (_, index) => `key${index}`);
    for (const key of keys) known.read(term, key, row(1_000));
    const held = keys.filter((key) => known.get(term, key) !== undefined);
    expect(held).toEqual(keys.slice(-held.length));
    expect(held.length).toBeGreaterThan(2);
    expect(held.length * 1_000).toBeLessThan(10_000);
  });

  it('tell the newest of a key, also where an older half knows it from before', () => {
    const known = new KnownRows(20_000);
    const term = known.newTerm();
    known.read(term, 'k', row(1_000));
    for (const key of ['a', 'b', 'c']) known.read(term, key, row(1_000));
    known.applied(term, 'k', { epoch: 1, seq: 9 }, () => row(10, 9));
    expect(known.get(term, 'k')).toMatchObject({ version: { seq: 9 }, row: { value: { length: 10 } } });
    for (const key of ['d', 'e', 'f']) known.read(term, key, row(1_000));
    expect(known.get(term, 'k')?.version?.seq ?? 9).toBe(9);
  });

  it('keep the version alone of a large value', () => {
    const known = new KnownRows(20_000);
    const term = known.newTerm();
    known.read(term, 'k', row(3_000));
    expect(known.get(term, 'k')).toEqual({ version: { epoch: 1, seq: 1 }, row: null });
  });

  it('keep terms apart', () => {
    const known = new KnownRows(20_000);
    const first = known.newTerm();
    known.read(first, 'k', row(1));
    expect(known.get(known.newTerm(), 'k')).toBeUndefined();
    expect(known.get(first, 'k')?.row?.value.length).toBe(1);
  });

  it('make a value of what is applied only for keys that are read', () => {
    const known = new KnownRows(20_000);
    const term = known.newTerm();
    const version = { epoch: 1, seq: 2 };
    known.applied(term, 'written', version, () => row(1));
    expect(known.get(term, 'written')).toEqual({ version, row: null });
    known.read(term, 'read', row(1));
    known.applied(term, 'read', version, () => row(2, 2));
    expect(known.get(term, 'read')).toMatchObject({ version, row: { value: new Uint8Array(2) } });
    known.applied(term, 'read', null, () => row(3));
    expect(known.get(term, 'read')).toEqual({ version: null, row: null });
  });

  it('remember the newest version of a key whose row they forgot', () => {
    const known = new KnownRows(20_000);
    const term = known.newTerm();
    known.applied(term, 'k', { epoch: 1, seq: 1 }, () => row(1));
    known.read(term, 'k', row(1));
    known.applied(term, 'k', { epoch: 1, seq: 2 }, () => row(1, 2));
    for (let index = 0; index < 50; index += 1) known.read(term, `other${index}`, row(1_000));
    expect(known.get(term, 'k')).toEqual({ version: { epoch: 1, seq: 2 }, row: null });
  });
});
