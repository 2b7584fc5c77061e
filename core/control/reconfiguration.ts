/**
 * The one procedure for failover, planned move and replacing a voter, for a batch of partitions at once:
 * hold (if the primary lives), allocate an epoch, fence, choose, sync, commit. What can be interrupted is: the old configuration
 * stands until the last step, and what is left behind is finished under a higher epoch.
 */
import type { ControlRequest, WorkerReportOf } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import type { Identity, PartitionRecord, RingRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum, fenceQuorum, hasIdentity, sameIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import { chooseLeader, countedAnswers } from './choice.js';
import type { FenceAnswer } from './choice.js';
import type { Item, Order } from './reconfiguration-item.js';
import { isSettled, newItem, newcomers, nextVoters, sameConfiguration } from './reconfiguration-item.js';
import type { ChangeOutcome, RingDocument } from './ring-document.js';

export interface Settlement {
  order: Order;
  done: boolean;
  reason: string;
  /** The chosen replica that did not bring its peers level. */
  failedLeader: WorkerId | null;
  tookMs: number;
  /** What was allocated; 0 for none. */
  epoch: number;
}

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
  private readonly startedAt: number;
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

  // --- holding ---------------------------------------------------------------------------------------------------

  private startHolding(now: number): void {
    const byPrimary = new Map<WorkerId, { partition: number; epoch: number; target: Identity }[]>();
    for (const item of this.inState('holding')) {
      const { partition, holdFor } = item.order;
      if (holdFor === null) continue;
      item.deadline = now + this.around.limits.holdMs + resendMs;
      const list = byPrimary.get(item.base.primary.id) ?? [];
      list.push({ partition, epoch: item.base.epoch, target: holdFor });
      byPrimary.set(item.base.primary.id, list);
    }
    this.holdId = this.around.nextRequestId();
    for (const [primary, items] of byPrimary) {
      this.around.send(primary, { type: 'hold', requestId: this.holdId, items });
    }
  }

  held(worker: WorkerId, report: WorkerReportOf<'held'>, now: number): void {
    if (report.requestId !== this.holdId) return;
    for (const answer of report.items) {
      const item = this.items.get(answer.partition);
      if (item?.state !== 'holding' || item.base.primary.id !== worker) continue;
      if (answer.epoch !== item.base.epoch) continue;
      if (answer.refused === '') item.state = 'allocating';
      else this.fail(item, `the primary did not hold: ${answer.refused}`, now);
    }
    this.tick(now);
  }

  private giveUpHolding(now: number): void {
    for (const item of this.inState('holding')) {
      if (now >= item.deadline) this.fail(item, 'the primary did not hold in time', now);
    }
  }

  // --- allocating ------------------------------------------------------------------------------------------------

  /** One epoch for all that wait; those that still hold are waited for, so that one fence serves the batch. */
  private allocate(): void {
    if (this.allocating || this.inState('holding').length > 0) return;
    const items = this.inState('allocating');
    if (items.length === 0) return;
    this.allocating = true;
    let tried = 0;
    this.around.document.queue({
      apply: (record) => {
        tried = record.epochCounter + 1;
        return allocated(record, items, tried);
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
        item.deadline = now + this.around.limits.fenceMs;
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

  // --- fencing and choosing --------------------------------------------------------------------------------------

  private sendFences(now: number): void {
    const items = this.inState('fencing');
    const { document } = this.around;
    if (items.length === 0 || document.record === null || now - this.fencesSentAt < resendMs) return;
    this.fencesSentAt = now;
    const byWorker = new Map<WorkerId, number[]>();
    for (const item of items) {
      for (const voter of item.base.voters) {
        if (item.answers.has(voter.id)) continue;
        const list = byWorker.get(voter.id) ?? [];
        list.push(item.order.partition);
        byWorker.set(voter.id, list);
      }
    }
    // The version is that of the newest document known: each partition's record is the same in it, or the commit will fail.
    const { version: ringVersion } = document.record;
    for (const [worker, partitions] of byWorker) {
      const { fenceId: requestId, epoch } = this;
      this.around.send(worker, { type: 'fence', requestId, ringVersion, epoch, partitions });
    }
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
      if (item?.state !== 'fencing' || !item.base.voters.some((voter) => voter.id === worker)) continue;
      item.answers.set(worker, { id: worker, storeId, bootCount, runId, peerRuns, ...position });
    }
    this.tick(now);
  }

  /** Chooses where every voter that can be expected has answered, or a quorum has and the rest is late. */
  private chooseReady(now: number): void {
    for (const item of this.inState('fencing')) {
      const answers = [...item.answers.values()];
      const facts = { epoch: this.epoch, record: item.base, answers, ...item.order };
      const counted = countedAnswers(facts);
      if (counted.length >= fenceQuorum(item.base.voters.length)) item.quorumAt ??= now;
      const missing = item.base.voters.filter((voter) => !item.answers.has(voter.id));
      const late = item.quorumAt !== null && now - item.quorumAt >= this.around.limits.commitReadyMs;
      const complete = missing.every((voter) => !this.around.present(voter));
      const hasty = !holds('fence-before-choice') && answers.length > 0;
      if (late || hasty || (complete && item.quorumAt !== null) || missing.length === 0) {
        this.choose(item, facts, now);
      }
    }
  }

  private choose(item: Item, facts: Parameters<typeof chooseLeader>[0], now: number): void {
    const choice = chooseLeader(facts);
    if (choice.type === 'noQuorum') {
      this.fail(item, `${choice.present} of ${choice.needed} stores that must answer did`, now);
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
    item.deadline = now + this.around.limits.syncProgressMs;
    this.leadDue = true;
  }

  // --- syncing ---------------------------------------------------------------------------------------------------

  /** Sent again now and then: an order that arrives twice is answered with how far it has come. */
  private sendLeads(now: number): void {
    if (!this.leadDue && now - this.leadsSentAt < resendMs) return;
    const leads = new Map<string, ControlRequest & { type: 'lead' }>();
    const receivers = new Map<string, WorkerId>();
    for (const item of this.list()) {
      if ((item.state !== 'syncing' && item.state !== 'ready') || item.chosen === null) continue;
      const { id, storeId, syncedEpoch, lastSeq } = item.chosen;
      const key = `${id} ${storeId}`;
      if (this.leadId === 0) this.leadId = this.around.nextRequestId();
      const { leadId: requestId, epoch } = this;
      const lead = leads.get(key) ?? { type: 'lead', requestId, epoch, storeId, items: [] };
      lead.items.push({ partition: item.order.partition, syncedEpoch, lastSeq, voters: item.voters });
      leads.set(key, lead);
      receivers.set(key, id);
    }
    if (leads.size === 0) return;
    this.leadDue = false;
    this.leadsSentAt = now;
    for (const [key, lead] of leads) this.around.send(receivers.get(key) ?? '', lead);
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
    const before = item.synced.length;
    for (const identity of answer.synced) {
      if (isVoterOf(item.voters, identity) && !hasIdentity(item.synced, identity)) item.synced.push(identity);
    }
    if (answer.progress > item.progress || item.synced.length > before) {
      item.progress = Math.max(item.progress, answer.progress);
      item.deadline = now + this.around.limits.syncProgressMs;
    }
    if (this.isSynced(item)) {
      item.state = 'ready';
      this.commitAt ??= now + this.around.limits.commitReadyMs;
    }
  }

  /** A majority of the new voters is equal, the leader and every newcomer among them. */
  private isSynced(item: Item): boolean {
    const { chosen, synced, voters } = item;
    if (chosen === null || !synced.some((identity) => sameIdentity(identity, chosen))) return false;
    if (!newcomers(item).every((newcomer) => hasIdentity(synced, newcomer))) return false;
    return synced.length >= commitQuorum(voters.length);
  }

  private giveUpLate(now: number): void {
    for (const item of this.inState('fencing')) {
      if (now >= item.deadline) this.failWithoutQuorum(item, now);
    }
    for (const item of this.inState('syncing')) {
      const gone = item.chosen !== null && !this.around.present(item.chosen);
      if (now >= item.deadline || gone) this.fail(item, 'the chosen replica brought no majority level', now);
    }
  }

  private failWithoutQuorum(item: Item, now: number): void {
    const answers = [...item.answers.values()];
    const counted = countedAnswers({ epoch: this.epoch, record: item.base, answers, ...item.order });
    const needed = fenceQuorum(item.base.voters.length);
    this.fail(item, `${counted.length} of ${needed} stores that must answer did`, now);
  }

  // --- committing ------------------------------------------------------------------------------------------------

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
      apply: (record) => this.withCommits(record, items),
      done: (outcome, record, now) => this.committed(outcome, items, record, now),
    });
  }

  private withCommits(record: RingRecord, items: readonly Item[]): RingRecord | null {
    const partitions = [...record.partitions];
    let changed = false;
    for (const item of items) {
      const current = partitions[item.order.partition];
      if (current === undefined || item.chosen === null || !this.mayCommit(item, current)) continue;
      partitions[item.order.partition] = this.configuration(item, item.chosen);
      changed = true;
    }
    if (!changed) return null;
    return { ...record, partitions: holds('boot-count-in-record') ? partitions : this.refreshed(partitions) };
  }

  /** On a newer document too, but only while the partition itself is as it was when it was fenced. */
  private mayCommit(item: Item, current: PartitionRecord): boolean {
    if (!holds('commit-checks-attempt')) return current.epoch < this.epoch;
    return current.attempt === this.epoch && sameConfiguration(current, item.base);
  }

  private configuration(item: Item, chosen: FenceAnswer): PartitionRecord {
    const { epoch } = this;
    const primary = { id: chosen.id, storeId: chosen.storeId, bootCount: item.leaderBootCount };
    const learners = item.base.learners.filter((learner) => !hasIdentity(item.voters, learner));
    return { epoch, attempt: epoch, primary, voters: item.voters, learners };
  }

  /** Only with its rule broken: the boot count that a worker reported last goes into all its partitions. */
  private refreshed(partitions: readonly PartitionRecord[]): PartitionRecord[] {
    return partitions.map((partition) => {
      const bootCount = Math.max(partition.primary.bootCount, this.around.bootCountOf(partition.primary.id));
      return { ...partition, primary: { ...partition.primary, bootCount } };
    });
  }

  private committed(outcome: ChangeOutcome, items: readonly Item[], record: RingRecord, now: number): void {
    const again: Item[] = [];
    for (const item of items) {
      const current = record.partitions[item.order.partition];
      if (item.state !== 'committing' || current === undefined) continue;
      if (current.epoch === this.epoch) this.finish(item, now);
      else if (outcome !== 'void' && this.mayCommit(item, current)) again.push(item);
      else this.fail(item, 'another controller changed the partition', now);
    }
    if (again.length > 0) this.queueCommit(again);
    if (outcome !== 'void') this.around.committed(now);
    this.tick(now);
  }

  // --- ends ------------------------------------------------------------------------------------------------------

  private finish(item: Item, now: number): void {
    item.state = 'done';
    const tookMs = now - this.startedAt;
    this.around.settled(
      { order: item.order, done: true, reason: '', failedLeader: null, tookMs, epoch: this.epoch },
      now,
    );
  }

  private fail(item: Item, reason: string, now: number): void {
    if (isSettled(item)) return;
    const failedLeader = item.state === 'syncing' ? (item.chosen?.id ?? null) : null;
    item.state = 'failed';
    item.reason = reason;
    if (item.order.holdFor !== null) {
      const items = [{ partition: item.order.partition, epoch: item.base.epoch }];
      this.around.send(item.base.primary.id, { type: 'release', items });
    }
    const tookMs = now - this.startedAt;
    const { epoch } = this;
    this.around.settled({ order: item.order, done: false, reason, failedLeader, tookMs, epoch }, now);
  }

  private list(): Item[] {
    return [...this.items.values()];
  }

  private inState(state: Item['state']): Item[] {
    return this.list().filter((item) => item.state === state);
  }
}

function isVoterOf(voters: readonly Identity[], identity: Identity): boolean {
  if (hasIdentity(voters, identity)) return true;
  return !holds('store-id-in-record') && voters.some((voter) => voter.id === identity.id);
}

/** The configuration that the order was made for still stands; before the first one anything may be put in its place. */
function isAsOrdered(item: Item, current: PartitionRecord): boolean {
  if (item.order.founders !== null) return current.epoch === 0;
  return sameConfiguration(current, item.base);
}

function allocated(record: RingRecord, items: readonly Item[], epoch: number): RingRecord | null {
  const partitions = [...record.partitions];
  let changed = false;
  for (const item of items) {
    const current = partitions[item.order.partition];
    if (item.state !== 'allocating' || current === undefined || !isAsOrdered(item, current)) continue;
    const voters = item.order.founders ?? current.voters;
    partitions[item.order.partition] = { ...current, voters, attempt: epoch };
    changed = true;
  }
  return changed ? { ...record, epochCounter: epoch, partitions } : null;
}
