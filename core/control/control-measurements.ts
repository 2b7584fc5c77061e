/**
 * What a controller counts for people to look at. No decision is taken from any of it, and it may outlive one
 * controller machine, to go on with the next.
 */
import { Distribution, durationBuckets } from '../distribution.js';
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import type { Order, OrderKind, Settlement } from './reconfiguration-item.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export const orderKinds = ['first', 'failover', 'move', 'replace'] as const satisfies readonly OrderKind[];
const runsMax = 1_024;
const msPerSecond = 1_000;

interface EndedRun {
  storeId: string;
  bootCount: number;
  at: number;
}

export class ControlMeasurements {
  /** From the last sign of life of the primary. */
  readonly failover = new Distribution(durationBuckets);
  /** From the order. */
  readonly reconfiguration = perKind(() => new Distribution(durationBuckets));
  readonly done = perKind(() => 0);
  readonly failed = perKind(() => 0);
  missingPlaced = 0;
  misplacedPlaced = 0;
  suspected = 0;
  lost = 0;
  /** The last run of each worker whose stream broke, and when it did. */
  private readonly ended = new Map<WorkerId, EndedRun>();
  /** Since when partitions that wait for a failover have had no primary. */
  private readonly downSince = new Map<number, number>();

  streamEnded({ id, storeId, bootCount }: WorkerFacts, now: number): void {
    if (this.ended.size >= runsMax) this.ended.clear();
    this.ended.set(id, { storeId, bootCount, at: now });
  }

  /** `record`: the ring in which they are to be reconfigured. */
  ordered(orders: readonly Order[], record: RingRecord, workers: WorkerDirectory, now: number): void {
    for (const { kind, partition } of orders) {
      const primary = record.partitions[partition]?.primary;
      if (kind !== 'failover' || primary === undefined || this.downSince.has(partition)) continue;
      const run = this.ended.get(primary.id);
      const sameRun = run?.storeId === primary.storeId && run.bootCount === primary.bootCount;
      const facts = workers.get(primary.id);
      const heardAt = facts === undefined || facts.liveness === 'alive' ? now : facts.heardAt;
      this.downSince.set(partition, sameRun ? Math.min(run.at, heardAt) : heardAt);
    }
  }

  settled({ order, done, tookMs }: Settlement, now: number): void {
    const { kind, partition, replacement, reason } = order;
    const counts = done ? this.done : this.failed;
    counts[kind] += 1;
    if (!done) return;
    this.reconfiguration[kind].record(tookMs / msPerSecond);
    const since = this.downSince.get(partition);
    if (since !== undefined) this.failover.record((now - since) / msPerSecond);
    this.downSince.delete(partition);
    if ((replacement?.joining ?? null) === null) return;
    if (reason === 'placement') this.misplacedPlaced += 1;
    else this.missingPlaced += 1;
  }
}

function perKind<T>(make: () => T): Record<OrderKind, T> {
  return { first: make(), failover: make(), move: make(), replace: make() };
}
