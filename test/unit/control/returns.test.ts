/** Who is said to be back: one that was away, not one that is new. */
import { describe, expect, it } from '@jest/globals';
import { settledCluster } from './expectations.js';
import type { FakeCluster } from './fake-cluster.js';

const awayMs = 3_000;

function saidToBeBack(cluster: FakeCluster): unknown[] {
  return cluster.notes.filter(({ message }) => message === 'worker back').map(({ fields }) => fields.worker);
}

describe('a worker that is heard of', () => {
  it('for the first time is new, however late it comes', () => {
    const cluster = settledCluster();
    const late = cluster.addWorker('w9');
    late.alive = false;
    cluster.run(awayMs);
    expect(cluster.controllers.get('c1')?.status().workers.at(-1)).toMatchObject({ id: 'w9', state: 'lost' });
    late.start();
    cluster.run(awayMs);
    expect(cluster.controllers.get('c1')?.status().workers.at(-1)).toMatchObject({
      id: 'w9',
      state: 'ready',
    });
    expect(saidToBeBack(cluster)).toEqual([]);
  });

  it.each([
    ['again', awayMs],
    ['after its replicas have gone to others', 60_000],
  ])('%s is back', (_when, ms) => {
    const cluster = settledCluster();
    cluster.worker('w1').kill();
    cluster.run(ms);
    cluster.worker('w1').start();
    cluster.run(awayMs);
    expect(saidToBeBack(cluster)).toEqual(['w1']);
  });

  it('is back also to a controller that began while it was away', () => {
    const cluster = settledCluster();
    cluster.worker('w1').kill();
    cluster.stopController();
    cluster.startController('c2');
    cluster.run(awayMs);
    cluster.worker('w1').start();
    cluster.run(awayMs);
    expect(saidToBeBack(cluster)).toEqual(['w1']);
  });
});
