/**
 * The state of one replica of one partition, as its worker holds it in memory, and the steps on it that need
 * nothing else.
 *
 * Memory runs ahead of the disk: `promisedEpoch`, `syncedEpoch` and `lastSeq` are what was handed to the
 * log's writer; `durable` is what the writer has answered for. Nothing is told to anyone from what is not
 * durable.
 *
 *        promise e          lead e (chosen)            the ring record says so
 *   idle ----------> fenced ---------------> attempt --------------------------> serving
 *     ^                |  append or report of e's leader                            |
 *     |                v                                                            |
 *     +---- synced (backup, learner) <-----------------------------------------------+  promise of a higher
 *     epoch,
 *                                                                                       own disk failed,
 *                                                                                       newer ring
 */
import { assert } from '../assert.js';
import type { Entry } from '../protocol/entry.js';
import { entryLogTime } from '../protocol/entry.js';
import type { AckMemory, EpochStart, RecoveredReplica } from '../protocol/log-command.js';
import type { WorkerId } from '../ring/ring-record.js';
import { storeKey } from '../ring/ring-record.js';
import type { WriteDone } from './effect.js';
import type { Leader } from './leader.js';

/** The read leases that this replica granted, on its own clock. */
export interface Grants {
  epoch: number;
  until: number;
  /** Latest end of any grant of an epoch before. */
  olderUntil: number;
}

/**
 * A write that was handed out by a leader that is none any more: its outcome shows in a later configuration.
 */
export interface UnresolvedWrite {
  epoch: number;
  seq: number;
  created: boolean;
  giveUpAt: number;
  done: WriteDone;
}

/** Towards being level with the leader of `epoch`. */
export interface Receiver {
  epoch: number;
  leader: WorkerId;
  /** Set once the promise is durable and the report sent. */
  reported: boolean;
  progressAt: number;
  cutTo: number;
  gathered: Entry[];
  gatheredBytes: number;
  copy: ReceivedCopy | null;
}

export interface ReceivedCopy {
  number: number;
  atSeq: number;
  nextChunk: number;
  /** A chunk is on its way to the disk. */
  staging: boolean;
  staged: boolean;
  /** Not before: the throttle. */
  pullAt: number;
}

export interface Replica {
  readonly partition: number;
  promisedEpoch: number;
  syncedEpoch: number;
  epochStarts: EpochStart[];
  lastSeq: number;
  durable: {
    promisedEpoch: number;
    syncedEpoch: number;
    epochStarts: EpochStart[];
    lastSeq: number;
    baseSeq: number;
  };
  /** Commands of this partition that the writer has not answered. */
  writesUnderWay: number;
  /** A command failed; nothing more is issued until all are answered and memory is set back to the disk. */
  stalled: boolean;
  /** Everything up to here is known to be committed; may be beyond `lastSeq` for a laggard. */
  commitSeq: number;
  /** Handed to the table; seen by its readers; certain to be found after a crash. */
  appliedUpTo: number;
  appliedSeq: number;
  checkpointedSeq: number;
  /** The commit position last noted in the log. */
  notedSeq: number;
  /** Entries after `tailBase`, which is never above `appliedSeq`. */
  tail: Entry[];
  tailBase: number;
  logBytes: number;
  /** Everyone holds everything up to here, as the leader says. */
  allSeq: number;
  grants: Grants;
  /**
   * Its own append failed in this epoch after the entry was sent: never serves in one not above it, for this
   * run.
   */
  lostPlaceEpoch: number;
  /** It gave its leases back in this epoch and takes none again in it. */
  givenBackEpoch: number;
  leader: Leader | null;
  receiver: Receiver | null;
  /** The table is being swapped for a copy, or being dropped: it answers and applies nothing. */
  tableBusy: boolean;
  /** Rows of a copy were staged beside the table since it was last emptied. */
  stagedRows: boolean;
  /** Grows when a copy replaces the table: what was applied before means nothing then. */
  tableGeneration: number;
  /** Memory before a sync that is not durable yet. */
  undo: { tail: Entry[]; tailBase: number } | null;
  /** Its data is being removed. */
  deleting: boolean;
  /** A row of the table does not match its checksum: a copy has to replace the table. */
  damaged: boolean;
  /** Its log was damaged and its data removed: it answers no fence until it was synced anew. */
  forgotten: boolean;
  unresolved: UnresolvedWrite[];
  /** By worker and store. */
  acks: Map<string, AckMemory>;
  /** Monotonic time at which it was last known to have applied all that was committed; null if never. */
  freshAt: number | null;
  /** Grows when something that heartbeats tell has changed. */
  reportVersion: number;
  /** It is among those that the next flush looks at. */
  isDirty: boolean;
}

export function newReplica(partition: number): Replica {
  return recoveredReplica({
    partition,
    promisedEpoch: 0,
    syncedEpoch: 0,
    epochStarts: [],
    baseSeq: 0,
    lastSeq: 0,
    commitSeq: 0,
    appliedSeq: 0,
    tail: [],
    forgotten: false,
    logBytes: 0,
    acks: [],
  });
}

