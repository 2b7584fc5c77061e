import { describe, expect, it } from '@jest/globals';
import type { PartitionCounts } from '../../../core/control/cluster-status.js';
import { ClusterEvents } from '../../../operator/events/cluster-events.js';
import { EventLog } from '../../../operator/events/event-log.js';
import { ManualTimers } from '../../support/manual-timers.js';

function started() {
  const timers = new ManualTimers();
  const told: string[] = [];
  const counts = {
    total: 64,
    fullyReplicated: 64,
    underReplicated: 0,
    withoutQuorum: 0,
    moving: 0,
    settling: 0,
  };
  const known: { counts: PartitionCounts | null } = { counts };
  const events = new ClusterEvents(
    timers,
    { counts: () => known.counts, isMissed: () => known.counts !== null },
    (type, reason, text) => told.push(`${timers.now()} ${type} ${reason}: ${text}`),
  );
  return { timers, told, counts, known, events };
}

describe('events for people', () => {
  it('tell a failover of many partitions in one sentence, and when all is well again', () => {
    const { timers, told, counts, events } = started();
    counts.fullyReplicated = 32;
    events.note({ message: 'worker lost', fields: { worker: 'worker-2', evidence: 'connection refused' } });
    timers.advance(100);
    for (const [count, tookMs] of [
      [30, 300],
      [2, 331],
    ] as const) {
      const fields = { kind: 'failover', count, partitions: '', tookMs, epoch: 9 };
      events.note({ message: 'partitions reconfigured', fields });
    }
    timers.advance(10_000);
    counts.fullyReplicated = 64;
    timers.advance(2_000);
    expect(told).toEqual([
      '0 Warning WorkerLost: worker-2 is lost: connection refused',
      '1100 Warning Failover: Failover of 32 partitions in 331 ms',
      '12000 Normal FullyReplicated: All 64 partitions are fully replicated, after 12.0 s',
    ]);
    timers.advance(100_000);
    expect(told).toHaveLength(3);
    expect(timers.count).toBe(0);
  });

  it('tell long work in few sentences, without what differs in each', () => {
    const { timers, told, counts, events } = started();
    counts.fullyReplicated = 32;
    for (let partition = 0; partition < 8; partition += 1) {
      const fields = { partition, worker: 'worker-4', reason: `worker-2 is away for ${60 + partition} s` };
      events.note({ message: 'learner added', fields });
      timers.advance(1_000);
    }
    timers.advance(10_000);
    expect(told).toContain('10000 Normal CopyBegun: Copying 8 partitions to worker-4: worker-2 is away');
  });

  it('tell what led to the end before the end', () => {
    const { timers, told, events } = started();
    events.note({ message: 'worker lost', fields: { worker: 'w', evidence: 'no answer' } });
    const fields = { kind: 'replace', count: 1, partitions: '1', tookMs: 5 };
    events.note({ message: 'partitions reconfigured', fields });
    timers.advance(60_000);
    expect(told.map((line) => line.split(' ')[2])).toEqual([
      'WorkerLost:',
      'ReplicasReplaced:',
      'FullyReplicated:',
    ]);
  });

  it('count nobody as lost before there is a ring, and stop looking where nothing is known', () => {
    const { timers, told, known, events } = started();
    known.counts = null;
    events.note({ message: 'worker lost', fields: { worker: 'worker-1', evidence: 'no answer' } });
    events.note({ message: 'ring created', fields: {} });
    timers.advance(60_000);
    expect(told).toEqual(['0 Normal RingCreated: The ring was created']);
    expect(timers.count).toBe(0);
  });
});

describe('the log of events', () => {
  it('keeps the newest and numbers them on', () => {
    const timers = new ManualTimers();
    let changes = 0;
    const log = new EventLog(
      () => timers.wall(),
      () => (changes += 1),
    );
    for (let index = 1; index <= 500; index += 1) log.add('Normal', 'R', `event ${index}`);
    const all = log.all();
    expect(changes).toBe(500);
    expect(all).toHaveLength(200);
    expect(all[0]).toMatchObject({ id: 301, text: 'event 301', severity: 'info' });
    expect(all.at(-1)).toMatchObject({ id: 500 });
  });
});
