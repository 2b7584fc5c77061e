/**
 * What this controller remembers of its own attempts that failed: when to try again, whom to leave out, and
 * which unfinished attempts are its own to finish.
 */
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import type { Order, Settlement } from './reconfiguration-item.js';

type Lane = 'failover' | 'move';

interface Rest {
  failures: number;
  until: number;
}

const firstRestMs = { failover: 100, move: 1_000 } as const;
const longestRestMs = { failover: 5_000, move: 30_000 } as const;
const patienceMax = 8;
const graceMs = 1_500;
const graceSpreadMs = 1_000;

function laneOf(order: Order): Lane {
  return order.kind === 'first' || order.kind === 'failover' ? 'failover' : 'move';
}

export class RetryMemory {
  /**
   * How long another controller's attempt is left alone; differs between controllers, so that they do not
   * clash for ever.
   */
  readonly graceMs: number;
  private readonly rests = { failover: new Map<number, Rest>(), move: new Map<number, Rest>() };
  private readonly left = new Map<number, ReadonlySet<WorkerId>>();
  private readonly ownAttempts = new Map<number, number>();
  /** The last epoch that was allocated before this controller began; null until it has read that. */
  private inherited: number | null = null;
  /** Partitions that the one before left in the middle of an attempt. */
  private readonly inheritedOpen = new Set<number>();

  constructor(controllerId: string) {
    let hash = 7;
    for (let index = 0; index < controllerId.length; index += 1) {
      hash = (hash * 31 + controllerId.charCodeAt(index)) % 9_973;
    }
    this.graceMs = graceMs + (hash % graceSpreadMs);
  }

  isResting(lane: Lane, partition: number, now: number): boolean {
    return now < (this.rests[lane].get(partition)?.until ?? -Infinity);
  }

  /** Planned changes of this partition that failed in a row. */
  moveFailures(partition: number): number {
    return this.rests.move.get(partition)?.failures ?? 0;
  }

  /**
   * Machines may be slower than the limits assume: each failure doubles the time that the next try takes, up
   * to a bound.
   */
  patience(partition: number): number {
    const { failover, move } = this.rests;
    let failures = (failover.get(partition)?.failures ?? 0) + (move.get(partition)?.failures ?? 0);
    // How often the one before had tried is not known: once at least.
    if (this.inheritedOpen.has(partition)) failures += 1;
    return Math.min(patienceMax, 2 ** failures);
  }

  /**
   * What was left unfinished before this controller's time is its own to finish: it began because the one
   * before it had ended. If that one lives after all, it loses these attempts, and leaves the new ones alone
   * for a while.
   */
  inherit({ epochCounter, partitions }: RingRecord): void {
    if (this.inherited !== null) return;
    this.inherited = epochCounter;
    partitions.forEach(({ epoch, attempt }, partition) => {
      if (attempt > epoch) this.inheritedOpen.add(partition);
    });
  }

  isOwnAttempt(partition: number, attempt: number): boolean {
    return attempt <= (this.inherited ?? -1) || this.ownAttempts.get(partition) === attempt;
  }

  leftOut(partition: number): ReadonlySet<WorkerId> {
    return this.left.get(partition) ?? new Set();
  }

  settled(settlement: Settlement, now: number): void {
    const { order, done, achieved, epoch, failedLeader } = settlement;
    const { partition } = order;
    if (done) {
      this.inheritedOpen.delete(partition);
      this.rests.failover.delete(partition);
      this.left.delete(partition);
      this.ownAttempts.delete(partition);
    } else {
      if (epoch > 0) this.ownAttempts.set(partition, epoch);
      if (failedLeader === null) this.left.delete(partition);
      else this.left.set(partition, new Set([failedLeader]));
    }
    if (done && laneOf(order) === 'failover') return;
    if (achieved) this.rests.move.delete(partition);
    else this.rest(laneOf(order), partition, now);
  }

  private rest(lane: Lane, partition: number, now: number): void {
    const failures = (this.rests[lane].get(partition)?.failures ?? 0) + 1;
    const restMs = Math.min(longestRestMs[lane], firstRestMs[lane] * 2 ** (failures - 1));
    this.rests[lane].set(partition, { failures, until: now + restMs });
  }
}
