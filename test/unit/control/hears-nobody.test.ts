/** Who hears nobody may be at fault itself: it does not fail over what is back in a moment. */
import { describe, expect, it } from '@jest/globals';
import { expectIntact, primaries, settledCluster } from './expectations.js';
import type { FakeCluster } from './fake-cluster.js';

describe('a controller that hears nobody for a while', () => {
  const ids = ['w0', 'w1', 'w2', 'w3'];

  /** Cut off until all count as lost; then those of `first` come back, and the others so much later. */
  function backInTurn(first: string[], laterMs: number): FakeCluster {
    const cluster = settledCluster();
    for (const id of ids) cluster.cut('c1', id);
    cluster.run(20_000);
    const status = cluster.controllers.get('c1')?.status();
    expect(status?.workers.map(({ state }) => state)).toEqual(ids.map(() => 'lost'));
    expect(status?.partitions.withoutQuorum).toBe(cluster.partitionCount);
    cluster.heal();
    for (const id of ids) if (!first.includes(id)) cluster.cut('c1', id);
    cluster.run(laterMs);
    return cluster;
  }

  const epochs = (cluster: FakeCluster) => cluster.document?.partitions.map(({ epoch }) => epoch);

  it('fails nothing over that is back soon after the first', () => {
    const before = epochs(settledCluster());
    const cluster = backInTurn(['w0', 'w1', 'w2'], 1_000);
    cluster.heal();
    cluster.run(10_000);
    expect(epochs(cluster)).toEqual(before);
    expectIntact(cluster);
  });

  it('fails over what does not come back', () => {
    const cluster = backInTurn(['w0', 'w1', 'w2'], 0);
    cluster.worker('w3').kill();
    const took = cluster.runUntil(() => primaries(cluster, 'w3') === 0, 10_000);
    expect(took).toBeGreaterThanOrEqual(0);
    expect(took).toBeLessThan(3_000);
    cluster.run(200);
    expectIntact(cluster);
  });
});
