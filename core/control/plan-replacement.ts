/**
 * Which voters are replaced, by whom, and how far that has come. A newcomer is first written into the record
 * as a learner and filled by the primary; only when it is level a reconfiguration gives it the vote of the
 * one that goes. One voter of a partition at a time, a few partitions at a time.
 */
import type { Identity, PartitionRecord, RingRecord } from '../ring/ring-record.js';
import { fenceQuorum, hasIdentity, sameIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { PlanView } from './plan-view.js';
import { hasQuorum, isHealthy, isLevel, presentVoters, servingReport, shouldHold } from './plan-view.js';
import type { Order } from './reconfiguration-item.js';
import { isFit, isPresent } from './worker-facts.js';

export interface LearnerChange {
  partition: number;
  learner: Identity;
  action: 'add' | 'drop';
  reason: string;
}

export interface ReplacementPlan {
  changes: LearnerChange[];
  orders: Order[];
}

/** A learner whose worker is away is given up after this. */
const learnerAwayMs = 5_000;

/** `pending`: learners that are about to enter the record. */
export function planReplacements(
  view: PlanView,
  isResting: (partition: number) => boolean,
  pending: number,
): ReplacementPlan {
  const plan: ReplacementPlan = { changes: [], orders: [] };
  const { partitions } = view.record;
  let copies = pending + partitions.filter((record) => record.learners.length > 0).length;
  const needy: { partition: number; record: PartitionRecord; need: Need }[] = [];
  partitions.forEach((record, partition) => {
    if (record.epoch === 0 || record.attempt > record.epoch || view.isBusy(partition)) return;
    if (record.learners.length > 0) {
      if (!isResting(partition)) followLearners(view, partition, record, plan);
      return;
    }
    const need = needOf(view, partition, record);
    if (need !== null && !isResting(partition)) needy.push({ partition, record, need });
  });
  // What lost a voter goes first.
  for (const { partition, record, need } of needy.sort((a, b) => urgency(a.need) - urgency(b.need))) {
    if (need.joining === null) {
      plan.orders.push(replaceOrder(view, partition, record, need));
    } else if (copies < view.limits.copiesMax) {
      copies += 1;
      plan.changes.push({ partition, learner: need.joining, action: 'add', reason: need.reason });
    }
  }
  return plan;
}

interface Need {
  reason: string;
  lost: boolean;
  leaving: Identity | null;
  joining: Identity | null;
}

function urgency(need: Need): number {
  return need.lost ? 0 : 1;
}

/** Why a voter will not come back under its identity; '' if it may. */
export function lossOf(view: PlanView, voter: Identity): string {
  const facts = view.workers.get(voter.id);
  if (facts === undefined) return `${voter.id} is unknown`;
  if (facts.storeId !== '' && facts.storeId !== voter.storeId && facts.liveness === 'alive') {
    return `${voter.id} has another store`;
  }
  const { replacementDelayMs } = view.limits;
  if (facts.deadAt !== null && view.now - facts.deadAt >= replacementDelayMs) {
    return `${voter.id} is away for ${Math.round((view.now - facts.deadAt) / 1_000)} s`;
  }
  return '';
}

/** The next change of one partition's voters, or null if they are as wished or nobody can join now. */
function needOf(view: PlanView, partition: number, record: PartitionRecord): Need | null {
  const wished = view.wished?.[partition]?.voters;
  if (wished === undefined || servingReport(view, partition) === null) return null;
  const lost = record.voters.find((voter) => lossOf(view, voter) !== '');
  const reason = lost === undefined ? 'placement' : lossOf(view, lost);
  if (lost !== undefined && record.voters.length > view.record.replicationFactor) {
    return { reason, lost: true, leaving: lost, joining: null };
  }
  const leaving = lost ?? leavingVoter(view, record, wished);
  const joining = joiningWorker(view, record, wished, lost);
  if (joining !== null) {
    if (lost === undefined && (view.unsettled || !isHealthy(view, partition))) return null;
    if (leaving === null && !mayGrow(view, record)) return null;
    return { reason, lost: lost !== undefined, leaving, joining };
  }
  // Nobody is to join: a voter goes only if there are more than the replication factor asks for.
  if (leaving === null || view.unsettled || record.voters.length <= view.record.replicationFactor)
    return null;
  return isHealthy(view, partition) ? { reason, lost: false, leaving, joining: null } : null;
}

/**
 * With an even number of voters half of them is a fence quorum, which holds every committed write, and yet no
 * majority: then someone new takes the place of a lost one in the same step, filled while it is synced.
 */
export function planRescue(view: PlanView, partition: number, record: PartitionRecord): Order['replacement'] {
  if (presentVoters(view, record).length < fenceQuorum(record.voters.length)) return null;
  const lost = record.voters.find((voter) => lossOf(view, voter) !== '');
  // One voter more than wished: the others are a majority without it.
  const isSurplus = record.voters.length > view.record.replicationFactor;
  if (lost !== undefined && isSurplus) return { leaving: lost, joining: null };
  const wished = view.wished?.[partition]?.voters ?? [];
  const learner = record.learners.find((found) => isPresent(view.workers.get(found.id), found));
  const joining = learner ?? joiningWorker(view, record, wished, lost);
  return lost === undefined || joining === null ? null : { leaving: lost, joining };
}

/** A voter that the wished placement does not have; never the primary, which hands over first. */
function leavingVoter(view: PlanView, record: PartitionRecord, wished: readonly string[]): Identity | null {
  const mayLeave = (voter: Identity) => voter.id !== record.primary.id || !holds('chosen-stays-voter');
  const surplus = record.voters.filter((voter) => !wished.includes(voter.id) && mayLeave(voter));
  const absent = surplus.find((voter) => !isPresent(view.workers.get(voter.id), voter));
  return absent ?? surplus[0] ?? null;
}

function joiningWorker(
  view: PlanView,
  record: PartitionRecord,
  wished: readonly string[],
  lost: Identity | undefined,
): Identity | null {
  const candidates = wished.filter(
    (id) => !record.voters.some((voter) => voter.id === id) || id === lost?.id,
  );
  // The worker that lost its store is refilled itself: nothing else moves.
  const ordered = candidates.sort((a, b) => Number(b === lost?.id) - Number(a === lost?.id));
  for (const id of ordered) {
    const facts = view.workers.get(id);
    const storeId = facts?.storeId ?? '';
    if (!isFit(facts) || storeId === '') continue;
    const joining = { id, storeId };
    if (!hasIdentity(record.voters, joining)) return joining;
  }
  return null;
}

function followLearners(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  plan: ReplacementPlan,
): void {
  const report = servingReport(view, partition);
  // Without a quorum nothing is held while it changes; whoever has begun just now has only not heard of it.
  if (!hasQuorum(view, record) && isUnheard(view, record)) return;
  for (const learner of record.learners) {
    const useless = whyUseless(view, partition, record, learner);
    if (useless !== '') {
      plan.changes.push({ partition, learner, action: 'drop', reason: useless });
      return;
    }
    if (report === null || !isLevel(report, learner)) continue;
    const { leaving, reason } = whoLeavesFor(view, partition, record, learner);
    plan.orders.push(
      replaceOrder(view, partition, record, { reason, lost: false, leaving, joining: learner }),
    );
    return;
  }
}

/** The voter whose place a learner takes; none where there are too few voters. */
function whoLeavesFor(view: PlanView, partition: number, record: PartitionRecord, learner: Identity) {
  const wished = view.wished?.[partition]?.voters ?? [];
  const former = record.voters.find((voter) => voter.id === learner.id);
  const lost = former ?? record.voters.find((voter) => lossOf(view, voter) !== '');
  if (lost !== undefined) return { leaving: lost, reason: lossOf(view, lost) };
  if (record.voters.length < view.record.replicationFactor)
    return { leaving: null, reason: 'too few voters' };
  return { leaving: leavingVoter(view, record, wished), reason: 'placement' };
}

function isUnheard(view: PlanView, record: PartitionRecord): boolean {
  return record.voters.some((voter) => view.workers.get(voter.id)?.liveness === 'unknown');
}

function whyUseless(view: PlanView, partition: number, record: PartitionRecord, learner: Identity): string {
  const facts = view.workers.get(learner.id);
  if (hasIdentity(record.voters, learner)) return 'it is a voter';
  if (facts === undefined) return 'it is unknown';
  if (facts.storeId !== '' && facts.storeId !== learner.storeId) return 'it has another store';
  if (facts.deadAt !== null && view.now - facts.deadAt >= learnerAwayMs) return 'it is away';
  const wished = view.wished?.[partition]?.voters;
  if (wished === undefined || view.unsettled) return '';
  if (!wished.includes(learner.id)) return 'the placement changed';
  const { leaving } = whoLeavesFor(view, partition, record, learner);
  const full = record.voters.length >= view.record.replicationFactor;
  // The primary is the one that has to go: it hands over first, and the learner stays.
  const waits = !wished.includes(record.primary.id);
  return leaving === null && full && !waits ? 'nobody has to go' : '';
}

function replaceOrder(view: PlanView, partition: number, record: PartitionRecord, need: Need): Order {
  const { id, storeId } = record.primary;
  return {
    partition,
    kind: 'replace',
    reason: need.reason,
    preferred: [id],
    replacement: { leaving: need.leaving, joining: need.joining },
    holdFor: shouldHold(view, partition) ? (need.joining ?? { id, storeId }) : null,
    leftOut: new Set(),
    founders: null,
  };
}

/** There are too few voters, or a single one, which can hand over only to a second. */
function mayGrow(view: PlanView, record: PartitionRecord): boolean {
  return record.voters.length < Math.max(2, view.record.replicationFactor);
}

/** A learner that has no voter to replace would make the configuration larger than wished. */
export function mayStart(view: PlanView, order: Order): boolean {
  const record = view.record.partitions[order.partition];
  const replacement = order.replacement;
  if (record === undefined || replacement === null) return true;
  const { leaving, joining } = replacement;
  const leaves = leaving !== null && sameIdentity(leaving, record.primary);
  if (leaves && holds('chosen-stays-voter')) return false;
  if (joining === null) return leaving !== null;
  return leaving !== null || mayGrow(view, record);
}

/**
 * The record with one learner added or dropped; null if the partition is not as it was when this was planned.
 */
export function withLearner(record: RingRecord, change: LearnerChange, epoch: number): RingRecord | null {
  const current = record.partitions[change.partition];
  if (current?.epoch !== epoch || current.attempt !== epoch) return null;
  const present = hasIdentity(current.learners, change.learner);
  if (present === (change.action === 'add')) return null;
  if (change.action === 'add' && hasIdentity(current.voters, change.learner)) return null;
  const { id, storeId } = change.learner;
  const learners = present
    ? current.learners.filter((learner) => !sameIdentity(learner, change.learner))
    : [...current.learners, { id, storeId }];
  const partitions = [...record.partitions];
  partitions[change.partition] = { ...current, learners };
  return { ...record, partitions };
}
