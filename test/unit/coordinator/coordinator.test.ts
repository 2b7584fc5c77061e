/**
 * What the coordinator does with each answer, each broken stream and each new ring, and what it may claim at
 * the end.
 */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { NotAppliedReason, ReadOutcome, WriteOutcome } from '../../../core/protocol/operation.js';
import { applied, found, get, JoinedWorkers, put } from './joined-workers.js';
import { ringOf } from '../../support/ring-of.js';

let workers: JoinedWorkers;
let written: WriteOutcome[];
let readBack: ReadOutcome[];

const write = (changes: Parameters<typeof put>[0] = {}) =>
  workers.a.coordinator.write(put(changes), (outcome) => written.push(outcome));
const read = (changes: Parameters<typeof get>[0] = {}) =>
  workers.a.coordinator.read(get(changes), (outcome) => readBack.push(outcome));
const notApplied = (reason: NotAppliedReason): WriteOutcome & ReadOutcome => ({
  type: 'notApplied',
  reason,
  detail: `because ${reason}`,
});

beforeEach(() => {
  workers = new JoinedWorkers();
  written = [];
  readBack = [];
});

describe('a request on the worker that can answer it', () => {
  it('goes to the replica of this worker with the epoch of the ring', () => {
    workers.publish(ringOf(1, 4, 'a'));
    write();
    const asked = workers.a.replicas.takeWrite();
    expect(asked).toMatchObject({ partition: 0, epoch: 4, operation: put() });
    expect(written).toEqual([]);
    asked.done(applied);
    expect(written).toEqual([applied]);
    expect(workers.a.coordinator.counts).toMatchObject({ inFlight: 0, forwarded: 0 });
  });

  it.each<NotAppliedReason>(['full', 'overloaded', 'idempotencyConflict'])(
    'hands a refusal on at once that patience does not cure: %s',
    (reason) => {
      workers.publish(ringOf(1, 4, 'a'));
      write();
      workers.a.replicas.takeWrite().done(notApplied(reason));
      expect(written).toEqual([notApplied(reason)]);
    },
  );

  it.each<NotAppliedReason>(['moved', 'moving', 'noQuorum', 'unavailable'])(
    'tries again after a pause what may pass: %s',
    (reason) => {
      workers.publish(ringOf(1, 4, 'a'));
      write();
      read();
      workers.a.replicas.takeWrite().done(notApplied(reason));
      workers.a.replicas.takeRead().done(notApplied(reason));
      expect(workers.a.replicas.writes).toHaveLength(0);
      workers.pass(50);
      workers.a.replicas.takeWrite().done(applied);
      workers.a.replicas.takeRead().done(found);
      expect(written).toEqual([applied]);
      expect(readBack).toEqual([found]);
    },
  );

  it('says not applied, with the last reason, when the time is up', () => {
    workers.publish(ringOf(1, 4, 'a'));
    write();
    for (let passed = 0; passed < workers.limits.requestDeadlineMs; passed += 50) {
      for (const asked of workers.a.replicas.writes.splice(0)) asked.done(notApplied('noQuorum'));
      expect(written).toEqual([]);
      workers.pass(50);
    }
    expect(written).toEqual([notApplied('noQuorum')]);
    expect(workers.a.coordinator.counts).toMatchObject({ inFlight: 0, expired: 1 });
  });

  it('says unknown of a write that the replica never answered, and does not listen afterwards', () => {
    workers.publish(ringOf(1, 4, 'a'));
    write();
    read();
    workers.pass(workers.limits.requestDeadlineMs);
    expect(written).toMatchObject([{ type: 'unknown' }]);
    expect(readBack).toMatchObject([{ type: 'notApplied', reason: 'unavailable' }]);
    workers.a.replicas.takeWrite().done(applied);
    workers.a.replicas.takeRead().done(found);
    expect([written.length, readBack.length]).toEqual([1, 1]);
  });
});

