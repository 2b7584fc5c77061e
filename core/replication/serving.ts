/**
 * The primary's work: ordering writes, committing them, answering reads. Called only with a replica that
 * leads.
 */
import { assert } from '../assert.js';
import type { Entry, EntryContent } from '../protocol/entry.js';
import { encodeEntry, entryContent, isDelete, requestDigest } from '../protocol/entry.js';
import type {
  Operation,
  Precondition,
  ReadOperation,
  ReadOutcome,
  Row,
  Version,
  WriteOperation,
  WriteOutcome,
} from '../protocol/operation.js';
import { holds } from '../rules.js';
import type { Applier } from './apply.js';
import type { Context } from './context.js';
import type { ReadDone, WriteDone } from './effect.js';
import type { Leader, PendingRead } from './leader.js';
import { addToOverlay, keyText, overlaySeq, quorumSeq } from './leader.js';
import type { KnownRow } from './known-rows.js';
import { confirmingRound, hasLease, isConfirmed, isServing } from './lease.js';
import type { Replica } from './replica.js';
import { entryAt } from './replica.js';

/** Says that the table need not be asked: nothing is taken from it. */
const inOverlay: KnownRow = { version: null, row: null };

/** What the table shows for a key and an idempotency key, read in the same tick. */
export interface Stored {
  /**
   * The version of the row, which only a precondition asks for: without one, any stands for *there is one*.
   */
  version: Version | null;
  reply: { version: Version; created: boolean; kind: 'put' | 'delete'; digest: number } | null;
}

export function notApplied(reason: Extract<WriteOutcome, { type: 'notApplied' }>['reason'], detail: string) {
  return { type: 'notApplied', reason, detail } as const;
}

export function refusalToServe(replica: Replica | undefined, epoch: number) {
  const leader = replica?.leader ?? null;
  if (replica === undefined || leader === null || !isServing(replica)) {
    return notApplied('moved', 'this worker does not serve the partition');
  }
  if (leader.epoch < epoch) return notApplied('moved', 'this worker does not know the newest ring yet');
  if (leader.hold !== null) return notApplied('moving', 'the partition is being handed over');
  return null;
}

function preconditionHolds(precondition: Precondition, current: Version | null): boolean {
  const matches = precondition.versions?.some(
    (version) => current !== null && version.epoch === current.epoch && version.seq === current.seq,
  );
  if (precondition.type === 'none') return true;
  if (precondition.type === 'ifMatch') return matches ?? current !== null;
  return !(matches ?? current !== null);
}

export class Serving {
  constructor(
    private readonly context: Context,
    private readonly applier: Applier,
  ) {}

  /**
   * What it knows of a key without its table; undefined if the table has to be asked. Entries that the table
   * does not show yet go first, and are found by `write` and `read` themselves.
   */
  known(replica: Replica, operation: Operation, isRead: boolean): KnownRow | undefined {
    const { leader } = replica;
    if (leader === null || !isServing(replica)) return undefined;
    const text = textOf(operation);
    if (overlaySeq(leader, text, isRead ? readableSeq(replica) : Infinity) !== null) return inOverlay;
    return this.context.known.get(leader.term, text);
  }

  write(replica: Replica, operation: WriteOperation, stored: Stored, done: WriteDone): void {
    const leader = replica.leader;
    assert(leader !== null && isServing(replica), 'writes reach a serving primary');
    const refuse = this.admission(leader, operation);
    if (refuse !== null) return this.context.answer(() => done(refuse));

    const before = holds('idempotency-before-precondition');
    if (before && this.answerRepeat(replica, leader, operation, stored, done)) return;
    const key = textOf(operation);
    const newestSeq = overlaySeq(leader, key, Infinity);
    const current = newestSeq === null ? stored.version : this.versionAt(replica, newestSeq);
    if (!preconditionHolds(operation.precondition, current)) {
      const outcome: WriteOutcome = { type: 'preconditionFailed', current };
      return this.answerAsRead(replica, leader, newestSeq ?? 0, outcome, done);
    }
    if (!before && this.answerRepeat(replica, leader, operation, stored, done)) return;
    if (operation.type === 'delete' && current === null) {
      return this.answerAsRead(replica, leader, newestSeq ?? 0, { type: 'absent' }, done);
    }
    this.add(replica, leader, operation, key, current === null, done);
  }

  private admission(leader: Leader, operation: WriteOperation): WriteOutcome | null {
    const { limits } = this.context;
    const lack = this.context.room.lackFor(leader);
    if (lack !== '') return notApplied('full', lack);
    if (leader.pending.length >= limits.uncommittedEntriesMax) {
      return notApplied('overloaded', 'too many writes of this partition are in flight');
    }
    if (leader.pendingBytes + operation.value.length > limits.uncommittedBytesMax) {
      return notApplied('overloaded', 'too many bytes of this partition are in flight');
    }
    if (this.context.lagging) {
      return notApplied('overloaded', 'the table of the primary lags behind its log');
    }
    return null;
  }

