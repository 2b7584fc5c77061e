import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { entry, ScriptedWorker } from './harness.js';

const gibibyte = 1024 ** 3;
const reserve = defaultLimits.diskReserveBytes;

function serving(): ScriptedWorker {
  const a = new ScriptedWorker();
  a.serve(2);
  return a;
}

function outcomeOf(a: ScriptedWorker, key: string): string | undefined {
  const outcomes = a.write(key);
  a.settle();
  const [outcome] = outcomes;
  return outcome?.type === 'notApplied' ? outcome.reason : outcome?.type;
}

describe('a primary with little room on its disk', () => {
  it('refuses writes while the room is below the reserve, and still promises', () => {
    const a = serving();
    a.worker.diskMeasured(reserve, 100 * gibibyte);
    expect(outcomeOf(a, 'before')).toBeUndefined();
    a.worker.diskMeasured(reserve - 1, 100 * gibibyte);
    expect(outcomeOf(a, 'meanwhile')).toBe('full');
    expect(a.worker.isDiskFull()).toBe(true);
    a.fence(3);
    expect(a.replica.durable.promisedEpoch).toBe(3);
  });

  it('takes writes again when there is clearly more room than the reserve', () => {
    const a = serving();
    a.worker.diskMeasured(reserve - 1, 100 * gibibyte);
    a.worker.diskMeasured(reserve + 1, 100 * gibibyte);
    expect(outcomeOf(a, 'too early')).toBe('full');
    a.worker.diskMeasured(2 * reserve, 100 * gibibyte);
    expect(outcomeOf(a, 'after')).toBeUndefined();
  });

  it('keeps a twentieth of a small disk', () => {
    const a = serving();
    const total = gibibyte / 16;
    a.worker.diskMeasured(total / 10, total);
    expect(outcomeOf(a, 'some')).toBeUndefined();
    a.worker.diskMeasured(total / 21, total);
    expect(outcomeOf(a, 'none')).toBe('full');
  });
});

describe('writes that come fast', () => {
  it('do not use the reserve up between two measurements', () => {
    const a = serving();
    a.worker.diskMeasured(reserve + 300, 100 * gibibyte);
    const outcomes = ['one', 'two', 'three', 'four'].map((key) => outcomeOf(a, key));
    expect(outcomes[0]).toBeUndefined();
    expect(outcomes.at(-1)).toBe('full');
    a.worker.diskMeasured(2 * reserve, 100 * gibibyte);
    expect(outcomeOf(a, 'measured again')).toBeUndefined();
  });
});

describe('a primary whose backups have no room', () => {
  it('refuses writes that no quorum of disks could hold', () => {
    const a = serving();
    a.from('b', { type: 'disk', full: true });
    expect(outcomeOf(a, 'b is full')).toBeUndefined();
    a.from('c', { type: 'disk', full: true });
    expect(outcomeOf(a, 'both are full')).toBe('full');
    a.from('b', { type: 'disk', full: false });
    expect(outcomeOf(a, 'b has room')).toBeUndefined();
  });

  it('takes a peer that connects anew to have room, until it says otherwise', () => {
    const a = serving();
    for (const peer of ['b', 'c']) a.from(peer, { type: 'disk', full: true });
    a.worker.peerConnected({ id: 'b', storeId: 'store-b', bootCount: 2, runId: 'second' });
    expect(outcomeOf(a, 'key')).toBeUndefined();
  });
});

describe('a message about a full disk', () => {
  it('is believed for five seconds: the one that takes it back may be lost', () => {
    const a = serving();
    for (const peer of ['b', 'c']) a.from(peer, { type: 'disk', full: true });
    expect(outcomeOf(a, 'at once')).toBe('full');
    a.pass(4_900);
    expect(outcomeOf(a, 'nearly over')).toBe('full');
    a.pass(200);
    expect(outcomeOf(a, 'over')).toBeUndefined();
  });

  it('is repeated every second while there is no room', () => {
    const a = new ScriptedWorker();
    a.worker.diskMeasured(0, 100 * gibibyte);
    a.take('b', 'disk');
    a.pass(3_050);
    expect(a.take('b', 'disk')).toEqual(Array(3).fill({ type: 'disk', full: true }));
    a.worker.diskMeasured(100 * gibibyte, 100 * gibibyte);
    a.take('b', 'disk');
    a.pass(3_000);
    expect(a.take('b', 'disk')).toEqual([]);
  });
});