describe('a request on another worker', () => {
  it('is forwarded once with everything it says, and its answer comes back whole', () => {
    workers.publish(ringOf(1, 4, 'b'));
    const operation = put({
      precondition: { type: 'ifMatch', versions: [{ epoch: 3, seq: 9 }] },
      idempotencyKey: 'order 66',
    });
    write(operation);
    workers.deliver();
    const asked = workers.b.replicas.takeWrite();
    expect(asked).toMatchObject({ partition: 0, epoch: 4, operation });
    asked.done(applied);
    workers.deliver();
    expect(written).toEqual([applied]);
  });

  it.each<WriteOutcome>([
    { type: 'preconditionFailed', current: { epoch: 2, seq: 5 } },
    { type: 'preconditionFailed', current: null },
    { type: 'absent' },
    { type: 'unknown', reason: 'lost its place' },
    { type: 'notApplied', reason: 'full', detail: 'the disk is full' },
    { ...applied, created: false, replayed: true, acks: 3 },
  ])('carries every write outcome: %j', (outcome) => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.deliver();
    workers.b.replicas.takeWrite().done(outcome);
    workers.deliver();
    expect(written).toEqual([outcome]);
  });

  it.each<ReadOutcome>([
    found,
    { type: 'missing', partition: 0, staleMs: 12.5 },
    { type: 'notApplied', reason: 'overloaded', detail: 'too much' },
  ])('carries every read outcome: %j', (outcome) => {
    workers.publish(ringOf(1, 4, 'b'));
    read({});
    workers.deliver();
    const asked = workers.b.replicas.takeRead();
    expect(asked.operation).toEqual(get({}));
    asked.done(outcome);
    workers.deliver();
    expect(readBack).toEqual([outcome]);
  });

  it('leaves the value out where only the head was asked for, and says how long it is', () => {
    workers.publish(ringOf(1, 4, 'b'));
    read({ headOnly: true });
    workers.deliver();
    const asked = workers.b.replicas.takeRead();
    expect(asked.operation).toEqual(get({ headOnly: true }));
    asked.done(found);
    workers.deliver();
    const row = { version: { epoch: 1, seq: 7 }, contentType: 'text/plain', value: new Uint8Array(0) };
    expect(readBack).toEqual([{ ...found, row, valueBytes: 1 }]);
  });

  it('is never passed on a second time, even where the two rings name each other', () => {
    workers.a.replicas.record = ringOf(1, 4, 'b');
    workers.b.replicas.record = ringOf(2, 5, 'a');
    write();
    workers.deliver();
    workers.b.replicas.takeWrite().done(notApplied('moved'));
    workers.deliver();
    expect(workers.wire).toEqual([]);
    expect(written).toEqual([]);
    workers.publish(ringOf(2, 5, 'a'));
    workers.a.replicas.takeWrite().done(applied);
    expect(written).toEqual([applied]);
  });

  it('is written once when the wire repeats every frame', () => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.deliver(2);
    expect(workers.b.replicas.writes).toHaveLength(1);
    workers.b.replicas.takeWrite().done(applied);
    workers.deliver(2);
    expect(written).toEqual([applied]);
  });

  it('is refused where it names a partition that the key is not in', () => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.b.replicas.record = {
      ...ringOf(1, 4, 'b'),
      partitionCount: 65_536,
    };
    workers.deliver();
    expect(workers.b.replicas.writes).toEqual([]);
    expect(workers.onTheWire()).toMatchObject([
      { type: 'writeReply', result: 'notApplied', detail: 'the key belongs to another partition' },
    ]);
  });

  it('waits for the peer to connect', () => {
    workers.publish(ringOf(1, 4, 'b'));
    workers.disconnect();
    write();
    expect(workers.wire).toEqual([]);
    workers.reconnect();
    workers.deliver();
    workers.b.replicas.takeWrite().done(applied);
    workers.deliver();
    expect(written).toEqual([applied]);
  });

  it('explains what is missing when the time is up', () => {
    workers.publish(ringOf(1, 4, 'b'));
    workers.disconnect();
    write();
    workers.pass(workers.limits.requestDeadlineMs);
    expect(written).toMatchObject([
      {
        type: 'notApplied',
        reason: 'noQuorum',
        detail: '1 of the 3 replicas of partition 0 can be reached, 2 are needed',
      },
    ]);
  });

  it('is answered though a reason holds what the wire cannot carry', () => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.deliver();
    workers.b.replicas.takeWrite().done({ type: 'unknown', reason: 'é\n'.repeat(400) });
    workers.deliver();
    expect(written).toEqual([{ type: 'unknown', reason: '??'.repeat(256) }]);
  });
});

describe('a failover', () => {
  it('is only latency for a request that found no primary', () => {
    workers.publish(ringOf(1, 4, 'c'));
    write();
    read();
    expect(workers.wire).toEqual([]);
    workers.publish(ringOf(2, 5, 'b'));
    workers.deliver();
    workers.b.replicas.takeWrite().done(applied);
    workers.b.replicas.takeRead().done(found);
    workers.deliver();
    expect(written).toEqual([applied]);
    expect(readBack).toEqual([found]);
  });

  it('makes a write unknown whose stream broke, and asks again for a read', () => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    read();
    workers.deliver();
    workers.disconnect();
    expect(written).toEqual([{ type: 'unknown', reason: 'the connection to b ended before it answered' }]);
    workers.publish(ringOf(2, 5, 'a'));
    workers.a.replicas.takeRead().done(found);
    expect(readBack).toEqual([found]);
    expect(workers.a.coordinator.counts.forwardsBroken).toBe(2);
  });

  it('asks the new primary for a read that the old one keeps', () => {
    workers.publish(ringOf(1, 4, 'b'));
    read();
    workers.deliver();
    workers.publish(ringOf(2, 5, 'a'));
    workers.a.replicas.takeRead().done(found);
    workers.b.replicas.takeRead().done({ type: 'missing', partition: 0, staleMs: null });
    workers.deliver();
    expect(readBack).toEqual([found]);
  });

  it('does not disturb requests of partitions that it does not concern', () => {
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.deliver();
    workers.b.replicas.takeWrite().done(notApplied('moving'));
    workers.deliver();
    workers.publish(ringOf(2, 4, 'b'));
    expect(workers.wire).toEqual([]);
    workers.publish(ringOf(3, 6, 'b'));
    expect(workers.wire).toHaveLength(1);
  });

  it('asks again for a read whose message was dropped', () => {
    workers.publish(ringOf(1, 4, 'b'));
    read();
    workers.wire.length = 0;
    workers.pass(1_000);
    workers.deliver();
    workers.b.replicas.takeRead().done(found);
    workers.deliver();
    expect(readBack).toEqual([found]);
  });
});

