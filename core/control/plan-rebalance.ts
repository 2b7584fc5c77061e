/**
 * Which primaries are handed over while all is well: from workers that leave, restart or have no room, from
 * voters that are to be removed, and for an even spread. Moving a primary copies nothing, so it waits for
 * level backups only.
 */
import type { ReplicaReport } from '../protocol/control-message.js';
import type { Identity, PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { PlanView } from './plan-view.js';
import {
  isDamaged,
  isHealthy,
  isLevel,
  leadersInOrder,
  primaryLoads,
  servingReport,
  shouldHold,
} from './plan-view.js';
import type { Order } from './reconfiguration-item.js';
import { isFit, isPresent } from './worker-facts.js';

/**
 * Partitions whose writes are held at one time: as many stand still if the controller is lost just then, and
 * a larger batch takes longer.
 */
export const movesMax = 32;
const balancingMovesMax = 8;
/**
 * Disks that fill up together are told of one after the other. A move begun in between would find no disk
 * that can keep a promise, and its partitions would have no primary, not even for reads, until there is room.
 */
const diskFullMs = 1_000;

export function planHandovers(view: PlanView, isResting: (partition: number) => boolean): Order[] {
  const urgent: Order[] = [];
  const balancing: Order[] = [];
  const loads = primaryLoads(view);
  view.record.partitions.forEach((record, partition) => {
    if (record.epoch === 0 || record.attempt > record.epoch || view.isBusy(partition)) return;
    if (isResting(partition)) return;
    const report = servingReport(view, partition);
    if (report === null) return;
    const reason = whyAway(view, partition, record);
    if (reason !== '') {
      const target = bestTarget(view, partition, record, report, loads);
      if (target === null || urgent.length >= movesMax) return;
      loads.set(target.id, (loads.get(target.id) ?? 0) + 1);
      const order = moveOrder(partition, record, target, reason);
      urgent.push(shouldHold(view, partition) ? order : { ...order, holdFor: null });
    } else if (balancing.length < balancingMovesMax && !view.unsettled) {
      const target = balanceTarget(view, partition, record);
      if (target !== null) balancing.push(moveOrder(partition, record, target, 'even spread'));
    }
  });
  return urgent.length > 0 ? urgent : balancing;
}

/** Why the primary has to hand over; '' if it need not. */
function whyAway(view: PlanView, partition: number, record: PartitionRecord): string {
  const { id } = record.primary;
  const facts = view.workers.get(id);
  if (facts === undefined) return '';
  if (facts.leaving) return `${id} is stopping`;
  if (facts.expected === null) return `${id} is not wanted any more`;
  if (facts.expected.wish === 'restart') return `${id} is to restart`;
  if (facts.expected.wish === 'remove' && holds('chosen-stays-voter')) return `${id} is to be removed`;
  if (facts.diskFull && view.now - facts.diskFullSince >= diskFullMs) return `the disk of ${id} is full`;
  if (isDamaged(view, partition, id)) return `its table at ${id} is damaged`;
  const wished = view.wished?.[partition]?.voters;
  const isLastSurplus =
    holds('chosen-stays-voter') &&
    !view.unsettled &&
    wished !== undefined &&
    !wished.includes(id) &&
    record.voters.every((voter) => voter.id === id || wished.includes(voter.id));
  return isLastSurplus ? `${id} is to give the partition up` : '';
}

function bestTarget(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  report: ReplicaReport,
  loads: ReadonlyMap<WorkerId, number>,
): Identity | null {
  const wished = view.wished?.[partition]?.voters ?? [];
  const level = record.voters.filter(
    (voter) =>
      voter.id !== record.primary.id &&
      isPresent(view.workers.get(voter.id), voter) &&
      isFit(view.workers.get(voter.id)) &&
      !isDamaged(view, partition, voter.id) &&
      isLevel(report, voter),
  );
  const staying = level.filter((voter) => wished.includes(voter.id));
  const candidates = staying.length > 0 ? staying : level;
  const [first] = leadersInOrder(view, partition, candidates, loads);
  return candidates.find((voter) => voter.id === first) ?? null;
}

function balanceTarget(view: PlanView, partition: number, record: PartitionRecord): Identity | null {
  const wished = view.wished?.[partition];
  if (wished === undefined || wished.primary === record.primary.id) return null;
  if (record.learners.length > 0 || !isHealthy(view, partition)) return null;
  const target = record.voters.find((voter) => voter.id === wished.primary);
  return target !== undefined && isFit(view.workers.get(target.id)) ? target : null;
}

function moveOrder(partition: number, record: PartitionRecord, target: Identity, reason: string): Order {
  return {
    partition,
    kind: 'move',
    reason,
    preferred: [target.id, record.primary.id],
    replacement: null,
    holdFor: { id: target.id, storeId: target.storeId },
    leftOut: new Set(),
    founders: null,
  };
}