  /** A request seen before gets the outcome of its first try, whatever its precondition says now. */
  private answerRepeat(
    replica: Replica,
    leader: Leader,
    operation: WriteOperation,
    stored: Stored,
    done: WriteDone,
  ): boolean {
    if (operation.idempotencyKey === '') return false;
    const seq = leader.idempotency.get(operation.idempotencyKey);
    const first = seq === undefined ? undefined : entryAt(replica, seq);
    const content = first === undefined ? undefined : entryContent(first);
    const inFlight = seq !== undefined && seq > replica.commitSeq;
    if (inFlight && !holds('idempotency-in-flight')) return false;
    const remembered = content ?? stored.reply;
    if (remembered === null) return false;
    if (remembered.digest !== requestDigest(operation, this.context.checksum)) {
      const text = 'the idempotency key was used for another request';
      this.context.answer(() => done(notApplied('idempotencyConflict', text)));
      return true;
    }
    if (inFlight) {
      const pending = leader.pending.find((write) => write.seq === seq);
      if (pending !== undefined) {
        pending.repeats.push(done);
        return true;
      }
    }
    const outcome: WriteOutcome = {
      type: 'applied',
      version: remembered.version,
      partition: replica.partition,
      created: remembered.created,
      replayed: true,
      acks: this.ackCount(leader, remembered.version.seq),
    };
    // Without a quorum nothing is known of the first try: it may be applied.
    const refused: WriteOutcome = { type: 'unknown', reason: 'too few replicas answer' };
    this.answerAsRead(replica, leader, seq ?? 0, outcome, done, refused);
    return true;
  }

  private versionAt(replica: Replica, seq: number): Version | null {
    const entry = entryAt(replica, seq);
    assert(entry !== undefined, 'the overlay points into the tail');
    return isDelete(entry) ? null : { epoch: entry.epoch, seq };
  }

  private add(
    replica: Replica,
    leader: Leader,
    operation: WriteOperation,
    key: string,
    created: boolean,
    done: WriteDone,
  ): void {
    const { context } = this;
    leader.logTime = Math.max(leader.logTime, context.wall);
    const content: EntryContent = {
      kind: operation.type,
      version: { epoch: leader.epoch, seq: replica.lastSeq + 1 },
      logTime: leader.logTime,
      created,
      key: operation.key,
      contentType: operation.contentType,
      idempotencyKey: operation.idempotencyKey,
      digest: operation.idempotencyKey === '' ? 0 : requestDigest(operation, context.checksum),
      value: operation.value,
    };
    const entry = encodeEntry(content, context.checksum);
    replica.tail.push(entry);
    replica.lastSeq = entry.seq;
    replica.logBytes += entry.bytes.length;
    addToOverlay(leader, key, entry.seq);
    if (content.idempotencyKey !== '') leader.idempotency.set(content.idempotencyKey, entry.seq);
    const { version } = content;
    leader.pending.push({
      seq: entry.seq,
      version,
      created,
      bytes: entry.bytes.length,
      acceptedAt: context.now,
      handedOutAt: context.now,
      done,
      repeats: [],
    });
    leader.pendingBytes += entry.bytes.length;
    context.took(entry);
    context.wantFlush(replica);
  }

  /** An answer that adds no entry waits for what it was evaluated against, then is checked as a read is. */
  private answerAsRead(
    replica: Replica,
    leader: Leader,
    needSeq: number,
    outcome: WriteOutcome,
    done: WriteDone,
    refused: WriteOutcome | null = null,
  ): void {
    if (!holds('no-entry-is-a-read')) return this.context.answer(() => done(outcome));
    this.settle(replica, leader, {
      needSeq,
      round: confirmingRound(leader),
      giveUpAt: this.context.now + this.context.limits.requestDeadlineMs,
      answer: () => done(outcome),
      refuse: (detail) => done(refused ?? notApplied('noQuorum', detail)),
    });
  }

  read(replica: Replica, operation: ReadOperation, row: Row | null, done: ReadDone): void {
    const leader = replica.leader;
    assert(leader !== null && isServing(replica), 'linearizable reads reach a serving primary');
    const key = textOf(operation);
    const seq = overlaySeq(leader, key, readableSeq(replica));
    if (seq === null) this.context.known.read(leader.term, key, row);
    const outcome = readOutcome(replica, seq === null ? row : rowOf(entryAt(replica, seq)), null);
    this.settle(replica, leader, {
      needSeq: 0,
      round: confirmingRound(leader),
      giveUpAt: this.context.now + this.context.limits.requestDeadlineMs,
      answer: () => done(outcome),
      refuse: (detail) => done(notApplied('noQuorum', detail)),
    });
  }

