/**
 * One partition on its way through a reconfiguration, and the order that it carries out.
 */
import type { Identity, PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum, hasIdentity, sameIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { FenceAnswer } from './choice.js';

export type OrderKind = 'first' | 'failover' | 'move' | 'replace';

/** What shall become of a partition. */
export interface Order {
  partition: number;
  kind: OrderKind;
  reason: string;
  /** Among equals these lead, the first first. */
  preferred: WorkerId[];
  /** Takes the place of another voter: filled as a learner before, unless nothing else can be done. */
  replacement: { leaving: Identity | null; joining: Identity | null } | null;
  /** The primary lives: it holds its writes back until this replica's log is as long as its own. */
  holdFor: Identity | null;
  leftOut: ReadonlySet<WorkerId>;
  /** First configurations alone: who shall hold the partition. */
  founders: Identity[] | null;
}

/**
 *   holding -> allocating -> fencing -> syncing -> ready -> committing -> done
 *      \____________\___________\__________\__________\___________\----> failed
 */
export type ItemState =
  'holding' | 'allocating' | 'fencing' | 'syncing' | 'ready' | 'committing' | 'done' | 'failed';

export interface Item {
  order: Order;
  state: ItemState;
  /** The configuration that is replaced, as it stood in the document of the allocation. */
  base: PartitionRecord;
  answers: Map<WorkerId, FenceAnswer>;
  /** Who answered at all; a worker may have nothing to say for one of its partitions just now. */
  answered: Set<WorkerId>;
  quorumAt: number | null;
  chosen: FenceAnswer | null;
  voters: Identity[];
  synced: Identity[];
  progress: number;
  /** Boot count of the run that leads, by its own reports. */
  leaderBootCount: number;
  deadline: number;
  reason: string;
}

/** How an order ended. */
export interface Settlement {
  order: Order;
  done: boolean;
  /** Done, and as it was ordered: another may have had to be chosen. */
  achieved: boolean;
  reason: string;
  /** The chosen replica that did not bring its peers level. */
  failedLeader: WorkerId | null;
  tookMs: number;
  /** What was allocated; 0 for none. */
  epoch: number;
}

export function newItem(order: Order, base: PartitionRecord): Item {
  return {
    order,
    state: order.holdFor === null ? 'allocating' : 'holding',
    base,
    answers: new Map(),
    answered: new Set(),
    quorumAt: null,
    chosen: null,
    voters: [],
    synced: [],
    progress: 0,
    leaderBootCount: 0,
    deadline: Infinity,
    reason: '',
  };
}

export function isSettled(item: Item): boolean {
  return item.state === 'done' || item.state === 'failed';
}

/** Nothing but the attempt differs: the configuration that was fenced still stands. */
export function sameConfiguration(a: PartitionRecord, b: PartitionRecord): boolean {
  return (
    a.epoch === b.epoch &&
    sameIdentity(a.primary, b.primary) &&
    a.primary.bootCount === b.primary.bootCount &&
    sameIdentities(a.voters, b.voters) &&
    sameIdentities(a.learners, b.learners)
  );
}

function sameIdentities(a: readonly Identity[], b: readonly Identity[]): boolean {
  return a.length === b.length && a.every((identity) => hasIdentity(b, identity));
}

/** The voters of the new configuration. A chosen one that shall not stay is kept this time. */
export function nextVoters(item: Item, chosen: Identity): Identity[] {
  const { order, base } = item;
  const plain = base.voters.map(({ id, storeId }) => ({ id, storeId }));
  if (order.replacement === null) return plain;
  const { leaving, joining } = order.replacement;
  const voters = plain.filter((voter) => leaving === null || !sameIdentity(voter, leaving));
  if (joining !== null && !voters.some((voter) => voter.id === joining.id)) voters.push(joining);
  return hasIdentity(voters, chosen) || !holds('chosen-stays-voter') ? voters : plain;
}

/** Takes in how far the leader has come; answers whether it has come further. */
export function progressed(item: Item, answer: { synced: readonly Identity[]; progress: number }): boolean {
  const before = item.synced.length;
  for (const identity of answer.synced) {
    if (isVoterOf(item.voters, identity) && !hasIdentity(item.synced, identity)) item.synced.push(identity);
  }
  const further = answer.progress > item.progress || item.synced.length > before;
  item.progress = Math.max(item.progress, answer.progress);
  return further;
}

function isVoterOf(voters: readonly Identity[], identity: Identity): boolean {
  if (hasIdentity(voters, identity)) return true;
  return !holds('store-id-in-record') && voters.some((voter) => voter.id === identity.id);
}

/** A majority of the new voters is equal, the leader and every newcomer among them. */
export function isSynced(item: Item): boolean {
  const { base, chosen, synced, voters } = item;
  if (chosen === null) return false;
  const leads = synced.some((identity) => sameIdentity(identity, chosen));
  if (!leads && holds('chosen-stays-voter')) return false;
  const newcomers = voters.filter((voter) => !hasIdentity(base.voters, voter));
  if (!newcomers.every((newcomer) => hasIdentity(synced, newcomer))) return false;
  return synced.length >= commitQuorum(voters.length);
}
