import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
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

/** A primary that has told a controller of itself. */
function reporting(): ScriptedWorker {
  const a = new ScriptedWorker();
  a.serve(2);
  a.worker.controllerConnected('controller');
  a.pass(2 * defaultLimits.heartbeatMs);
  a.heartbeats.length = 0;
  return a;
}

/** What heartbeats said of b since the last call: whether it is level. */
function told(a: ScriptedWorker): boolean[] {
  const replicas = a.heartbeats.splice(0).flatMap(({ report }) => report.replicas);
  return replicas.flatMap(({ levels }) => levels.filter(({ id }) => id === 'b').map(({ level }) => level));
}

function leaveBehind(a: ScriptedWorker): void {
  for (let round = 1; round <= 5; round += 1) {
    for (let write = 0; write < 1_000; write += 1) a.write('key');
    a.settle();
    a.from('c', a.ackMessage(2, round * 1_000, round));
  }
}

describe('reports to the controller', () => {
  it('tell of a backup that falls far behind without a word, and when it comes close again, once each', () => {
    const a = reporting();
    leaveBehind(a);
    a.pass(2 * defaultLimits.heartbeatMs);
    expect(told(a)).toEqual([false]);
    a.from('b', a.ackMessage(2, 100, 6));
    a.pass(2 * defaultLimits.heartbeatMs);
    expect(told(a)).toEqual([]);
    a.from('b', a.ackMessage(2, 4_990, 7));
    a.pass(2 * defaultLimits.heartbeatMs);
    expect(told(a)).toEqual([true]);
  });

  it('tell the truth of a backup that was away for less than a tick, told of in between', () => {
    const a = reporting();
    const b = { id: 'b', storeId: 'store-b', bootCount: 1, runId: 'run' };
    a.worker.peerDisconnected('b');
    a.worker.controllerConnected('another');
    a.worker.peerConnected(b);
    a.from('b', a.ackMessage(2, a.replica.durable.lastSeq));
    a.pass(2 * defaultLimits.heartbeatMs);
    const seen = told(a);
    expect(seen[0]).toBe(false);
    expect(seen.at(-1)).toBe(true);
  });
});