  /** Any replica answers from its table what is marked eventual, or a version that it has applied. */
  readAsReplica(replica: Replica, operation: ReadOperation, row: Row | null, done: ReadDone): boolean {
    const { atLeast, consistency } = operation;
    if (replica.tableBusy || replica.deleting || replica.syncedEpoch === 0) return false;
    if (atLeast === null && consistency !== 'eventual') return false;
    if (atLeast !== null && replica.appliedSeq < atLeast.seq) return false;
    const staleMs = replica.freshAt === null ? null : Math.max(0, this.context.now - replica.freshAt);
    const outcome = readOutcome(replica, row, isServing(replica) ? 0 : staleMs);
    this.context.measured.readsByReplica += 1;
    this.context.answer(() => done(outcome));
    return true;
  }

  private settle(replica: Replica, leader: Leader, read: PendingRead): void {
    leader.readAt = this.context.now;
    if (read.needSeq <= replica.commitSeq && hasLease(this.context, replica, leader)) {
      this.context.measured.readsByLease += 1;
      return this.context.answer(read.answer);
    }
    if (leader.reads.length >= 10_000) {
      return this.context.answer(() => read.refuse('too many reads wait for a quorum'));
    }
    leader.reads.push(read);
    leader.wantsRound = true;
    this.context.wantFlush(replica);
    this.settleReads(replica, leader);
  }

  /** Call when leases, confirmations or the commit position have moved. */
  settleReads(replica: Replica, leader: Leader): void {
    if (leader.reads.length === 0 || !isServing(replica)) return;
    const leased = hasLease(this.context, replica, leader);
    leader.reads = leader.reads.filter((read) => {
      const ready = read.needSeq <= replica.commitSeq && (leased || isConfirmed(leader, read.round));
      if (!ready) return true;
      this.context.measured.readsByRound += 1;
      this.context.answer(read.answer);
      return false;
    });
  }

  /** Call when an acknowledgement or the own disk has moved. */
  advanceCommit(replica: Replica, leader: Leader): void {
    if (!leader.active || replica.stalled) return;
    const own = holds('commit-after-durable-here') ? replica.durable.lastSeq : replica.lastSeq;
    const seq = quorumSeq(leader, own);
    if (seq > replica.commitSeq) {
      assert(seq <= replica.lastSeq, 'nothing beyond the log is committed');
      replica.commitSeq = seq;
      this.answerCommitted(replica, leader);
      this.applier.wake(replica);
    }
    this.settleReads(replica, leader);
  }

  private answerCommitted(replica: Replica, leader: Leader): void {
    let count = 0;
    for (const write of leader.pending) {
      if (write.seq > replica.commitSeq) break;
      count += 1;
      leader.pendingBytes -= write.bytes;
      this.context.measured.committed(write.acceptedAt, this.context.now);
      const outcome: WriteOutcome = {
        type: 'applied',
        version: write.version,
        partition: replica.partition,
        created: write.created,
        replayed: false,
        acks: this.ackCount(leader, write.seq),
      };
      if (this.context.measured.keepsTimes) {
        const { acceptedAt, handedOutAt } = write;
        outcome.times = { acceptedAt, handedOutAt, quorumAt: this.context.now };
      }
      this.context.answer(() => write.done(outcome));
      for (const repeat of write.repeats) this.context.answer(() => repeat({ ...outcome, replayed: true }));
    }
    leader.pending.splice(0, count);
  }

  private ackCount(leader: Leader, seq: number): number {
    let count = 1;
    for (const progress of leader.peers.values()) if (progress.voter && progress.matchSeq >= seq) count += 1;
    return count;
  }

  giveUpReads(leader: Leader): void {
    leader.reads = leader.reads.filter((read) => {
      if (this.context.now < read.giveUpAt) return true;
      this.context.answer(() => read.refuse('too few replicas answer'));
      return false;
    });
  }
}

/** Made once for each operation: it is asked for before the table and again after it. */
function textOf(operation: Operation): string {
  operation.keyText ??= keyText(operation.key);
  return operation.keyText;
}

/** The newest position that reads may see. */
function readableSeq(replica: Replica): number {
  return holds('committed-reads') ? replica.commitSeq : replica.lastSeq;
}

function rowOf(entry: Entry | undefined): Row | null {
  assert(entry !== undefined, 'the overlay points into the tail');
  const content = entryContent(entry);
  if (content.kind === 'delete') return null;
  return { version: content.version, contentType: content.contentType, value: content.value };
}

export function readOutcome(replica: Replica, row: Row | null, staleMs: number | null): ReadOutcome {
  const { partition } = replica;
  if (row === null) return { type: 'missing', partition, staleMs };
  return { type: 'found', row, valueBytes: row.value.length, partition, staleMs };
}
