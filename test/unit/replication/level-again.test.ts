import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { replicaReport } from '../../../core/replication/heartbeat.js';
import { ScriptedWorker } from './harness.js';

function written(count: number): ScriptedWorker {
  const a = new ScriptedWorker();
  a.serve(2);
  for (let seq = 1; seq <= count; seq += 1) a.write(`key${seq}`);
  a.settle();
  a.from('b', a.ackMessage(2, count, 5));
  a.settle();
  a.sent.length = 0;
  return a;
}

describe('a backup that lost what it had acknowledged in the epoch', () => {
  it('is synced again only when it holds as much, and counts for nothing until then', () => {
    const a = written(3);
    a.from('b', a.reportMessage(2, {}));
    a.settle();
    const parts = a.take('b', 'sync');
    expect(parts.flatMap(({ entries }) => entries)).toHaveLength(3);
    const progress = a.replica.leader?.peers.get('b');
    expect(progress).toMatchObject({ synced: false, matchSeq: 0 });
    a.from('b', a.ackMessage(2, 3));
    expect(progress).toMatchObject({ synced: true, matchSeq: 3, state: 'level' });
  });

  it('is not taken for a disk that forgot when it asks for what follows', () => {
    const a = written(3);
    a.from('b', a.reportMessage(2, {}), a.ackMessage(2, 3));
    const refusal = { type: 'refusal', partition: 0, epoch: 2, promisedEpoch: 2 } as const;
    a.from('b', { ...refusal, round: 99, reason: 'gap', lastSeq: 3 });
    expect(a.replica.leader?.peers.get('b')?.state).toBe('level');
    expect(a.take('b', 'forgot')).toEqual([]);
  });
});

describe('reports to the controller', () => {
  it('tell anew when a backup that was far behind comes close', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    a.replica.lastSeq = 5_000;
    a.from('b', a.ackMessage(2, 10, 5));
    const before = a.replica.reportVersion;
    a.from('b', a.ackMessage(2, 100, 6));
    expect(a.replica.reportVersion).toBe(before);
    a.from('b', a.ackMessage(2, 4_990, 7));
    expect(a.replica.reportVersion).toBeGreaterThan(before);
  });

  it('tell of a backup that falls far behind and says nothing', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    const levelOf = (id: string) => replicaReport(a.replica).levels.find((found) => found.id === id)?.level;
    for (let round = 1; round <= 5; round += 1) {
      for (let write = 0; write < 1_000; write += 1) a.write('key');
      a.settle();
      a.from('c', a.ackMessage(2, round * 1_000, round));
    }
    const before = a.replica.reportVersion;
    expect([levelOf('b'), levelOf('c')]).toEqual([false, true]);
    a.pass(defaultLimits.tickMs);
    const after = a.replica.reportVersion;
    expect(after).toBeGreaterThan(before);
    a.pass(defaultLimits.tickMs);
    expect(a.replica.reportVersion).toBe(after);
  });
});
