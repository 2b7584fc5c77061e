/**
 * Which partitions need a new configuration at once, because they are not served by the one they have.
 */
import type { PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum } from '../ring/ring-record.js';
import type { PlanView } from './plan-view.js';
import { hasQuorum, isDamaged, leadersInOrder, primaryLoads } from './plan-view.js';
import { hearingOf, isPrimaryCutOff } from './reachability.js';
import { planRescue } from './plan-replacement.js';
import type { Order } from './reconfiguration-item.js';
import { isPresent } from './worker-facts.js';

export interface FailoverNeeds {
  orders: Order[];
  /** Partitions that need one but have too few voters alive. */
  withoutQuorum: Map<number, string>;
}

export interface FailoverMemory {
  /** This controller's own attempt failed: it must be finished, and there is nobody to wait for. */
  isOwnAttempt(partition: number, attempt: number): boolean;
  /** Not before its time: it failed shortly before. */
  isResting(partition: number): boolean;
  leftOut(partition: number): ReadonlySet<WorkerId>;
  /** How long another controller's attempt is left alone. */
  graceMs: number;
  /** The newest version that workers were sent. */
  publishedVersion: number;
}

const cutOffMs = 1_000;
/** The longest that a primary is awaited which its backups hear, and the controller does not. */
const awaitedMs = 5_000;

export function planFailovers(view: PlanView, memory: FailoverMemory): FailoverNeeds {
  const needs: FailoverNeeds = { orders: [], withoutQuorum: new Map() };
  const loads = primaryLoads(view);
  view.record.partitions.forEach((record, partition) => {
    if (view.isBusy(partition)) return;
    const cause = failoverCause(view, partition, record, memory);
    if (cause === null) return;
    const replacement = hasQuorum(view, record) ? null : planRescue(view, partition, record);
    if (replacement === null && !hasQuorum(view, record) && record.epoch > 0) {
      needs.withoutQuorum.set(partition, cause.reason);
      return;
    }
    if (memory.isResting(partition) || isAnothersBusiness(view, partition, record, memory)) return;
    if (isAwaited(view, record)) return;
    const order = failoverOrder(view, partition, record, { ...cause, replacement }, memory, loads);
    if (order === null) return;
    needs.orders.push(order);
    const leader = order.preferred[0];
    if (leader !== undefined) loads.set(leader, (loads.get(leader) ?? 0) + 1);
  });
  return needs;
}

interface Cause {
  reason: string;
  /** The primary should not be chosen again if another can. */
  leaveOut: boolean;
  keepPrimary: boolean;
}

function failoverCause(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  memory: FailoverMemory,
): Cause | null {
  if (record.epoch === 0)
    return { reason: 'it has no configuration yet', leaveOut: false, keepPrimary: false };
  const primary = view.workers.get(record.primary.id);
  if (primary === undefined || primary.liveness === 'dead') {
    return { reason: `its primary ${record.primary.id} is lost`, leaveOut: false, keepPrimary: false };
  }
  if (primary.storeId !== '' && primary.storeId !== record.primary.storeId) {
    return { reason: `its primary ${primary.id} has another store`, leaveOut: false, keepPrimary: false };
  }
  if (primary.storeId !== '' && primary.bootCount !== record.primary.bootCount) {
    return { reason: `its primary ${primary.id} restarted`, leaveOut: false, keepPrimary: true };
  }
  if (record.attempt > record.epoch || isPromisedHigher(view, partition, record)) {
    return { reason: 'an attempt was left unfinished', leaveOut: false, keepPrimary: true };
  }
  if (isPrimaryCutOff(view, partition) && view.lastsMs(`cutOff ${partition}`) >= cutOffMs) {
    return {
      reason: `its primary ${primary.id} does not reach the others`,
      leaveOut: true,
      keepPrimary: false,
    };
  }
  return idleCause(view, partition, record, memory);
}

/** The primary is there and has the ring, yet does not serve: it lost its place. */
function idleCause(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  memory: FailoverMemory,
): Cause | null {
  const primary = view.workers.get(record.primary.id);
  if (primary?.liveness !== 'alive' || !primary.complete) return null;
  if (primary.ringVersion < memory.publishedVersion || primary.replicas.get(partition)?.serving === true) {
    return null;
  }
  if (view.lastsMs(`idle ${partition}`) < 3 * view.limits.heartbeatMs) return null;
  return {
    reason: `its primary ${primary.id} does not serve`,
    leaveOut: false,
    keepPrimary: !primary.diskFull,
  };
}

function isPromisedHigher(view: PlanView, partition: number, record: PartitionRecord): boolean {
  return record.voters.some((voter) => {
    const facts = view.workers.get(voter.id);
    if (facts === undefined || !isPresent(facts, voter)) return false;
    return (facts.replicas.get(partition)?.promisedEpoch ?? 0) > record.epoch;
  });
}

/** Another controller may be at work on it: it gets some time to finish. */
function isAnothersBusiness(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  memory: FailoverMemory,
): boolean {
  const unfinished = record.attempt > record.epoch || isPromisedHigher(view, partition, record);
  if (!unfinished || memory.isOwnAttempt(partition, record.attempt)) return false;
  return view.lastsMs(`attempt ${partition} ${record.attempt}`) < memory.graceMs;
}

/**
 * The primary fell silent, yet may be there and serve as it did: its backups hear it, or nobody was heard at
 * all and too few have said since that they do not. Then a failover would be the outage; not once an attempt
 * has taken its place away, and not for long, whatever they say.
 */
function isAwaited(view: PlanView, record: PartitionRecord): boolean {
  const facts = view.workers.get(record.primary.id);
  if (facts?.lostBy !== 'silence' || facts.liveness !== 'dead') return false;
  if (record.attempt > record.epoch) return false;
  const quorum = commitQuorum(record.voters.length);
  const { hear, deny } = hearingOf(view, record);
  if (view.now < facts.awaitedUntil) return record.voters.length - deny >= quorum;
  return view.now - (facts.deadAt ?? -Infinity) < awaitedMs && 1 + hear >= quorum;
}

function failoverOrder(
  view: PlanView,
  partition: number,
  record: PartitionRecord,
  cause: Cause & Pick<Order, 'replacement'>,
  memory: FailoverMemory,
  loads: ReadonlyMap<WorkerId, number>,
): Order | null {
  let founders = null;
  if (record.epoch === 0 && !hasQuorum(view, record)) {
    founders = foundersOf(view, partition);
    if (founders === null) return null;
  }
  const leftOut = new Set(memory.leftOut(partition));
  if (cause.leaveOut) leftOut.add(record.primary.id);
  const ordered = leadersInOrder(view, partition, founders ?? record.voters, loads);
  const keep = cause.keepPrimary && !isDamaged(view, partition, record.primary.id);
  const preferred = keep ? [record.primary.id, ...ordered] : ordered;
  const kind = record.epoch === 0 ? 'first' : 'failover';
  const { reason, replacement } = cause;
  return { partition, kind, reason, preferred, replacement, holdFor: null, leftOut, founders };
}

/** Nothing was ever written to a partition without a configuration: it may begin with other stores. */
function foundersOf(view: PlanView, partition: number) {
  const founders = (view.wished?.[partition]?.voters ?? []).flatMap((id) => {
    const facts = view.workers.get(id);
    if (facts?.liveness !== 'alive' || facts.storeId === '') return [];
    return [{ id, storeId: facts.storeId }];
  });
  return founders.length >= view.record.replicationFactor ? founders : null;
}
