/**
 * The controller over a cluster of fake workers: from nothing to a first ring, and through everything that
 * can befall it.
 */
import { describe, expect, it } from '@jest/globals';
import { noPartitions } from '../../../core/control/cluster-status.js';
import { expectFull, expectIntact, holders, primaries, settledCluster } from './expectations.js';
import { FakeCluster } from './fake-cluster.js';

describe('first ring', () => {
  it('gives every partition a configuration that all its voters hold', () => {
    const cluster = settledCluster();
    expectIntact(cluster);
    for (const { epoch, voters } of cluster.document?.partitions ?? []) {
      expect(epoch).toBeGreaterThan(0);
      expect(voters).toHaveLength(3);
    }
    expect(cluster.controllers.get('c1')?.status().phase).toBe('fully replicated');
  });

  it('waits for a majority that suffices for the replication factor', () => {
    const cluster = new FakeCluster({ workers: 5 });
    for (const id of ['w2', 'w3', 'w4']) cluster.worker(id).alive = false;
    cluster.startController();
    cluster.run(8_000);
    expect(cluster.document).toBeNull();
    expect(cluster.controllers.get('c1')?.status().awaited).toContain('3 of 5 workers');
    cluster.worker('w2').start();
    expectFull(cluster);
  });

  it('is idle once it is made', () => {
    const cluster = settledCluster();
    cluster.run(3_000);
    const { swaps } = cluster;
    cluster.run(60_000);
    expect(cluster.swaps).toBe(swaps);
  });

  it('is made by one of two controllers that begin together', () => {
    const cluster = new FakeCluster();
    cluster.startController('c1');
    cluster.startController('c2');
    expectFull(cluster);
    cluster.run(5_000);
    expectIntact(cluster);
  });
});

describe('a worker that ends', () => {
  it('loses its primaries to others, and nothing is lost', () => {
    const cluster = settledCluster();
    cluster.worker('w1').kill();
    const served = () => primaries(cluster, 'w1') === 0;
    const took = cluster.runUntil(served, 10_000);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(1_100);
    cluster.run(200);
    expectIntact(cluster);
  });

  it('is replaced on the others after a while', () => {
    const cluster = settledCluster();
    cluster.worker('w1').kill();
    cluster.run(4_000);
    expect(holders(cluster, 'w1')).toBeGreaterThan(0);
    expectFull(cluster);
    expect(holders(cluster, 'w1')).toBe(0);
    expectIntact(cluster);
  });

  it('gets its share again when it comes back, and brings nothing stale with it', () => {
    const cluster = settledCluster();
    cluster.worker('w1').kill();
    cluster.run(1_000);
    expectFull(cluster);
    cluster.writeAll();
    cluster.worker('w1').start();
    cluster.run(2_000);
    expectFull(cluster, 120_000);
    cluster.run(20_000);
    expect(holders(cluster, 'w1')).toBeGreaterThan(8);
    expect(primaries(cluster, 'w1')).toBeGreaterThan(1);
    expectIntact(cluster);
  });

  it('that restarts at once leads again only under a new epoch', () => {
    const cluster = settledCluster();
    const before = structuredClone(cluster.document);
    const worker = cluster.worker('w2');
    worker.kill();
    worker.start();
    cluster.run(4_000);
    expectFull(cluster);
    cluster.document?.partitions.forEach((partition, index) => {
      const old = before?.partitions[index];
      if (old?.primary.id === 'w2') expect(partition.epoch).toBeGreaterThan(old.epoch);
      if (partition.primary.id === 'w2') expect(partition.primary.bootCount).toBe(worker.bootCount);
    });
    expectIntact(cluster);
  });

  it('without its disk is filled again at once, as a learner first', () => {
    const cluster = settledCluster({ limits: { replacementDelayMs: 600_000 } });
    const worker = cluster.worker('w2');
    worker.kill();
    worker.start({ wiped: true });
    cluster.run(2_000);
    expectFull(cluster);
    expect(holders(cluster, 'w2')).toBeGreaterThan(0);
    for (const { voters } of cluster.document?.partitions ?? []) {
      for (const voter of voters) expect(voter.storeId).toBe(cluster.worker(voter.id).storeId);
    }
    expectIntact(cluster);
  });
});

