import { describe, expect, it } from '@jest/globals';
import { acksOf } from '../../../core/replication/apply.js';
import { PeerMemory, rememberedStoresMax } from '../../../core/replication/peer-memory.js';
import { ScriptedWorker, voters } from './harness.js';

function run(storeId: string, bootCount: number) {
  return { id: 'b', storeId, bootCount, runId: `${storeId} ${bootCount}` };
}

describe('a worker that comes back with a store of before', () => {
  it('is told from one that came back with a new store, and not believed if it is older', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    a.worker.peerConnected(run('store-b', 5));
    a.worker.peerConnected(run('fresh', 1));
    a.sent.length = 0;
    a.worker.peerConnected(run('store-b', 4));
    const remembered = { type: 'remembered', storeId: 'store-b', bootCount: 5, runId: 'store-b 5' };
    expect(a.take('b', 'remembered')).toEqual([remembered]);
    const outcome = a.write('key');
    a.settle();
    a.from('b', a.ackMessage(2, 1, 99));
    a.settle();
    expect(outcome).toEqual([]);
  });

  it('is believed if it is newer than any run of that store', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    a.worker.peerConnected(run('fresh', 9));
    a.worker.peerConnected(run('store-b', 5));
    const outcome = a.write('key');
    a.settle();
    a.from('b', a.ackMessage(2, 1, 99));
    a.settle();
    expect(outcome).toMatchObject([{ type: 'applied' }]);
  });
});

describe('what was acknowledged', () => {
  it('is remembered of each store of a worker by itself', () => {
    const a = new ScriptedWorker();
    a.serve(2);
    a.write('key');
    a.settle();
    a.from('b', a.ackMessage(2, 1, 5));
    a.fence(3);
    a.worker.peerConnected(run('fresh', 1));
    const renewed = voters.map((voter) => (voter.id === 'b' ? { id: 'b', storeId: 'fresh' } : voter));
    a.worker.controllerRequest('controller', {
      type: 'lead',
      requestId: 3,
      epoch: 3,
      storeId: 'store-a',
      items: [{ partition: 0, syncedEpoch: 2, lastSeq: 1, voters: renewed }],
    });
    a.settle();
    a.from('b', a.ackMessage(3, 1, 5));
    const ofB = acksOf(a.replica).filter(({ id }) => id === 'b');
    expect(ofB).toEqual([
      { id: 'b', storeId: 'store-b', epoch: 2, seq: 1 },
      { id: 'b', storeId: 'fresh', epoch: 3, seq: 1 },
    ]);
  });
});

describe('the memory of peers', () => {
  it('keeps a few stores of each worker, the ones seen last', () => {
    const memory = new PeerMemory();
    for (let index = 0; index < rememberedStoresMax + 2; index += 1) memory.remember(run(`s${index}`, 1));
    memory.remember(run('s2', 2));
    expect(memory.all().map(({ storeId }) => storeId)).toEqual(['s3', 's4', 's5', 's2']);
    expect(memory.of('b', 's2')?.bootCount).toBe(2);
    expect(memory.of('b', 's0')).toBeUndefined();
    expect(memory.latest('b')?.storeId).toBe('s2');
    expect(memory.latest('c')).toBeUndefined();
  });
});
