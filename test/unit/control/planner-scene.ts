/**
 * One partition and the workers around it, as the planners see them; a test says what is different.
 */
import type { FailoverMemory } from '../../../core/control/plan-failover.js';
import type { PlanView } from '../../../core/control/plan-view.js';
import { heard, WorkerDirectory } from '../../../core/control/worker-facts.js';
import type { WorkerFacts } from '../../../core/control/worker-facts.js';
import { defaultLimits } from '../../../core/limits.js';
import type { ReplicaReport } from '../../../core/protocol/control-message.js';
import type { PartitionRecord, RingRecord } from '../../../core/ring/ring-record.js';

const now = 1_000_000;
const epoch = 5;

/** One partition of a, b, c with primary a, all level; d has room. `change` makes it another story. */
export class Scene {
  readonly workers = new WorkerDirectory();
  readonly partition: PartitionRecord = {
    epoch,
    attempt: epoch,
    primary: { id: 'a', storeId: 'sa', bootCount: 1 },
    voters: ['a', 'b', 'c'].map((id) => ({ id, storeId: `s${id}` })),
    learners: [],
  };
  wished = { voters: ['a', 'b', 'c'], primary: 'a' };
  lasts = Infinity;
  unsettled = false;
  ownAttempt = 0;
  publishedVersion = 0;

  constructor(change: (scene: Scene) => void = () => undefined) {
    const port = { host: 'h', peerPort: 1, clientPort: 2, zone: 'z', ready: null, wish: 'stay' } as const;
    this.workers.expect(
      ['a', 'b', 'c', 'd'].map((id) => ({ id, ...port })),
      now,
    );
    for (const facts of this.workers.all()) {
      Object.assign(facts, { storeId: `s${facts.id}`, bootCount: 1, connected: true, complete: true });
      heard(facts, null, now);
      facts.peersAt = now;
      if (facts.id !== 'd') facts.replicas.set(0, report(facts.id === 'a'));
    }
    change(this);
  }

  facts(id: string): WorkerFacts {
    const facts = this.workers.get(id);
    if (facts === undefined) throw new Error(`no ${id}`);
    return facts;
  }

  dead(id: string, sinceMs: number): void {
    Object.assign(this.facts(id), {
      liveness: 'dead',
      lostBy: 'silence',
      deadAt: now - sinceMs,
      replicas: new Map(),
    });
  }

  wiped(id: string): void {
    Object.assign(this.facts(id), { storeId: `new-${id}`, replicas: new Map() });
  }

  learner(id: string, storeId: string, level: boolean): void {
    this.partition.learners.push({ id, storeId });
    this.facts('a').replicas.get(0)?.levels.push({ id, storeId, level, lag: 0 });
  }

  cut(id: string, ...others: string[]): void {
    for (const other of others) {
      this.facts(id).peers.set(other, { connected: false, since: 0 });
      this.facts(other).peers.set(id, { connected: false, since: 0 });
    }
  }

  hears(id: string, other: string): void {
    this.facts(id).peers.set(other, { connected: true, since: 0 });
  }

  view(): PlanView {
    const record: RingRecord = {
      formatVersion: 1,
      clusterId: 'cluster',
      version: 9,
      epochCounter: 20,
      partitionCount: 1,
      replicationFactor: 3,
      members: {},
      partitions: [this.partition],
    };
    return {
      now,
      limits: defaultLimits,
      record,
      workers: this.workers,
      wished: [this.wished],
      unsettled: this.unsettled,
      moveFailures: () => 0,
      isBusy: () => false,
      isSettling: () => false,
      lastsMs: () => this.lasts,
    };
  }

  memory(): FailoverMemory {
    return {
      isOwnAttempt: (_partition, attempt) => attempt === this.ownAttempt,
      isResting: () => false,
      leftOut: () => new Set(),
      graceMs: 2_000,
      publishedVersion: this.publishedVersion,
    };
  }
}

export function report(serving: boolean): ReplicaReport {
  const levels = ['b', 'c'].map((id) => ({ id, storeId: `s${id}`, level: true, lag: 0 }));
  return {
    partition: 0,
    promisedEpoch: epoch,
    syncedEpoch: epoch,
    lastSeq: 10,
    commitSeq: 10,
    appliedSeq: 10,
    serving,
    levels: serving ? levels : [],
    damaged: false,
    copying: false,
  };
}