describe('a primary one of whose backups takes nothing', () => {
  const refusal = { type: 'refusal', partition: 0, epoch: 2, promisedEpoch: 2 } as const;
  const busy = (lastSeq: number) => ({ ...refusal, round: 0, reason: 'busy' as const, lastSeq });
  const entriesTo = (a: ScriptedWorker, peer: string) =>
    a.take(peer, 'append').filter(({ entries }) => entries.length > 0);

  function write(a: ScriptedWorker, count: number): void {
    for (let key = 0; key < count; key += 1) a.write(`key${key}`);
    a.settle();
  }

  it('sends it empty appends, which follow what it has, until the next beat', () => {
    const a = serving();
    write(a, 1);
    const [{ previousSeq, round } = { previousSeq: NaN, round: NaN }] = entriesTo(a, 'b');
    a.from('b', busy(previousSeq), a.ackMessage(2, previousSeq, round));
    for (let again = 0; again < 2; again += 1) {
      write(a, 1);
      const gap = { ...refusal, round, reason: 'gap' as const, lastSeq: previousSeq };
      a.from('b', gap, a.ackMessage(2, previousSeq, round));
    }
    expect(a.take('b', 'append')).toEqual([]);
    a.pass(2 * defaultLimits.leaseRenewalMs);
    const [sent, ...more] = entriesTo(a, 'b');
    expect(sent).toMatchObject({ previousSeq });
    expect(sent?.entries).toHaveLength(3);
    expect(more).toEqual([]);
  });

  it('sends it little, until it takes that', () => {
    const a = serving();
    write(a, 1_000);
    const [{ previousSeq, round } = { previousSeq: NaN, round: NaN }] = entriesTo(a, 'b');
    a.from('b', busy(previousSeq), a.ackMessage(2, previousSeq, round));
    a.pass(2 * defaultLimits.leaseRenewalMs);
    const trials = entriesTo(a, 'b');
    const tried = trials.flatMap(({ entries }) => entries).length;
    expect(trials[0]).toMatchObject({ previousSeq });
    expect(tried).toBeGreaterThan(0);
    expect(tried).toBeLessThan(1_000);
    a.from('b', a.ackMessage(2, previousSeq + tried, trials.at(-1)?.round));
    expect(entriesTo(a, 'b').flatMap(({ entries }) => entries)).toHaveLength(1_000 - tried);
  });

  it('sends it nothing while it says that its disk is full, and all of it afterwards', () => {
    const a = serving();
    a.from('b', { type: 'disk', full: true });
    write(a, 3);
    a.pass(2 * defaultLimits.leaseRenewalMs);
    expect(entriesTo(a, 'c').length).toBeGreaterThan(0);
    expect(entriesTo(a, 'b')).toEqual([]);
    a.from('b', { type: 'disk', full: false });
    a.pass(2 * defaultLimits.leaseRenewalMs);
    expect(entriesTo(a, 'b')[0]?.entries).toHaveLength(3);
  });
});

describe('a backup with little room on its disk', () => {
  it('takes no entries, grants leases, and tells its peers', () => {
    const a = new ScriptedWorker();
    a.worker.diskMeasured(0, 100 * gibibyte);
    for (const peer of ['b', 'c']) expect(a.take(peer, 'disk')).toEqual([{ type: 'disk', full: true }]);
    const offered = a.appendMessage({ epoch: 1, previousSeq: 0, commitSeq: 0, entries: [entry(1, 1)] });
    a.from('b', { ...offered, wantsLease: true });
    a.settle();
    expect(a.take('b', 'refusal')).toMatchObject([{ reason: 'busy', lastSeq: 0 }]);
    expect(a.take('b', 'ack')).toMatchObject([{ durableSeq: 0, leaseMs: defaultLimits.leaseMs }]);
    expect(a.replica.lastSeq).toBe(0);
    a.worker.diskMeasured(100 * gibibyte, 100 * gibibyte);
    expect(a.take('b', 'disk')).toEqual([{ type: 'disk', full: false }]);
    a.from('b', a.appendMessage({ epoch: 1, previousSeq: 0, commitSeq: 0, entries: [entry(1, 1)] }));
    a.settle();
    expect(a.take('b', 'ack')).toMatchObject([{ durableSeq: 1 }]);
  });

  it('tells a peer that connects later', () => {
    const a = new ScriptedWorker();
    a.worker.diskMeasured(0, 100 * gibibyte);
    a.sent.length = 0;
    a.worker.peerConnected({ id: 'b', storeId: 'store-b', bootCount: 2, runId: 'second' });
    expect(a.take('b', 'disk')).toEqual([{ type: 'disk', full: true }]);
  });
});
