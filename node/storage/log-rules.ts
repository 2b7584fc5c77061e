/**
 * What each command means and when it is refused: the checks of promise, epoch and contiguity, made inside
 * the log's transaction by its one writer. A refused command changes nothing; the others of the transaction
 * go on.
 */
import { unreachable } from '../../core/assert.js';
import { holds } from '../../core/rules.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { AckMemory, LogCommand, LogResult, PeerRun } from '../../core/protocol/log-command.js';
import { storeKey } from '../../core/ring/ring-record.js';
import type { ReplicaRow } from './log-columns.js';
import type { EntryPlaces } from './entry-places.js';

export interface LogReplica extends ReplicaRow {
  places: EntryPlaces;
}

/** The changes that a transaction can make; all of them are undone if it does not commit. */
export interface LogTransaction {
  replica(partition: number): LogReplica | undefined;
  create(partition: number): LogReplica;
  change(replica: LogReplica, fields: Partial<ReplicaRow>): void;
  append(replica: LogReplica, entries: readonly Entry[]): void;
  cutAfter(replica: LogReplica, seq: number): void;
  trimThrough(replica: LogReplica, seq: number): void;
  /** Removes all entries; the next one comes after `afterSeq`. */
  empty(replica: LogReplica, afterSeq: number): void;
  erase(replica: LogReplica): void;
  keepRing(version: number, bytes: Uint8Array): void;
  keepLease(leaseMs: number): void;
  keepPeerRun(run: PeerRun): void;
}

type CommandOf<T extends LogCommand['type']> = Extract<LogCommand, { type: T }>;

const done: LogResult = { status: 'done' };
/** Remembered acknowledgements of one partition: voters past and present, the newest kept. */
const acksMax = 32;

function refused(reason: string): LogResult {
  return { status: 'refused', reason };
}

export function execute(command: LogCommand, log: LogTransaction): LogResult {
  switch (command.type) {
    case 'append':
      return append(command, log);
    case 'promise':
      return promise(command, log);
    case 'sync':
      return sync(command, log);
    case 'note':
      return note(command, log);
    case 'trim':
      return trim(command, log);
    case 'delete':
      return remove(command, log);
    case 'forget':
      return forget(command, log);
    case 'ring':
      log.keepRing(command.version, command.bytes);
      return done;
    case 'peerRun':
      log.keepPeerRun(command.run);
      return done;
    case 'lease':
      log.keepLease(command.leaseMs);
      return done;
    default:
      return unreachable(command);
  }
}

function belowPromise(replica: LogReplica | undefined, epoch: number): boolean {
  return replica !== undefined && epoch < replica.promisedEpoch && holds('refuse-below-promise');
}

/**
 * Entries must follow each other and `lastSeq`. Where the rule is broken on purpose, gaps alone are let
 * through.
 */
function follows(lastSeq: number, entries: readonly Entry[]): boolean {
  let previous = lastSeq;
  for (const { seq } of entries) {
    if (seq <= previous || (seq > previous + 1 && holds('contiguous-prefix'))) return false;
    previous = seq;
  }
  return true;
}

function promise({ partition, epoch }: CommandOf<'promise'>, log: LogTransaction): LogResult {
  const found = log.replica(partition);
  if (belowPromise(found, epoch)) return refused(`promised ${found?.promisedEpoch ?? 0}`);
  const replica = found ?? log.create(partition);
  if (epoch > replica.promisedEpoch) log.change(replica, { promisedEpoch: epoch });
  return done;
}

function append({ partition, epoch, entries }: CommandOf<'append'>, log: LogTransaction): LogResult {
  const replica = log.replica(partition);
  if (replica === undefined) return refused('no such replica');
  if (belowPromise(replica, epoch)) return refused(`promised ${replica.promisedEpoch}`);
  if (epoch !== replica.syncedEpoch && holds('append-needs-synced-epoch')) {
    return refused(`synced in ${replica.syncedEpoch}`);
  }
  if (!follows(replica.places.lastSeq, entries)) return refused(`log ends at ${replica.places.lastSeq}`);
  log.append(replica, entries);
  return done;
}

