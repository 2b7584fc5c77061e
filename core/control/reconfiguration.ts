/**
 * The one procedure for failover, planned move and replacing a voter, for a batch of partitions at once:
 * hold (if the primary lives), allocate an epoch, fence, choose, sync, commit. What can be interrupted is:
 * the old configuration stands until the last step, and what is left behind is finished under a higher epoch.
 */
import type { ControlRequest, WorkerReportOf } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import type { Identity, RingRecord, WorkerId } from '../ring/ring-record.js';
import { fenceQuorum, hasIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import { chooseLeader, countedAnswers } from './choice.js';
import { isAsOrdered, mayCommit, withAllocation, withCommits } from './configuration-change.js';
import type { FenceAnswer } from './choice.js';
import { fenceRequests, holdRequests, leadRequests } from './reconfiguration-request.js';
import type { Addressed } from './reconfiguration-request.js';
import type { Item, Order, Settlement } from './reconfiguration-item.js';
import { isSettled, isSynced, newItem, nextVoters, progressed } from './reconfiguration-item.js';
import type { ChangeOutcome, RingDocument } from './ring-document.js';

/** What a reconfiguration needs of the controller around it. */
export interface Surroundings {
  limits: Limits;
  document: RingDocument;
  /** By the direct stream or through another worker. */
  send(worker: WorkerId, request: ControlRequest): void;
  /** Alive under this identity, as far as is known. */
  present(identity: Identity): boolean;
  /** The boot count that the worker reported last. */
  bootCountOf(worker: WorkerId): number;
  /** By how much the deadlines of this partition's steps are stretched, after tries that were too slow. */
  patience(partition: number): number;
  nextRequestId(): number;
  settled(settlement: Settlement, now: number): void;
  committed(now: number): void;
}

const resendMs = 200;
const allocationsMax = 4;

export class Reconfiguration {
  readonly items = new Map<number, Item>();
  private epoch = 0;
  private fenceId = 0;
  private leadId = 0;
  private holdId = 0;
  readonly startedAt: number;
  private heldSince: number | null = null;
  private allocations = 0;
  private allocating = false;
  private fencesSentAt = -Infinity;
  private leadsSentAt = -Infinity;
  private leadDue = false;
  private commitAt: number | null = null;

  constructor(
    orders: readonly Order[],
    record: RingRecord,
    private readonly around: Surroundings,
    now: number,
  ) {
    this.startedAt = now;
    for (const order of orders) {
      const base = record.partitions[order.partition];
      if (base !== undefined) this.items.set(order.partition, newItem(order, base));
    }
    this.startHolding(now);
  }

  get kind(): Order['kind'] | null {
    return this.list()[0]?.order.kind ?? null;
  }

  isAtWorkOn(partition: number): boolean {
    const item = this.items.get(partition);
    return item !== undefined && !isSettled(item);
  }

  get finished(): boolean {
    return this.list().every(isSettled);
  }

  tick(now: number): void {
    this.giveUpHolding(now);
    this.allocate();
    this.chooseReady(now);
    this.giveUpLate(now);
    this.sendFences(now);
    this.sendLeads(now);
    this.commitReady(now);
  }

  /** Drops everything: the document is gone, or not to be trusted. */
  abandon(reason: string, now: number): void {
    for (const item of this.list()) this.fail(item, reason, now);
  }

  private startHolding(now: number): void {
    const items = this.inState('holding');
    this.holdId = this.around.nextRequestId();
    for (const item of items) item.deadline = now + this.around.limits.holdMs + resendMs;
    this.sendAll(holdRequests(items, this.holdId));
  }

  held(worker: WorkerId, report: WorkerReportOf<'held'>, now: number): void {
    if (report.requestId !== this.holdId) return;
    for (const answer of report.items) {
      const item = this.items.get(answer.partition);
      if (item?.state !== 'holding' || item.base.primary.id !== worker) continue;
      if (answer.epoch !== item.base.epoch) continue;
      if (answer.refused === '') {
        item.state = 'allocating';
        this.heldSince ??= now;
      } else this.fail(item, `the primary did not hold: ${answer.refused}`, now);
    }
    this.tick(now);
  }

  /** What is held does not wait long for the rest: clients wait for it. */
  private giveUpHolding(now: number): void {
    const late = this.heldSince !== null && now - this.heldSince >= this.around.limits.commitReadyMs;
    for (const item of this.inState('holding')) {
      if (late || now >= item.deadline) this.fail(item, 'the primary did not hold in time', now);
    }
  }

  /** One epoch for all that wait; those that still hold are waited for: one fence serves the batch. */
  private allocate(): void {
    if (this.allocating || this.inState('holding').length > 0) return;
    const items = this.inState('allocating');
    if (items.length === 0) return;
    this.allocating = true;
    let tried = 0;
    this.around.document.queue({
      allocates: true,
      apply: (record) => {
        tried = record.epochCounter + 1;
        return withAllocation(record, items, tried);
      },
      done: (outcome, record, now) => this.allocated(outcome, tried, record, now),
    });
  }

  private allocated(outcome: ChangeOutcome, epoch: number, record: RingRecord, now: number): void {
    this.allocating = false;
    this.allocations += 1;
    for (const item of this.inState('allocating')) {
      const current = record.partitions[item.order.partition];
      if (current === undefined || !isAsOrdered(item, current)) {
        this.fail(item, 'another controller changed the partition', now);
      } else if (outcome === 'swapped') {
        item.base = current;
        item.state = 'fencing';
        item.deadline = now + this.stretched(item, this.around.limits.fenceMs);
      } else if (outcome === 'void' || this.allocations >= allocationsMax) {
        this.fail(item, 'no epoch could be allocated', now);
      }
    }
    if (outcome === 'swapped') {
      this.epoch = epoch;
      this.fenceId = this.around.nextRequestId();
    }
    this.tick(now);
  }

  private sendFences(now: number): void {
    const items = this.inState('fencing');
    const { record } = this.around.document;
    if (items.length === 0 || record === null || now - this.fencesSentAt < resendMs) return;
    this.fencesSentAt = now;
    // The newest document's version: each partition's record is the same in it, or the commit will fail.
    const { fenceId: requestId, epoch } = this;
    this.sendAll(fenceRequests(items, { requestId, ringVersion: record.version, epoch }));
  }

  fenced(worker: WorkerId, report: WorkerReportOf<'fenced'>, now: number): void {
    if (report.epoch !== this.epoch || report.requestId !== this.fenceId) return;
    if (report.refused !== '') {
      this.around.document.reload(now);
      return;
    }
    const { storeId, bootCount, runId, peerRuns } = report;
    for (const { partition, ...position } of report.items) {
      const item = this.items.get(partition);
      if (item?.state !== 'fencing') continue;
      item.answers.set(worker, { id: worker, storeId, bootCount, runId, peerRuns, ...position });
    }
    for (const item of this.inState('fencing')) item.answered.add(worker);
    this.tick(now);
  }

  /** Chooses where every voter that can be expected has answered, or a quorum has and the rest is late. */
  private chooseReady(now: number): void {
    for (const item of this.inState('fencing')) {
      const answers = [...item.answers.values()];
      const facts = { epoch: this.epoch, record: item.base, answers, ...item.order };
      const counted = countedAnswers(facts);
      if (counted.length >= fenceQuorum(item.base.voters.length)) item.quorumAt ??= now;
      const missing = item.base.voters.filter((voter) => !item.answered.has(voter.id));
      const late = this.isLate(item, now);
      const complete = missing.every((voter) => !this.around.present(voter));
      const hasty = !holds('fence-before-choice') && answers.length > 0;
      if (late || hasty || (complete && item.quorumAt !== null) || missing.length === 0) {
        this.choose(item, facts, now);
      }
    }
  }

  /** A planned change waits longer for the one that it is planned for, as that one is there. */
  private isLate(item: Item, now: number): boolean {
    const { quorumAt, order, base, answered } = item;
    if (quorumAt === null || now - quorumAt < this.around.limits.commitReadyMs) return false;
    const wished = base.voters.find((voter) => voter.id === order.preferred[0]);
    const planned = order.kind === 'move' || order.kind === 'replace';
    return !planned || wished === undefined || answered.has(wished.id) || !this.around.present(wished);
  }

  private choose(item: Item, facts: Parameters<typeof chooseLeader>[0], now: number): void {
    const choice = chooseLeader(facts);
    if (choice.type === 'noQuorum') {
      const { present, needed, absences } = choice;
      this.fail(item, `${present} of ${needed} stores that must answer did (${absences})`, now);
    } else if (choice.type === 'forgotten') {
      const { commitSeq, lastSeq } = choice;
      this.fail(
        item,
        `committed up to ${commitSeq}, but no store that answered holds more than ${lastSeq}`,
        now,
      );
    } else {
      this.startSync(item, choice.answer, now);
    }
  }

  private startSync(item: Item, chosen: FenceAnswer, now: number): void {
    item.chosen = chosen;
    item.voters = nextVoters(item, chosen);
    item.leaderBootCount = chosen.bootCount;
    item.state = holds('sync-before-commit') ? 'syncing' : 'ready';
    this.giveTime(item, now);
    this.leadDue = true;
  }

  /** Sent again now and then: an order that arrives twice is answered with how far it has come. */
  private sendLeads(now: number): void {
    if (!this.leadDue && now - this.leadsSentAt < resendMs) return;
    const items = [...this.inState('syncing'), ...this.inState('ready')];
    if (items.length === 0) return;
    this.leadDue = false;
    this.leadsSentAt = now;
    if (this.leadId === 0) this.leadId = this.around.nextRequestId();
    this.sendAll(leadRequests(items, { requestId: this.leadId, epoch: this.epoch }));
  }

  leading(worker: WorkerId, report: WorkerReportOf<'leading'>, now: number): void {
    if (report.epoch !== this.epoch) return;
    for (const answer of report.items) {
      const item = this.items.get(answer.partition);
      if (item?.state !== 'syncing' || item.chosen?.id !== worker) continue;
      if (item.chosen.storeId !== report.storeId || report.bootCount < item.leaderBootCount) continue;
      if (answer.refused !== '') {
        this.fail(item, `the chosen replica does not lead: ${answer.refused}`, now);
        continue;
      }
      if (report.bootCount > item.leaderBootCount) {
        item.leaderBootCount = report.bootCount;
        item.synced = [];
        item.progress = 0;
      }
      this.noteProgress(item, answer, now);
    }
    this.tick(now);
  }

  private noteProgress(item: Item, answer: WorkerReportOf<'leading'>['items'][number], now: number): void {
    const syncedBefore = item.synced.length;
    if (progressed(item, answer)) this.giveTime(item, now);
    if (item.synced.length > syncedBefore) this.giveTimeToOthersOf(item, now);
    if (isSynced(item)) {
      item.state = 'ready';
      this.commitAt ??= now + this.around.limits.commitReadyMs;
    }
  }

  private giveTime(item: Item, now: number): void {
    item.deadline = now + this.stretched(item, this.around.limits.syncProgressMs);
  }

  /** A leader brings its partitions level one after the other, as its disk and those of its peers allow. */
  private giveTimeToOthersOf({ chosen }: Item, now: number): void {
    for (const other of this.inState('syncing')) {
      if (other.chosen?.id === chosen?.id) this.giveTime(other, now);
    }
  }

  private giveUpLate(now: number): void {
    for (const item of this.inState('fencing')) {
      if (now < item.deadline) continue;
      const answers = [...item.answers.values()];
      this.choose(item, { epoch: this.epoch, record: item.base, answers, ...item.order }, now);
    }
    for (const item of this.inState('syncing')) {
      const gone = item.chosen !== null && !this.around.present(item.chosen);
      if (now >= item.deadline || gone) this.fail(item, 'the chosen replica brought no majority level', now);
    }
  }

  /** Commits what is ready: at once if that is all, else after a while without the rest. */
  private commitReady(now: number): void {
    const ready = this.inState('ready');
    if (ready.length === 0 || this.inState('committing').length > 0) return;
    const open = this.list().filter((item) => !isSettled(item));
    this.commitAt ??= now + this.around.limits.commitReadyMs;
    if (ready.length < open.length && now < this.commitAt) return;
    this.commitAt = null;
    for (const item of ready) item.state = 'committing';
    this.queueCommit(ready);
  }

  private queueCommit(items: Item[]): void {
    this.around.document.queue({
      apply: (record) => withCommits(record, items, this.epoch, this.around),
      done: (outcome, record, now) => this.committed(outcome, items, record, now),
    });
  }

  private committed(outcome: ChangeOutcome, items: readonly Item[], record: RingRecord, now: number): void {
    const again: Item[] = [];
    for (const item of items) {
      const current = record.partitions[item.order.partition];
      if (item.state !== 'committing' || current === undefined) continue;
      if (current.epoch === this.epoch) this.finish(item, now);
      else if (outcome !== 'void' && mayCommit(item, current, this.epoch)) again.push(item);
      else this.fail(item, 'another controller changed the partition', now);
    }
    if (again.length > 0) this.queueCommit(again);
    if (outcome !== 'void') this.around.committed(now);
    this.tick(now);
  }

  private finish(item: Item, now: number): void {
    item.state = 'done';
    const { order, chosen, voters } = item;
    const joining = order.replacement?.joining ?? null;
    const planned = order.kind === 'move' || order.kind === 'replace';
    const missed = planned && chosen?.id !== order.preferred[0];
    const achieved = !missed && (joining === null || hasIdentity(voters, joining));
    const tookMs = now - this.startedAt;
    const { epoch } = this;
    this.around.settled({ order, done: true, achieved, reason: '', failedLeader: null, tookMs, epoch }, now);
  }

  private fail(item: Item, reason: string, now: number): void {
    if (isSettled(item) || this.choosesAgain(item, now)) return;
    const failedLeader = item.state === 'syncing' ? (item.chosen?.id ?? null) : null;
    item.state = 'failed';
    item.reason = reason;
    if (item.order.holdFor !== null) {
      const items = [{ partition: item.order.partition, epoch: item.base.epoch }];
      this.around.send(item.base.primary.id, { type: 'release', items });
    }
    const tookMs = now - this.startedAt;
    const { epoch } = this;
    this.around.settled(
      { order: item.order, done: false, achieved: false, reason, failedLeader, tookMs, epoch },
      now,
    );
  }

  /** Only with its rule broken: the epoch serves for another choice. */
  private choosesAgain(item: Item, now: number): boolean {
    if (holds('one-epoch-one-choice') || item.state !== 'syncing' || item.chosen === null) return false;
    const leftOut = new Set([...item.order.leftOut, item.chosen.id]);
    if (leftOut.size > 1) return false;
    item.order = { ...item.order, leftOut };
    Object.assign(item, { state: 'fencing', chosen: null, synced: [], progress: 0 });
    item.deadline = now + this.stretched(item, this.around.limits.fenceMs);
    item.answers.clear();
    item.answered.clear();
    item.quorumAt = null;
    return true;
  }

  private stretched(item: Item, durationMs: number): number {
    return durationMs * this.around.patience(item.order.partition);
  }

  private sendAll(requests: readonly Addressed[]): void {
    for (const { worker, request } of requests) this.around.send(worker, request);
  }

  private list(): Item[] {
    return [...this.items.values()];
  }

  private inState(state: Item['state']): Item[] {
    return this.list().filter((item) => item.state === state);
  }
}
