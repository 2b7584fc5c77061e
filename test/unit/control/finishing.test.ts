/** A controller that is told to end leaves no partition between two configurations. */
import { describe, expect, it } from '@jest/globals';
import { expectFull, expectIntact, primaries, settledCluster } from './expectations.js';
import type { FakeCluster } from './fake-cluster.js';

function isBetween(cluster: FakeCluster): boolean {
  return cluster.document?.partitions.some(({ attempt, epoch }) => attempt > epoch) === true;
}

function inTheMiddleOfMoves(): FakeCluster {
  const cluster = settledCluster({ partitionCount: 128 });
  cluster.wish('w1', 'restart');
  cluster.runUntil(() => isBetween(cluster), 10_000);
  expect(isBetween(cluster)).toBe(true);
  return cluster;
}

describe('a controller about to end', () => {
  it('ends what partitions wait for, and moves no more', () => {
    const cluster = inTheMiddleOfMoves();
    const controller = cluster.controllers.get('c1');
    expect(controller?.finish()).toBe(false);
    cluster.runUntil(() => controller?.finish() === true, 10_000);
    expect(isBetween(cluster)).toBe(false);
    const left = primaries(cluster, 'w1');
    expect(left).toBeGreaterThan(0);
    cluster.run(5_000);
    expect(primaries(cluster, 'w1')).toBe(left);
    expectIntact(cluster);
  });

  it('still fails over', () => {
    const cluster = inTheMiddleOfMoves();
    cluster.controllers.get('c1')?.finish();
    cluster.worker('w2').kill();
    cluster.run(5_000);
    expect(primaries(cluster, 'w2')).toBe(0);
    expectIntact(cluster);
  });

  it('is followed by one that goes on', () => {
    const cluster = inTheMiddleOfMoves();
    const controller = cluster.controllers.get('c1');
    cluster.runUntil(() => controller?.finish() === true, 10_000);
    cluster.stopController('c1');
    cluster.startController('c2');
    cluster.runUntil(() => primaries(cluster, 'w1') === 0, 20_000);
    expect(primaries(cluster, 'w1')).toBe(0);
    cluster.wish('w1', 'stay');
    expectFull(cluster);
    expectIntact(cluster);
  });
});