export function recoveredReplica(found: RecoveredReplica): Replica {
  const { promisedEpoch, syncedEpoch, epochStarts, lastSeq, baseSeq, appliedSeq } = found;
  assert(
    appliedSeq + found.tail.length === lastSeq,
    'the recovered tail reaches from the table to the end of the log',
  );
  return {
    partition: found.partition,
    promisedEpoch,
    syncedEpoch,
    epochStarts,
    lastSeq,
    durable: { promisedEpoch, syncedEpoch, epochStarts, lastSeq, baseSeq },
    writesUnderWay: 0,
    stalled: false,
    commitSeq: Math.max(found.commitSeq, appliedSeq),
    appliedUpTo: appliedSeq,
    appliedSeq,
    checkpointedSeq: appliedSeq,
    notedSeq: found.commitSeq,
    tail: found.tail,
    tailBase: appliedSeq,
    logBytes: found.logBytes,
    allSeq: 0,
    grants: { epoch: 0, until: -Infinity, olderUntil: -Infinity },
    lostPlaceEpoch: 0,
    givenBackEpoch: 0,
    leader: null,
    receiver: null,
    tableBusy: false,
    stagedRows: false,
    tableGeneration: 0,
    undo: null,
    deleting: false,
    damaged: false,
    forgotten: found.forgotten,
    unresolved: [],
    acks: new Map(found.acks.map((memory) => [storeKey(memory), memory])),
    freshAt: null,
    reportVersion: 1,
    isDirty: false,
  };
}

/** Entries after `afterSeq` up to `throughSeq` from memory; null if memory does not reach back that far. */
export function tailSlice(replica: Replica, afterSeq: number, throughSeq = replica.lastSeq): Entry[] | null {
  if (afterSeq < replica.tailBase) return null;
  return replica.tail.slice(afterSeq - replica.tailBase, throughSeq - replica.tailBase);
}

/** As many of the first entries as `bytesMax` holds, but one at least if there is one. */
export function firstWithin(entries: Entry[], bytesMax: number): Entry[] {
  let bytes = 0;
  const count = entries.findIndex((entry) => {
    bytes += entry.bytes.length;
    return bytes > bytesMax;
  });
  return count < 0 ? entries : entries.slice(0, Math.max(1, count));
}

/** Of those among the entries that are not above `seq`. */
export function bytesUpTo(seq: number, entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) {
    if (entry.seq > seq) break;
    bytes += entry.bytes.length;
  }
  return bytes;
}

export function entryAt(replica: Replica, seq: number): Entry | undefined {
  return replica.tail[seq - replica.tailBase - 1];
}

/** The epoch in which the log's position was written, by its epoch starts; 0 if unknown. */
export function epochAt(starts: readonly EpochStart[], seq: number): number {
  for (let index = starts.length - 1; index >= 0; index -= 1) {
    const start = starts[index];
    if (start !== undefined && start.firstSeq <= seq) return start.epoch;
  }
  return 0;
}

/** The log on the disk holds this very entry. */
export function hasEntry({ durable }: Replica, epoch: number, seq: number): boolean {
  return seq <= durable.lastSeq && epochAt(durable.epochStarts, seq) === epoch;
}

/** Forgets entries that the table shows its readers, unless a copy that comes in will need them after it. */
export function dropAppliedTail(replica: Replica): void {
  const copy = replica.receiver?.epoch === replica.syncedEpoch ? replica.receiver.copy : null;
  const through = Math.min(replica.appliedSeq, copy?.atSeq ?? Infinity);
  const count = through - replica.tailBase;
  if (count <= 0) return;
  replica.tail.splice(0, count);
  replica.tailBase = through;
}

/** Memory becomes what the disk holds: after a failed command, when all commands were answered. */
export function resetToDurable(replica: Replica): void {
  const { durable } = replica;
  assert(replica.writesUnderWay === 0, 'memory is set back only when the writer is idle');
  assert(durable.lastSeq >= replica.appliedUpTo, 'what was applied is durable');
  replica.syncedEpoch = durable.syncedEpoch;
  replica.epochStarts = durable.epochStarts;
  replica.lastSeq = durable.lastSeq;
  if (replica.undo !== null) Object.assign(replica, replica.undo, { undo: null });
  replica.tail.length = durable.lastSeq - replica.tailBase;
  replica.stalled = false;
  replica.receiver = null;
  dropAppliedTail(replica);
}

export function lastLogTime(replica: Replica): number {
  const last = replica.tail[replica.tail.length - 1];
  return last === undefined ? 0 : entryLogTime(last);
}

/**
 * Nothing is under way that time alone could move on, but the next sign of life of a leader: everyone it
 * leads holds all of its log, and nobody waits for an answer.
 */
export function isAtRest(replica: Replica): boolean {
  const { leader } = replica;
  if (replica.receiver !== null || replica.stalled || replica.unresolved.length > 0) return false;
  if (replica.promisedEpoch > replica.durable.promisedEpoch) return false;
  if (leader === null) return true;
  if (!leader.active || leader.hold !== null || leader.reads.length > 0) return false;
  for (const progress of leader.peers.values()) {
    if (progress.state !== 'level' || progress.copy !== null) return false;
    if (progress.nextSeq - 1 > progress.matchSeq || progress.matchSeq < replica.lastSeq) return false;
  }
  return true;
}

/** Until when a fence has to wait for the grants of lower epochs. */
export function grantsEnd(grants: Grants): number {
  return Math.max(grants.until, grants.olderUntil);
}

export function grant(grants: Grants, epoch: number, until: number): void {
  if (grants.epoch !== epoch) {
    grants.olderUntil = grantsEnd(grants);
    grants.epoch = epoch;
    grants.until = until;
  } else {
    grants.until = Math.max(grants.until, until);
  }
}