function sync(command: CommandOf<'sync'>, log: LogTransaction): LogResult {
  const { partition, epoch, cutTo, copy, entries } = command;
  const found = log.replica(partition);
  if (belowPromise(found, epoch)) return refused(`promised ${found?.promisedEpoch ?? 0}`);
  const start = copy === null ? cutTo : copy.atSeq;
  if (found !== undefined && epoch <= found.syncedEpoch && holds('no-cut-within-synced-epoch')) {
    // A copy may replace the table within the epoch, if the log that follows it ends no earlier than before.
    const cutsNothing = copy !== null && start + entries.length >= found.places.lastSeq;
    if (epoch < found.syncedEpoch || !cutsNothing) return refused(`synced in ${found.syncedEpoch}`);
  }
  if (!follows(start, entries)) return refused('entries do not follow');
  if (copy === null) {
    const lastSeq = found?.places.lastSeq ?? 0;
    if (cutTo > lastSeq && holds('contiguous-prefix')) return refused(`log ends at ${lastSeq}`);
    if (cutTo < (found?.baseSeq ?? 0)) return refused(`log begins after ${found?.baseSeq ?? 0}`);
  }
  const replica = found ?? log.create(partition);
  if (copy === null) {
    log.cutAfter(replica, cutTo);
  } else {
    log.empty(replica, copy.atSeq);
    const commitSeq = Math.max(replica.commitSeq, copy.atSeq);
    log.change(replica, { copyNumber: copy.number, commitSeq });
  }
  log.append(replica, entries);
  log.change(replica, {
    syncedEpoch: Math.max(epoch, replica.syncedEpoch),
    promisedEpoch: Math.max(epoch, replica.promisedEpoch),
    epochStarts: command.epochStarts,
    forgotten: false,
  });
  return done;
}

function note({ commits }: CommandOf<'note'>, log: LogTransaction): LogResult {
  for (const { partition, seq, acks } of commits) {
    const replica = log.replica(partition);
    if (replica === undefined) continue;
    log.change(replica, {
      commitSeq: Math.max(replica.commitSeq, seq),
      acks: acks.length === 0 ? replica.acks : mergeAcks(replica.acks, acks),
    });
  }
  return done;
}

function mergeAcks(held: readonly AckMemory[], added: readonly AckMemory[]): AckMemory[] {
  const byStore = new Map(held.map((ack) => [storeKey(ack), ack]));
  for (const ack of added) byStore.set(storeKey(ack), ack);
  const all = [...byStore.values()];
  if (all.length <= acksMax) return all;
  return all.sort((a, b) => b.epoch - a.epoch || b.seq - a.seq).slice(0, acksMax);
}

function trim({ partition, throughSeq }: CommandOf<'trim'>, log: LogTransaction): LogResult {
  const replica = log.replica(partition);
  if (replica === undefined) return done;
  const through = Math.min(throughSeq, replica.places.lastSeq);
  if (through > replica.baseSeq) log.trimThrough(replica, through);
  return done;
}

function remove({ partition, recordEpoch }: CommandOf<'delete'>, log: LogTransaction): LogResult {
  const replica = log.replica(partition);
  if (replica === undefined) return done;
  if (replica.promisedEpoch > recordEpoch && holds('delete-at-promise')) {
    return refused(`promised ${replica.promisedEpoch}`);
  }
  clear(replica, log);
  if (!holds('promise-survives-delete')) log.erase(replica);
  return done;
}

function forget({ partition }: CommandOf<'forget'>, log: LogTransaction): LogResult {
  const replica = log.replica(partition);
  if (replica === undefined) return done;
  clear(replica, log);
  log.change(replica, { forgotten: true });
  return done;
}

/** Leaves the promise alone. */
function clear(replica: LogReplica, log: LogTransaction): void {
  log.empty(replica, 0);
  log.change(replica, {
    syncedEpoch: 0,
    epochStarts: [],
    commitSeq: 0,
    copyNumber: 0,
    forgotten: false,
    acks: [],
  });
}
