/**
 * The same end is reached whatever is interrupted: every swap of the document in turn conflicts, gets lost,
 * or is done without an answer; the controller is killed at every instant of a failover; two controllers do
 * it at once.
 */
import { describe, expect, it } from '@jest/globals';
import { expectFull, expectIntact, holders, primaries, settledCluster } from './expectations.js';
import { FakeCluster } from './fake-cluster.js';
import type { SwapFate } from './fake-cluster.js';

const small = { partitionCount: 4, workers: 4 };

/** First ring, a failover, a replacement, a drain: every kind of change of the document. */
function wholeStory(cluster: FakeCluster, controllers: string[]): void {
  for (const name of controllers) cluster.startController(name);
  cluster.run(8_000);
  cluster.writeAll();
  cluster.worker('w1').kill();
  cluster.run(3_000);
  cluster.writeAll();
  cluster.run(9_000);
  cluster.worker('w1').start();
  cluster.run(10_000);
  cluster.writeAll();
  cluster.wish('w2', 'remove');
  cluster.run(20_000);
}

function expectEnd(cluster: FakeCluster): void {
  expectFull(cluster);
  expect(holders(cluster, 'w2')).toBe(0);
  expectIntact(cluster);
}

function swapsOfTheStory(): number {
  const cluster = new FakeCluster(small);
  wholeStory(cluster, ['c1']);
  expectEnd(cluster);
  return cluster.swaps;
}

