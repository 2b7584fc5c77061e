/**
 * What makes the placement as wished, while all is served: copies to newcomers, votes for those that are
 * level, planned handovers. Nobody waits for it, and each change of the ring record costs the controller and
 * every worker something, so votes are gathered for a moment and given several at once.
 */
import type { RingRecord } from '../ring/ring-record.js';
import { planHandovers } from './plan-rebalance.js';
import { mayStart, planReplacements } from './plan-replacement.js';
import type { PlanView } from './plan-view.js';
import type { RecordChanges } from './record-changes.js';
import type { Order } from './reconfiguration-item.js';
import type { RetryMemory } from './retry-memory.js';

/** Votes given at once; so many are not waited for any longer. */
const replacementsMax = 8;
/** From one time to the next, if there are fewer. */
const gatherMs = 1_000;

interface Surroundings {
  /** Another change of this kind may begin. */
  isFreeFor(kind: Order['kind']): boolean;
  start(orders: readonly Order[], record: RingRecord, now: number): void;
}

export class Improvements {
  private replacedAt = -Infinity;

  constructor(
    private readonly retries: RetryMemory,
    private readonly changes: RecordChanges,
    private readonly around: Surroundings,
  ) {}

  /** In each pass of planning, after what is not served was seen to. */
  order(view: PlanView, record: RingRecord, now: number): void {
    const { retries, changes, around } = this;
    const isResting = (partition: number) =>
      retries.isResting('move', partition, now) || changes.isChanging(partition);
    const replacements = planReplacements(view, isResting, changes.count);
    for (const change of replacements.changes) changes.changeLearner(record, change);
    if (around.isFreeFor('move')) around.start(planHandovers(view, isResting), record, now);
    if (around.isFreeFor('replace')) {
      const startable = replacements.orders.filter((order) => mayStart(view, order));
      this.replace(startable.slice(0, replacementsMax), view, record, now);
    }
  }

  private replace(orders: readonly Order[], view: PlanView, record: RingRecord, now: number): void {
    if (orders.length === 0) return;
    if (orders.length < replacementsMax && now - this.replacedAt < gatherMs) {
      // Soon there is something to do, even if nothing happens.
      view.lastsMs('votes are gathered');
      return;
    }
    this.replacedAt = now;
    this.around.start(orders, record, now);
  }
}
