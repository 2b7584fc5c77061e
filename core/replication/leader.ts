/**
 * What a replica knows as the leader of an epoch: first as an attempt, that makes a majority of logs equal to
 * its own, then, once the ring record says so, serving.
 */
import type { Entry } from '../protocol/entry.js';
import { entryContent, entryKey, isDelete } from '../protocol/entry.js';
import type { Version } from '../protocol/operation.js';
import type { Identity, StoreId, WorkerId } from '../ring/ring-record.js';
import { commitQuorum, hasIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { WriteDone } from './effect.js';
import type { KnownRows, Term } from './known-rows.js';
import { newLagMark } from './replica-lag.js';
import type { LagMark } from './replica-lag.js';

/**
 * unknown: nothing heard in this epoch on this stream; level: it follows; syncing, copying: being made equal;
 * distrusted: it holds less than it acknowledged.
 */
export type ProgressState = 'unknown' | 'level' | 'syncing' | 'copying' | 'distrusted';

/** A voter or learner as its leader sees it. */
export interface Progress {
  readonly id: WorkerId;
  storeId: StoreId;
  /** Not a learner: its acks and grants count. */
  voter: boolean;
  state: ProgressState;
  /** Acknowledged as durable in this epoch. */
  matchSeq: number;
  /** Of the newest ack counted in `matchSeq`. */
  matchRound: number;
  /** Synced in this epoch at least once: its acks count. */
  synced: boolean;
  /** It acknowledged this much in the epoch and lost it since: it is synced again when it holds as much. */
  owedSeq: number;
  nextSeq: number;
  /** Refusals of rounds up to this were answered by sending anew. */
  rewoundAtRound: number;
  /** It takes no entries just now: none are sent before. */
  restUntil: number;
  /** Of what it was sent last: it is sent little until it takes that. */
  tookNothing: boolean;
  leaseUntil: number;
  ackedRound: number;
  sentAt: number;
  /** The commit position that it was told last. */
  toldCommitSeq: number;
  ackedAt: number;
  /** Entries are being read from the disk for it. */
  reading: boolean;
  /** Numbers the sync under way; a newer report starts another. */
  syncNumber: number;
  copy: SentCopy | null;
  /** Chunks of the copy that came furthest: one that is begun anew gets no further by being sent again. */
  copiedChunks: number;
  /** How long it has been behind, for people to look at. */
  readonly mark: LagMark;
  /** As heartbeats told it last. */
  toldLevel: boolean;
}

export interface SentCopy {
  number: number;
  handle: number;
  atSeq: number;
  /** The chunk that was sent last, for a receiver that did not get it. */
  chunk: number;
  rows: Uint8Array | null;
  /** How often that chunk was sent again. */
  resent: number;
  last: boolean;
  reading: boolean;
  usedAt: number;
}

/** An entry in flight or not applied yet, newest first for its key. */
export interface OverlayItem {
  seq: number;
  previous: OverlayItem | null;
}

export interface PendingWrite {
  seq: number;
  version: Version;
  created: boolean;
  bytes: number;
  /** Monotonic milliseconds. */
  acceptedAt: number;
  handedOutAt: number;
  done: WriteDone;
  /** Repeats of the same request by idempotency key: the same outcome. */
  repeats: WriteDone[];
}

/** An answer that waits for a commit position, a lease or a confirmation. */
export interface PendingRead {
  needSeq: number;
  round: number;
  giveUpAt: number;
  answer: () => void;
  refuse: (detail: string) => void;
}

export interface Hold {
  controller: string;
  requestId: number;
  target: Identity;
  giveUpAt: number;
  /** The leases are given back and the controller was told. */
  told: boolean;
}

export interface Leader {
  readonly epoch: number;
  /** First seq of the epoch; fixed when the leader's own sync is durable. */
  startSeq: number;
  /** Its own log is synced in the epoch, durably. */
  ready: boolean;
  /** The ring record names this configuration. */
  active: boolean;
  voters: Identity[];
  learners: Identity[];
  peers: Map<WorkerId, Progress>;
  round: number;
  /** Handed to the own log's writer. */
  loggedSeq: number;
  /** What no backup has acknowledged yet, in order; for measuring alone. */
  handedOut: { throughSeq: number; count: number; at: number }[];
  pending: PendingWrite[];
  pendingBytes: number;
  reads: PendingRead[];
  overlay: Map<string, OverlayItem>;
  /** What it knows of rows goes by this ({@link KnownRows}). */
  readonly term: Term;
  idempotency: Map<string, number>;
  logTime: number;
  /** Leases are renewed while somebody reads. */
  readAt: number;
  hold: Hold | null;
  /** A round must go out at the next flush for reads that wait for a confirmation. */
  wantsRound: boolean;
  /** Who ordered the attempt. */
  order: { controller: string; requestId: number };
  progress: number;
}

export function newProgress(identity: Identity, voter: boolean, nextSeq: number, now: number): Progress {
  return {
    id: identity.id,
    storeId: identity.storeId,
    voter,
    state: 'unknown',
    matchSeq: 0,
    matchRound: 0,
    synced: false,
    owedSeq: 0,
    nextSeq,
    rewoundAtRound: 0,
    restUntil: -Infinity,
    tookNothing: false,
    leaseUntil: -Infinity,
    ackedRound: 0,
    sentAt: -Infinity,
    toldCommitSeq: 0,
    ackedAt: now,
    reading: false,
    syncNumber: 0,
    copy: null,
    copiedChunks: 0,
    mark: newLagMark(),
    toldLevel: false,
  };
}

/** Voters and learners other than the leader itself, keeping what is known of those that stay. */
export function setConfiguration(
  leader: Leader,
  self: WorkerId,
  members: { voters: Identity[]; learners: Identity[] },
  nextSeq: number,
  now: number,
): Progress[] {
  leader.voters = members.voters;
  leader.learners = members.learners;
  const peers = new Map<WorkerId, Progress>();
  // Learners first: one that bears the id of a voter is the new store of a worker that lost its old one.
  for (const identity of [...members.learners, ...members.voters]) {
    if (identity.id === self || peers.has(identity.id)) continue;
    const voter = hasIdentity(members.voters, identity);
    const known = leader.peers.get(identity.id);
    if (known?.storeId === identity.storeId) {
      known.voter = voter;
      peers.set(identity.id, known);
    } else {
      peers.set(identity.id, newProgress(identity, voter, nextSeq, now));
    }
  }
  const gone = [...leader.peers.values()].filter((progress) => peers.get(progress.id) !== progress);
  leader.peers = peers;
  return gone;
}

function counts(progress: Progress): boolean {
  return progress.voter || !holds('voters-only');
}

/** Text that stands for a key in maps: one character per byte. */
export function keyText(key: Uint8Array): string {
  // A typed array is what `apply` takes, whatever its declaration says.
  return String.fromCharCode.apply(null, key as unknown as number[]);
}

export function addToOverlay(leader: Leader, key: string, seq: number): void {
  leader.overlay.set(key, { seq, previous: leader.overlay.get(key) ?? null });
}

/** The newest entry for a key up to `throughSeq` that the table does not show yet. */
export function overlaySeq(leader: Leader, key: string, throughSeq: number): number | null {
  for (let item = leader.overlay.get(key) ?? null; item !== null; item = item.previous) {
    if (item.seq <= throughSeq) return item.seq;
  }
  return null;
}

/** After the table shows all up to `appliedSeq`, these last; they become what is known of their keys. */
export function pruneOverlay(
  leader: Leader,
  applied: readonly Entry[],
  appliedSeq: number,
  known: KnownRows,
): void {
  // Keys of which something newer stays. Going backwards, the first entry for a key is all that counts.
  const settled = new Set<string>();
  for (let at = applied.length - 1; at >= 0; at -= 1) {
    const entry = applied[at];
    if (entry === undefined) continue;
    if (leader.idempotency.size > 0) {
      const { idempotencyKey } = entryContent(entry);
      if (leader.idempotency.get(idempotencyKey) === entry.seq) leader.idempotency.delete(idempotencyKey);
    }
    const key = keyText(entryKey(entry));
    const newest = leader.overlay.get(key);
    if (newest === undefined || settled.has(key)) continue;
    if (holds('known-rows-follow-table')) know(known, leader.term, key, entry);
    if (newest.seq <= appliedSeq) {
      leader.overlay.delete(key);
      continue;
    }
    let item = newest;
    while (item.previous !== null && item.previous.seq > appliedSeq) item = item.previous;
    item.previous = null;
    settled.add(key);
  }
}

function know(known: KnownRows, term: Term, key: string, entry: Entry): void {
  const version = isDelete(entry) ? null : { epoch: entry.epoch, seq: entry.seq };
  known.applied(term, key, version, () => {
    const { version: own, contentType, value } = entryContent(entry);
    // Its own bytes: those of the entry are a small part of what they were cut from.
    return { version: own, contentType, value: new Uint8Array(value) };
  });
}

/** The greatest position that a commit quorum holds durably, the leader itself among it. */
export function quorumSeq(leader: Leader, ownDurableSeq: number): number {
  const needed = (holds('commit-quorum') ? commitQuorum(leader.voters.length) : 1) - 1;
  if (needed === 0) return ownDurableSeq;
  if (needed === 1) {
    let greatest = 0;
    for (const progress of leader.peers.values()) {
      if (progress.synced && progress.matchSeq > greatest && counts(progress)) greatest = progress.matchSeq;
    }
    return Math.min(ownDurableSeq, greatest);
  }
  const matches: number[] = [];
  for (const progress of leader.peers.values()) {
    if (progress.synced && counts(progress)) matches.push(progress.matchSeq);
  }
  if (matches.length < needed) return 0;
  matches.sort((a, b) => b - a);
  return Math.min(ownDurableSeq, matches[needed - 1] ?? 0);
}

/** Voters other than the leader for which `test` holds reach the quorum together with it. */
export function quorumOfPeers(leader: Leader, test: (progress: Progress) => boolean): boolean {
  let missing = commitQuorum(leader.voters.length) - 1;
  if (missing === 0) return true;
  for (const progress of leader.peers.values()) {
    if (counts(progress) && test(progress)) missing -= 1;
    if (missing === 0) return true;
  }
  return false;
}
