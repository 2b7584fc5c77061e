/**
 * The controller over a cluster of fake workers: from nothing to a first ring, and through everything that can befall it.
 */
import { describe, expect, it } from '@jest/globals';
import { FakeCluster } from './fake-cluster.js';

function settledCluster(options: ConstructorParameters<typeof FakeCluster>[0] = {}): FakeCluster {
  const cluster = new FakeCluster(options);
  cluster.startController();
  expect(cluster.runUntil(() => isFull(cluster), 10_000)).toBeGreaterThan(0);
  return cluster;
}

function isFull(cluster: FakeCluster, name = 'c1'): boolean {
  const status = cluster.controllers.get(name)?.status();
  return (
    status !== undefined &&
    status.partitions.total > 0 &&
    status.partitions.fullyReplicated === status.partitions.total &&
    status.partitions.moving === 0
  );
}

describe('first ring', () => {
  it('gives every partition a configuration that all its voters hold', () => {
    const cluster = settledCluster();
    expect(cluster.writeAll()).toBe(cluster.partitionCount);
    for (const { epoch, voters } of cluster.document?.partitions ?? []) {
      expect(epoch).toBeGreaterThan(0);
      expect(voters).toHaveLength(3);
    }
  });

  it('waits for a majority that suffices for the replication factor', () => {
    const cluster = new FakeCluster({ workers: 5 });
    for (const id of ['w2', 'w3', 'w4']) cluster.worker(id).alive = false;
    cluster.startController();
    cluster.run(8_000);
    expect(cluster.document).toBeNull();
    cluster.worker('w2').start();
    expect(cluster.runUntil(() => isFull(cluster), 10_000)).toBeGreaterThan(0);
  });

  it('is idle once it is made', () => {
    const cluster = settledCluster();
    cluster.run(3_000);
    const { swaps } = cluster;
    cluster.run(60_000);
    expect(cluster.swaps).toBe(swaps);
  });
});

describe('failover', () => {
  it('gives the partitions of a killed worker other primaries and loses nothing', () => {
    const cluster = settledCluster();
    cluster.writeAll();
    const victim = cluster.document?.partitions[0]?.primary.id ?? '';
    cluster.worker(victim).kill();
    const served = () => cluster.document?.partitions.every((p) => p.primary.id !== victim) ?? false;
    expect(cluster.runUntil(served, 10_000)).toBeGreaterThan(0);
    cluster.run(1_000);
    expect(cluster.writeAll()).toBe(cluster.partitionCount);
    expect(cluster.lostWrites()).toEqual([]);
  });
});
