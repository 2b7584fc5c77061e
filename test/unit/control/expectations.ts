/**
 * What tests of the controller expect of a cluster of fake workers.
 */
import { expect } from '@jest/globals';
import { FakeCluster } from './fake-cluster.js';

export function settledCluster(options: ConstructorParameters<typeof FakeCluster>[0] = {}): FakeCluster {
  const cluster = new FakeCluster(options);
  cluster.startController();
  expectFull(cluster);
  cluster.writeAll();
  return cluster;
}

export function isFull(cluster: FakeCluster): boolean {
  for (const controller of cluster.controllers.values()) {
    const { partitions } = controller.status();
    if (partitions.total > 0 && partitions.fullyReplicated === partitions.total && partitions.moving === 0)
      return true;
  }
  return false;
}

export function expectFull(cluster: FakeCluster, withinMs = 60_000): void {
  const took = cluster.runUntil(() => isFull(cluster), withinMs);
  if (took < 0) throw new Error(JSON.stringify([...cluster.controllers.values()].map((c) => c.status())));
}

export function expectIntact(cluster: FakeCluster): void {
  expect(cluster.lostWrites()).toEqual([]);
  expect(cluster.writeAll()).toBe(cluster.partitionCount);
  expect(cluster.stops).toEqual([]);
}

export function holders(cluster: FakeCluster, id: string): number {
  const partitions = cluster.document?.partitions ?? [];
  return partitions.filter((partition) => partition.voters.some((voter) => voter.id === id)).length;
}

export function primaries(cluster: FakeCluster, id: string): number {
  return cluster.document?.partitions.filter((partition) => partition.primary.id === id).length ?? 0;
}