describe('an idempotency key', () => {
  const breakAndRecover = () => {
    workers.publish(ringOf(1, 4, 'b'));
    write({ idempotencyKey: 'k', precondition: { type: 'ifNoneMatch', versions: null } });
    workers.deliver();
    workers.disconnect();
    expect(written).toEqual([]);
    workers.publish(ringOf(2, 5, 'a'));
    return workers.a.replicas.takeWrite();
  };

  it('lets a write with unknown outcome be repeated', () => {
    const replayed = { ...applied, replayed: true };
    breakAndRecover().done(replayed);
    expect(written).toEqual([replayed]);
  });

  it.each<WriteOutcome>([
    { type: 'preconditionFailed', current: { epoch: 4, seq: 1 } },
    { type: 'absent' },
    notApplied('full'),
  ])('does not turn unknown into a promise that nothing was applied: %j', (outcome) => {
    breakAndRecover().done(outcome);
    expect(written).toMatchObject([{ type: 'unknown' }]);
  });

  it('reports the use of one key for two requests', () => {
    breakAndRecover().done(notApplied('idempotencyConflict'));
    expect(written).toEqual([notApplied('idempotencyConflict')]);
  });

  it('stays unknown when the time is up while waiting', () => {
    breakAndRecover().done(notApplied('moving'));
    for (let passed = 0; passed < workers.limits.requestDeadlineMs; passed += 50) {
      workers.pass(50);
      for (const asked of workers.a.replicas.writes.splice(0)) asked.done(notApplied('moving'));
    }
    expect(written).toMatchObject([{ type: 'unknown' }]);
  });
});

describe('reads that any replica may answer', () => {
  it.each([{ consistency: 'eventual' as const }, { atLeast: { epoch: 4, seq: 3 } }])(
    'ask this worker first, then the primary: %j',
    (changes) => {
      workers.publish(ringOf(1, 4, 'b'));
      read(changes);
      workers.a.replicas.takeRead().done(notApplied('unavailable'));
      workers.pass(50);
      workers.deliver();
      workers.b.replicas.takeRead().done(found);
      workers.deliver();
      expect(readBack).toEqual([found]);
    },
  );

  it('are served with the primary and the quorum gone', () => {
    workers.publish(ringOf(1, 4, 'b'));
    workers.disconnect();
    read({ consistency: 'eventual' });
    workers.a.replicas.takeRead().done(found);
    expect(readBack).toEqual([found]);
  });
});

describe('bounds', () => {
  it('refuses more requests, and more bytes, than it can hold, and takes them again later', () => {
    workers = new JoinedWorkers({ requestsMax: 2, requestBytesMax: 10 });
    workers.publish(ringOf(1, 4, 'a'));
    write({ value: new Uint8Array(8) });
    write({ value: new Uint8Array(8) });
    expect(written).toMatchObject([{ type: 'notApplied', reason: 'overloaded' }]);
    read();
    read();
    expect(readBack).toMatchObject([{ type: 'notApplied', reason: 'overloaded' }]);
    workers.a.replicas.takeWrite().done(applied);
    write({ value: new Uint8Array(8) });
    expect(workers.a.replicas.writes).toHaveLength(1);
    expect(workers.a.coordinator.counts.overloaded).toBe(2);
  });

  it('bounds what peers forward as well', () => {
    workers = new JoinedWorkers({ requestsMax: 1 });
    workers.publish(ringOf(1, 4, 'b'));
    write();
    workers.deliver();
    workers.pass(workers.limits.requestDeadlineMs);
    expect(written).toMatchObject([{ type: 'unknown' }]);
    write();
    workers.deliver();
    workers.deliver();
    expect(written[1]).toMatchObject({ type: 'notApplied', reason: 'overloaded' });
  });

  it('waits for a first ring', () => {
    write();
    workers.publish(ringOf(1, 1, 'a'));
    workers.a.replicas.takeWrite().done(applied);
    expect(written).toEqual([applied]);
  });
});