describe('more than a worker', () => {
  it('two of three: what has no quorum is said, and works again when one returns', () => {
    const cluster = settledCluster({ workers: 3, limits: { replacementDelayMs: 600_000 } });
    cluster.worker('w0').kill();
    cluster.worker('w1').kill();
    cluster.run(10_000);
    const status = cluster.controllers.get('c1')?.status();
    expect(status?.partitions.withoutQuorum).toBe(cluster.partitionCount);
    expect(status?.awaited).toContain('w0');
    cluster.worker('w0').start();
    cluster.run(6_000);
    expectIntact(cluster);
    cluster.worker('w1').start();
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('two of three without their disks: never served again from what is left', () => {
    const cluster = settledCluster({ workers: 3 });
    for (const id of ['w0', 'w1']) {
      cluster.worker(id).kill();
      cluster.worker(id).start({ wiped: true });
    }
    cluster.run(30_000);
    expect(cluster.writeAll()).toBe(0);
    expect(cluster.controllers.get('c1')?.status().partitions.withoutQuorum).toBe(cluster.partitionCount);
  });

  it('all at once, and back', () => {
    const cluster = settledCluster();
    for (const worker of cluster.workers.values()) worker.kill();
    cluster.run(2_000);
    for (const worker of cluster.workers.values()) worker.start();
    cluster.run(8_000);
    expectFull(cluster);
    expectIntact(cluster);
  });
});

describe('other replication factors', () => {
  it('two of two: a worker that lost its disk is filled again from the other', () => {
    const cluster = settledCluster({ replicationFactor: 2 });
    const worker = cluster.worker('w1');
    worker.kill();
    worker.start({ wiped: true });
    cluster.run(10_000);
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('two of two: a worker that stays away is replaced', () => {
    const cluster = settledCluster({ replicationFactor: 2 });
    cluster.worker('w1').kill();
    cluster.run(10_000);
    expectFull(cluster);
    expect(holders(cluster, 'w1')).toBe(0);
    expectIntact(cluster);
  });

  it.each([1, 4, 5])('%i voters: a restart and a drain', (replicationFactor) => {
    const cluster = settledCluster({ replicationFactor, workers: 6 });
    cluster.worker('w1').kill();
    cluster.worker('w1').start();
    cluster.run(5_000);
    cluster.wish('w2', 'remove');
    cluster.run(20_000);
    expectFull(cluster);
    expect(holders(cluster, 'w2')).toBe(0);
    expectIntact(cluster);
  });

  it('five voters: two workers away at once', () => {
    const cluster = settledCluster({ replicationFactor: 5, workers: 7 });
    cluster.worker('w1').kill();
    cluster.worker('w2').kill();
    cluster.run(3_000);
    expectIntact(cluster);
    cluster.run(5_000);
    expectFull(cluster, 120_000);
    expectIntact(cluster);
  });
});

describe('another replication factor is wished', () => {
  it.each([
    [3, 2],
    [2, 3],
    [3, 5],
  ])('%i, then %i', (before, after) => {
    const cluster = settledCluster({ replicationFactor: before, workers: 5 });
    cluster.stopController('c1');
    cluster.options.replicationFactor = after;
    cluster.startController('c2');
    const all = () => cluster.document?.partitions.every(({ voters }) => voters.length === after) ?? false;
    expect(cluster.runUntil(all, 120_000)).toBeGreaterThan(0);
    expectFull(cluster);
    expectIntact(cluster);
  });
});

describe('the count of what lacks a replica', () => {
  const counts = (cluster: FakeCluster) => {
    const { underReplicated, settling } = cluster.controllers.get('c1')?.status().partitions ?? noPartitions;
    return { underReplicated, settling };
  };

  it('does not rise by planned moves, after which nothing is missing', () => {
    const cluster = settledCluster();
    let settling = 0;
    cluster.wish('w2', 'remove');
    const gone = cluster.runUntil(() => {
      const seen = counts(cluster);
      settling = Math.max(settling, seen.settling);
      expect(seen.underReplicated - seen.settling).toBe(0);
      return holders(cluster, 'w2') === 0;
    }, 60_000);
    expect(gone).toBeGreaterThan(0);
    expect(settling).toBeGreaterThan(0);
  });

  it('rises with a loss, and falls when all is seen level again', () => {
    const cluster = settledCluster();
    cluster.worker('w2').kill();
    expect(cluster.runUntil(() => counts(cluster).underReplicated > 0, 5_000)).toBeGreaterThan(0);
    cluster.worker('w2').start();
    const level = cluster.runUntil(() => {
      expect(counts(cluster).settling).toBe(0);
      return counts(cluster).underReplicated === 0;
    }, 60_000);
    expect(level).toBeGreaterThan(0);
  });
});

describe('wishes', () => {
  it('a worker that shall restart hands its primaries over and keeps its replicas', () => {
    const cluster = settledCluster();
    const held = holders(cluster, 'w1');
    cluster.wish('w1', 'restart');
    cluster.run(5_000);
    expect(primaries(cluster, 'w1')).toBe(0);
    expect(holders(cluster, 'w1')).toBe(held);
    cluster.wish('w1', 'stay');
    cluster.run(10_000);
    expect(primaries(cluster, 'w1')).toBeGreaterThan(0);
    expectIntact(cluster);
  });

  it('a worker that is stopping hands its primaries over at once', () => {
    const cluster = settledCluster();
    cluster.worker('w1').leaving = true;
    expect(cluster.runUntil(() => primaries(cluster, 'w1') === 0, 3_000)).toBeGreaterThan(0);
    cluster.run(200);
    expectIntact(cluster);
  });

  it('a worker that shall go gives up everything, and is forgotten', () => {
    const cluster = settledCluster();
    cluster.wish('w1', 'remove');
    expect(cluster.runUntil(() => holders(cluster, 'w1') === 0, 60_000)).toBeGreaterThan(0);
    expect(cluster.document?.members.w1?.state).toBe('draining');
    cluster.wish('w1', 'gone');
    cluster.run(2_000);
    expect(cluster.document?.members.w1).toBeUndefined();
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('a worker is kept while the others are too few for the replication factor', () => {
    const cluster = settledCluster({ workers: 3 });
    cluster.wish('w1', 'remove');
    cluster.run(20_000);
    for (const { voters } of cluster.document?.partitions ?? []) expect(voters).toHaveLength(3);
    expectIntact(cluster);
  });

  it('a worker that joins takes its share, a few copies at a time', () => {
    const cluster = settledCluster();
    cluster.addWorker('w9');
    let copies = 0;
    for (let index = 0; index < 600; index += 1) {
      cluster.run(100);
      const learning = cluster.document?.partitions.filter((partition) => partition.learners.length > 0);
      copies = Math.max(copies, learning?.length ?? 0);
      cluster.writeAll();
    }
    expect(copies).toBe(cluster.limits.copiesMax);
    expectFull(cluster);
    expect(holders(cluster, 'w9')).toBeGreaterThan(7);
    expect(primaries(cluster, 'w9')).toBeGreaterThan(1);
    expectIntact(cluster);
  });

  it('a damaged table leads nothing until it is replaced', () => {
    const cluster = settledCluster();
    const partition = cluster.document?.partitions.findIndex(({ primary }) => primary.id === 'w1') ?? -1;
    cluster.worker('w1').damaged.add(partition);
    const primary = () => cluster.document?.partitions[partition]?.primary.id;
    expect(cluster.runUntil(() => primary() !== 'w1', 5_000)).toBeGreaterThan(0);
    expect(cluster.controllers.get('c1')?.status().partitions.underReplicated).toBe(1);
    cluster.worker('w1').damaged.clear();
    cluster.run(1_000);
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('a full disk leads nothing', () => {
    const cluster = settledCluster();
    cluster.worker('w1').diskFull = true;
    expect(cluster.runUntil(() => primaries(cluster, 'w1') === 0, 5_000)).toBeGreaterThan(0);
    cluster.worker('w1').diskFull = false;
    cluster.run(10_000);
    expect(primaries(cluster, 'w1')).toBeGreaterThan(0);
    expectIntact(cluster);
  });
});

describe('a network that is cut', () => {
  it('moves the primaries of a worker that reaches the controller but not its backups', () => {
    const cluster = settledCluster();
    for (const id of ['w0', 'w2', 'w3']) cluster.cut('w1', id);
    expect(cluster.runUntil(() => primaries(cluster, 'w1') === 0, 10_000)).toBeGreaterThan(0);
    cluster.run(500);
    expectIntact(cluster);
    cluster.heal();
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('keeps the primaries of a worker that only the controller does not reach, and speaks through others', () => {
    const cluster = settledCluster();
    const before = primaries(cluster, 'w1');
    cluster.cut('c1', 'w1');
    cluster.run(10_000);
    expect(primaries(cluster, 'w1')).toBe(before);
    cluster.worker('w2').kill();
    cluster.run(3_000);
    expectIntact(cluster);
  });

  it('finds a worker again that came back to its peers alone', () => {
    const cluster = settledCluster({ workers: 3, limits: { replacementDelayMs: 600_000 } });
    cluster.worker('w1').kill();
    cluster.run(3_000);
    cluster.cut('c1', 'w1');
    cluster.worker('w1').start();
    cluster.run(6_000);
    const workers = cluster.controllers.get('c1')?.status().workers ?? [];
    expect(workers.find(({ id }) => id === 'w1')?.state).toBe('ready');
    cluster.worker('w2').kill();
    cluster.run(3_000);
    expectIntact(cluster);
  });

  it('fails a worker over that nobody reaches', () => {
    const cluster = settledCluster();
    for (const id of ['w0', 'w2', 'w3', 'c1']) cluster.cut('w1', id);
    const took = cluster.runUntil(() => primaries(cluster, 'w1') === 0, 10_000);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(4_700);
    cluster.run(500);
    expectIntact(cluster);
    cluster.heal();
    expectFull(cluster);
  });
});