describe('every swap of the document in turn', () => {
  const swaps = swapsOfTheStory();

  it('is a story with many', () => expect(swaps).toBeGreaterThan(20));

  for (const fate of ['conflict', 'lost', 'doneUnanswered'] as SwapFate[]) {
    it(`may end as: ${fate}`, () => {
      for (let failing = 1; failing <= swaps; failing += 1) {
        const cluster = new FakeCluster(small);
        cluster.swapFate = (count) => (count === failing ? fate : 'normal');
        wholeStory(cluster, ['c1']);
        expectEnd(cluster);
      }
    }, 300_000);
  }

  it('may be answered later than it should, for good', () => {
    const cluster = settledCluster(small);
    cluster.swapAnswerMs = 3 * cluster.limits.casMs;
    cluster.worker('w1').kill();
    cluster.runUntil(() => primaries(cluster, 'w1') === 0, 20_000);
    expect(primaries(cluster, 'w1')).toBe(0);
    cluster.swapAnswerMs = 5;
    cluster.worker('w1').start();
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('may be answered too late every other time', () => {
    const cluster = settledCluster(small);
    cluster.swapFate = (count) => {
      cluster.swapAnswerMs = count % 2 === 0 ? 5 : 2 * cluster.limits.casMs;
      return 'normal';
    };
    cluster.worker('w1').kill();
    cluster.run(15_000);
    cluster.worker('w1').start();
    expectFull(cluster);
    cluster.wish('w2', 'remove');
    cluster.runUntil(() => holders(cluster, 'w2') === 0, 60_000);
    cluster.run(5_000);
    expectEnd(cluster);
  });

  it('may fail for a while', () => {
    const cluster = new FakeCluster(small);
    let failing = false;
    cluster.swapFate = () => (failing ? 'lost' : 'normal');
    cluster.startController();
    expectFull(cluster);
    cluster.writeAll();
    failing = true;
    cluster.worker('w1').kill();
    cluster.run(15_000);
    failing = false;
    cluster.run(10_000);
    expectFull(cluster);
    expectIntact(cluster);
  });
});

describe('a failover', () => {
  it('has the document to itself: planned changes begin after it', () => {
    const cluster = settledCluster({ partitionCount: 64 });
    const noted = (message: string, kind: string) =>
      cluster.notes.findIndex((note) => note.message === message && note.fields.kind === kind);
    cluster.notes.length = 0;
    cluster.worker('w1').kill();
    cluster.runUntil(() => noted('reconfiguration begins', 'failover') >= 0, 5_000);
    cluster.wish('w2', 'restart');
    cluster.runUntil(() => noted('reconfiguration begins', 'move') >= 0, 10_000);
    const done = noted('partitions reconfigured', 'failover');
    expect(done).toBeGreaterThan(0);
    expect(noted('reconfiguration begins', 'move')).toBeGreaterThan(done);
  });
});

describe('a controller that is killed', () => {
  it('at any instant of a failover is continued by the next', () => {
    for (let instant = 0; instant < 1_500; instant += 50) {
      const cluster = settledCluster(small);
      cluster.worker('w1').kill();
      cluster.run(instant);
      cluster.stopController('c1');
      cluster.run(300);
      cluster.startController('c2');
      cluster.run(9_000);
      expectFull(cluster);
      expectIntact(cluster);
    }
  }, 300_000);

  it('at any instant of a planned move is continued by the next', () => {
    for (let instant = 0; instant < 400; instant += 10) {
      const cluster = settledCluster(small);
      cluster.worker('w1').leaving = true;
      cluster.worker('w1').beat();
      cluster.run(instant);
      cluster.stopController('c1');
      cluster.writeAll();
      cluster.startController('c2');
      cluster.run(6_000);
      expectFull(cluster);
      expectIntact(cluster);
    }
  }, 300_000);

  it('leaves nothing for long that clients wait for: the next one finishes it at once', () => {
    let unfinished = 0;
    for (let instant = 0; instant < 400; instant += 10) {
      const cluster = settledCluster(small);
      cluster.worker('w1').leaving = true;
      cluster.worker('w1').beat();
      cluster.run(instant);
      cluster.stopController('c1');
      const open = () => cluster.document?.partitions.filter(({ epoch, attempt }) => attempt > epoch) ?? [];
      if (open().length === 0) continue;
      unfinished += 1;
      cluster.startController('c2');
      expect(cluster.runUntil(() => open().length === 0, 400)).toBeGreaterThan(0);
    }
    expect(unfinished).toBeGreaterThan(0);
  }, 300_000);

  it('is continued by the next on slow disks too, with no more than one further fence', () => {
    const cluster = settledCluster({ partitionCount: 16, workers: 4 });
    for (const worker of cluster.workers.values()) worker.syncMs = () => 700;
    cluster.worker('w1').leaving = true;
    cluster.worker('w1').beat();
    const open = () => cluster.document?.partitions.filter(({ epoch, attempt }) => attempt > epoch) ?? [];
    expect(cluster.runUntil(() => open().length > 0, 1_000)).toBeGreaterThan(0);
    cluster.stopController('c1');
    const before = cluster.document?.epochCounter ?? 0;
    const found = open().length;
    cluster.startController('c2');
    expect(cluster.runUntil(() => open().length < found, 2_500)).toBeGreaterThan(0);
    expect(cluster.document?.epochCounter).toBe(before + 1);
  });

  it('is missed by nobody while nothing happens', () => {
    const cluster = settledCluster();
    cluster.stopController();
    for (let second = 0; second < 60; second += 1) {
      cluster.run(1_000);
      expect(cluster.writeAll()).toBe(cluster.partitionCount);
    }
    cluster.startController('c2');
    cluster.run(3_000);
    expectFull(cluster);
    expectIntact(cluster);
  });
});

describe('a leader that is slow to bring its partitions level', () => {
  it('is not given up while one after the other becomes level', () => {
    const cluster = settledCluster({ partitionCount: 16, workers: 4 });
    for (const worker of cluster.workers.values()) {
      const turns = new Map<number, number>();
      worker.syncMs = (partition) => {
        if (!turns.has(partition)) turns.set(partition, turns.size + 1);
        return 300 * (turns.get(partition) ?? 0);
      };
    }
    cluster.worker('w1').leaving = true;
    cluster.worker('w1').beat();
    const led = () => cluster.document?.partitions.filter(({ primary }) => primary.id === 'w1').length;
    expect(led()).toBeGreaterThan(2);
    expect(cluster.runUntil(() => led() === 0, 12_000)).toBeGreaterThan(0);
    expect(cluster.notes.map(({ message }) => message)).not.toContain('reconfiguration failed');
    cluster.run(1_000);
    expectIntact(cluster);
  });
});

describe('two controllers at once', () => {
  it('come to the same end', () => {
    const cluster = new FakeCluster(small);
    wholeStory(cluster, ['c1', 'c2']);
    expectEnd(cluster);
  });

  it('of which one began before there was a ring', () => {
    const cluster = new FakeCluster(small);
    for (const id of ['w0', 'w1', 'w2', 'w3']) cluster.cut('c1', id);
    cluster.startController('c1');
    cluster.run(2_000);
    cluster.startController('c2');
    cluster.run(6_000);
    cluster.heal();
    cluster.stopController('c2');
    cluster.writeAll();
    cluster.worker('w1').kill();
    cluster.run(10_000);
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('come to rest', () => {
    const cluster = new FakeCluster({ workers: 5 });
    cluster.startController('c1');
    cluster.run(3_000);
    cluster.worker('w1').kill();
    cluster.run(1_000);
    cluster.startController('c2');
    cluster.run(10_000);
    cluster.worker('w1').start();
    cluster.addWorker('w9');
    cluster.run(180_000);
    const { swaps } = cluster;
    cluster.run(60_000);
    expect(cluster.swaps).toBe(swaps);
    expectFull(cluster);
  }, 300_000);

  it('of which one does not reach a worker that the other reaches', () => {
    const cluster = settledCluster(small);
    cluster.startController('c2');
    cluster.run(2_000);
    cluster.cut('c2', 'w1');
    cluster.cut('c2', 'w0');
    cluster.run(10_000);
    cluster.writeAll();
    cluster.worker('w3').kill();
    cluster.run(10_000);
    expectFull(cluster);
    expectIntact(cluster);
  });
});

describe('a document that is not what it was', () => {
  it('restored from an old copy: the controller stops and says so', () => {
    const cluster = settledCluster(small);
    const old = structuredClone(cluster.document);
    cluster.worker('w1').kill();
    cluster.run(4_000);
    cluster.stopController('c1');
    cluster.document = old;
    cluster.swaps = 0;
    const controller = cluster.startController('c2');
    cluster.run(10_000);
    expect(cluster.stops).toHaveLength(1);
    expect(controller.status().phase).toBe('stopped');
    expect(controller.status().awaited).toContain('restored from an old copy');
    expect(cluster.swaps).toBe(0);
  });

  it('restored from an old copy and then removed: it is rebuilt, and the controller goes on', () => {
    const cluster = settledCluster(small);
    const old = structuredClone(cluster.document);
    cluster.worker('w1').kill();
    cluster.run(4_000);
    cluster.stopController('c1');
    cluster.document = old;
    const controller = cluster.startController('c2');
    cluster.run(10_000);
    expect(controller.sight().halted).not.toBe('');
    expect(cluster.stops.splice(0)).toHaveLength(1);
    cluster.document = null;
    cluster.worker('w1').start();
    cluster.run(20_000);
    expect(controller.sight().halted).toBe('');
    cluster.worker('w2').kill();
    cluster.run(20_000);
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('restored from an old copy: nothing is built on it before a worker has told what it holds', () => {
    const cluster = settledCluster(small);
    for (const id of cluster.workers.keys()) cluster.worker(id).kill();
    cluster.stopController('c1');
    cluster.swaps = 0;
    cluster.startController('c2');
    cluster.wish('w1', 'remove');
    cluster.run(10_000);
    expect(cluster.swaps).toBe(0);
    for (const id of cluster.workers.keys()) cluster.worker(id).start();
    cluster.run(20_000);
    expect(cluster.swaps).toBeGreaterThan(0);
  });

  it('lost: the newest ring that the workers hold is adopted once all have answered', () => {
    const cluster = settledCluster(small);
    cluster.worker('w1').kill();
    cluster.run(4_000);
    const counter = cluster.document?.epochCounter ?? 0;
    cluster.stopController('c1');
    cluster.document = null;
    const controller = cluster.startController('c2');
    cluster.run(10_000);
    expect(cluster.document).toBeNull();
    expect(controller.status().awaited).toContain('w1');
    cluster.worker('w1').start();
    cluster.run(5_000);
    const adopted = cluster.document as unknown as { epochCounter: number };
    expect(adopted.epochCounter).toBeGreaterThanOrEqual(counter + 2 ** 32);
    cluster.run(10_000);
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('lost under a controller that has nothing to do: it is rebuilt all the same', () => {
    const cluster = settledCluster(small);
    cluster.document = null;
    cluster.run(30_000);
    expect(cluster.document).not.toBeNull();
    expectFull(cluster);
    expectIntact(cluster);
  });

  it('lost, with a volume that is gone too: it waits for a person', () => {
    const cluster = settledCluster(small);
    cluster.stopController('c1');
    cluster.document = null;
    cluster.worker('w1').kill();
    cluster.worker('w1').start({ wiped: true });
    const controller = cluster.startController('c2');
    cluster.run(20_000);
    expect(cluster.document).toBeNull();
    expect(controller.status().awaited).toContain('w1');
  });
});
