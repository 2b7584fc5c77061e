/**
 * The ring record: the one document whose compare-and-swap makes a configuration true.
 *
 * It holds only configurations that were activated. `epochCounter` and each partition's `attempt` are the
 * allocations that go before; `members` says where to find a worker and nothing about its disk. The
 * identities that count (store id, boot count) stand in each partition's own record, filled from the reports
 * of its own sync.
 */

export type WorkerId = string;
/** Random, written when a worker's database is created, in both of its files; hexadecimal. */
export type StoreId = string;

export interface Identity {
  id: WorkerId;
  storeId: StoreId;
}

export interface PrimaryIdentity extends Identity {
  /** Incremented durably at every start of the worker. */
  bootCount: number;
}

export interface PartitionRecord {
  epoch: number;
  /** The newest epoch allocated for this partition; equals `epoch` when nothing is under way. */
  attempt: number;
  primary: PrimaryIdentity;
  voters: Identity[];
  learners: Identity[];
}

export type MemberState = 'active' | 'draining';

export interface Member {
  host: string;
  /** TCP port of the peer stream. */
  peerPort: number;
  /** TCP port of the REST interface. */
  clientPort: number;
  zone: string;
  state: MemberState;
}

export interface RingRecord {
  formatVersion: 1;
  clusterId: string;
  /** Grows by one with every change of the document. */
  version: number;
  epochCounter: number;
  partitionCount: number;
  replicationFactor: number;
  members: Record<WorkerId, Member>;
  partitions: PartitionRecord[];
}

/** Votes that commit an entry: floor(n/2)+1 of n voters, the primary among them. */
export function commitQuorum(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** Promises that meet every commit quorum: n - commitQuorum + 1. */
export function fenceQuorum(voterCount: number): number {
  return voterCount - commitQuorum(voterCount) + 1;
}

/** One text for one store of one worker. */
export function storeKey({ id, storeId }: Identity): string {
  return `${id} ${storeId}`;
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.id === b.id && a.storeId === b.storeId;
}

export function hasIdentity(list: readonly Identity[], wanted: Identity): boolean {
  return list.some((identity) => sameIdentity(identity, wanted));
}
