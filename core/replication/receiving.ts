/**
 * Becoming level: the receiver promises the leader's epoch durably, reports its log, gathers what the leader
 * sends, and switches in one command of the log. Nothing it gathers counts before that.
 *
 *   leader of a higher epoch speaks -> promise durable -> report -> parts of the log -----------> synced
 *                                                            \-> copy offered -> staged -> report -^
 */
import { assert } from '../assert.js';
import type { Limits } from '../limits.js';
import type { Entry } from '../protocol/entry.js';
import { parseEntry } from '../protocol/entry.js';
import type { EpochStart } from '../protocol/log-command.js';
import type { PeerMessageOf } from '../protocol/peer-message.js';
import { WireError } from '../protocol/wire.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Applier } from './apply.js';
import type { Context } from './context.js';
import type { ReceivedCopy, Receiver, Replica } from './replica.js';
import { bytesUpTo, dropAppliedTail, tailSlice } from './replica.js';

const epochStartsMax = 1_024;
const refillEveryMs = 2_000;

function newReceiver(epoch: number, leader: WorkerId, now: number, copy: ReceivedCopy | null): Receiver {
  const gathered: Entry[] = [];
  return { epoch, leader, reported: false, progressAt: now, cutTo: 0, gathered, gatheredBytes: 0, copy };
}

/** A copy that comes no further for this long is given up. */
function copyPatience(limits: Limits): number {
  return 20 * limits.syncProgressMs;
}

export class Receiving {
  constructor(
    private readonly context: Context,
    private readonly applier: Applier,
  ) {}

  /** The leader of an epoch above the synced one was heard. */
  leaderSpoke(replica: Replica, epoch: number, leader: WorkerId): void {
    const { now, limits } = this.context;
    const known = replica.receiver;
    const same = known?.epoch === epoch && known.leader === leader;
    // A chunk may wait behind a checkpoint on either disk: giving up means to begin the copy anew.
    const patienceMs = (known?.copy ?? null) === null ? limits.syncProgressMs : copyPatience(limits);
    if (same && known.reported && now - known.progressAt < patienceMs) return;
    if (replica.tableBusy || replica.deleting) return;
    const copy = same && known.copy?.staged === true ? known.copy : null;
    replica.receiver = newReceiver(epoch, leader, now, copy);
    if (replica.durable.promisedEpoch >= epoch || !holds('promise-first')) this.promised(replica);
  }

  /** The leader it is level with spoke, and its own table is damaged: a copy has to replace it. */
  wantRefill(replica: Replica, epoch: number, leader: WorkerId): void {
    const known = replica.receiver;
    const patienceMs = (known?.copy ?? null) === null ? refillEveryMs : copyPatience(this.context.limits);
    if (known?.reported === true && this.context.now - known.progressAt < patienceMs) return;
    if (replica.tableBusy || replica.durable.syncedEpoch !== epoch) return;
    const copy = known?.copy?.staged === true ? known.copy : null;
    replica.receiver = newReceiver(epoch, leader, this.context.now, copy);
    this.sendReport(replica, replica.receiver);
  }

  /** The promise is durable: the log may be reported. */
  promised(replica: Replica): void {
    const { receiver } = replica;
    if (receiver === null || receiver.reported) return;
    if (receiver.epoch < replica.promisedEpoch && holds('refuse-below-promise')) return;
    if (replica.durable.promisedEpoch < receiver.epoch && holds('promise-first')) return;
    this.sendReport(replica, receiver);
  }

  private sendReport(replica: Replica, receiver: Receiver): void {
    receiver.reported = true;
    const { durable } = replica;
    const staged = receiver.copy?.staged === true ? receiver.copy : null;
    this.context.send(receiver.leader, {
      type: 'report',
      partition: replica.partition,
      epoch: receiver.epoch,
      syncedEpoch: durable.syncedEpoch,
      epochStarts: durable.epochStarts.slice(-epochStartsMax),
      baseSeq: durable.baseSeq,
      lastSeq: durable.lastSeq,
      appliedSeq: replica.appliedUpTo,
      refill: replica.damaged && durable.syncedEpoch === receiver.epoch,
      staged: staged === null ? null : { number: staged.number, atSeq: staged.atSeq },
    });
  }

  /** The receiver this message is for, or null if it is of another time. */
  private receiverFor(
    from: WorkerId,
    message: { partition: number; epoch: number },
  ): { replica: Replica; receiver: Receiver } | null {
    const replica = this.context.replicas.get(message.partition);
    const receiver = replica?.receiver ?? null;
    if (replica === undefined || receiver === null || replica.stalled || replica.deleting) return null;
    if (receiver.epoch !== message.epoch || receiver.leader !== from || !receiver.reported) return null;
    if (message.epoch < replica.promisedEpoch && holds('refuse-below-promise')) return null;
    return { replica, receiver };
  }

  sync(from: WorkerId, message: PeerMessageOf<'sync'>): void {
    const again = holds('no-cut-within-synced-epoch') ? null : this.receiverWithin(from, message);
    const found = this.receiverFor(from, message) ?? again;
    if (found === null) return;
    const { replica, receiver } = found;
    const copy = receiver.copy?.staged === true ? receiver.copy : null;
    if (message.copyNumber !== (copy?.number ?? 0)) return;
    if (receiver.gathered.length === 0) receiver.cutTo = message.cutTo;
    const expected = receiver.cutTo + receiver.gathered.length;
    if (message.cutTo !== receiver.cutTo || message.previousSeq !== expected) return;
    const entries = this.parseEntries(message, expected);
    if (entries === null) return;
    receiver.progressAt = this.context.now;
    const bytes = bytesUpTo(Infinity, entries);
    receiver.gatheredBytes += bytes;
    this.context.measured.catchUpBytesReceived += bytes;
    receiver.gathered.push(...entries);
    if (receiver.gatheredBytes > 2 * this.context.limits.syncBytesMax) {
      replica.receiver = null;
    } else if (message.last) {
      this.switchTo(replica, receiver, message.epochStarts, copy);
    }
  }

  private parseEntries(message: PeerMessageOf<'sync'>, afterSeq: number): Entry[] | null {
    try {
      const entries = message.entries.map((bytes) => parseEntry(bytes, this.context.checksum));
      return entries.every((entry, index) => entry.seq === afterSeq + index + 1) ? entries : null;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.context.note('entry from a leader does not parse', { reason: error.message });
      return null;
    }
  }

  /**
   * What follows a copy within the epoch that the replica is synced in: its own log, of which nothing is cut.
   * Null if memory does not reach back to the copy, which is too old then.
   */
  private ownLogAfter(replica: Replica, copy: ReceivedCopy, gathered: Entry[]): Entry[] | null {
    return copy.atSeq >= replica.lastSeq ? gathered : tailSlice(replica, copy.atSeq);
  }

  /** One command makes the log equal to the leader's, at least to the start of its epoch. */
  private switchTo(
    replica: Replica,
    receiver: Receiver,
    leaderStarts: EpochStart[],
    copy: ReceivedCopy | null,
  ): void {
    const { cutTo, epoch, leader } = receiver;
    replica.receiver = null;
    const within = replica.syncedEpoch === epoch;
    const mayCut = !within || !holds('no-cut-within-synced-epoch');
    if (copy === null && (!mayCut || cutTo > replica.lastSeq || cutTo < replica.durable.baseSeq)) return;
    const ownLog = within && copy !== null ? this.ownLogAfter(replica, copy, receiver.gathered) : null;
    if (copy !== null && within && ownLog === null)
      return this.abandon(replica, 'the copy is older than the table');
    const gathered = ownLog ?? receiver.gathered;
    const epochStarts = within && cutTo < replica.lastSeq ? replica.epochStarts : leaderStarts;
    replica.undo = { tail: [...replica.tail], tailBase: replica.tailBase };
    if (copy === null) {
      assert(cutTo >= replica.appliedUpTo, 'nothing applied is ever cut', {
        partition: replica.partition,
        epoch,
      });
      replica.tail.length = cutTo - replica.tailBase;
    } else {
      assert(copy.atSeq === cutTo, 'the log of a copy begins where the copy ends');
      replica.tail = [];
      replica.tailBase = cutTo;
      replica.tableBusy = true;
      replica.logBytes = 0;
    }
    replica.tail.push(...gathered);
    this.context.takenBytes = Infinity;
    replica.lastSeq = cutTo + gathered.length;
    replica.syncedEpoch = epoch;
    replica.epochStarts = epochStarts;
    for (const entry of gathered) replica.logBytes += entry.bytes.length;
    const command = {
      type: 'sync' as const,
      partition: replica.partition,
      epoch,
      cutTo,
      epochStarts,
      entries: gathered,
      copy: copy === null ? null : { number: copy.number, atSeq: copy.atSeq },
    };
    const { lastSeq } = replica;
    this.context.persist(replica, command, {
      done: () => {
        replica.undo = null;
        replica.forgotten = false;
        Object.assign(replica.durable, { syncedEpoch: epoch, epochStarts, lastSeq });
        if (copy !== null) this.adopt(replica, copy);
        dropAppliedTail(replica);
        this.applier.wake(replica);
        this.context.changed(replica);
        if (copy !== null) replica.damaged = false;
        this.tellLevel(replica, epoch, leader);
      },
      failed: () => {
        replica.tableBusy = false;
      },
    });
  }

  private adopt(replica: Replica, copy: ReceivedCopy): void {
    replica.tableGeneration += 1;
    this.context.measured.copiesTakenOver += 1;
    replica.durable.baseSeq = copy.atSeq;
    replica.appliedUpTo = copy.atSeq;
    replica.appliedSeq = copy.atSeq;
    replica.checkpointedSeq = 0;
    replica.commitSeq = Math.max(replica.commitSeq, copy.atSeq);
    this.context.emit({
      type: 'adopt',
      partition: replica.partition,
      number: copy.number,
      done: () => {
        replica.tableBusy = false;
        replica.checkpointedSeq = copy.atSeq;
        this.applier.wake(replica);
        this.context.changed(replica);
      },
    });
  }

  private tellLevel(replica: Replica, epoch: number, leader: WorkerId): void {
    if (replica.promisedEpoch > epoch) return;
    this.context.send(leader, {
      type: 'ack',
      partition: replica.partition,
      epoch,
      round: 0,
      sentAt: 0,
      leaseMs: 0,
      durableSeq: replica.durable.lastSeq,
    });
  }

  copyOffer(from: WorkerId, message: PeerMessageOf<'copyOffer'>): void {
    const found = this.receiverFor(from, message) ?? this.receiverWithin(from, message);
    if (found === null) return;
    const { replica, receiver } = found;
    if (receiver.copy?.number === message.number || this.context.room.isLacking) return;
    receiver.copy = {
      number: message.number,
      atSeq: message.atSeq,
      nextChunk: 0,
      staging: false,
      staged: false,
      pullAt: 0,
    };
    receiver.gathered = [];
    receiver.progressAt = this.context.now;
    this.context.changed(replica);
    this.pull(replica, receiver, receiver.copy);
  }

  /** A straggler of this very epoch, whose next entry the leader's log does not hold any more. */
  private receiverWithin(
    from: WorkerId,
    message: { partition: number; epoch: number },
  ): { replica: Replica; receiver: Receiver } | null {
    const replica = this.context.replicas.get(message.partition);
    if (replica?.durable.syncedEpoch !== message.epoch || replica.promisedEpoch > message.epoch) return null;
    if (replica.receiver !== null || replica.tableBusy || replica.stalled || replica.deleting) return null;
    replica.receiver = newReceiver(message.epoch, from, this.context.now, null);
    replica.receiver.reported = true;
    return { replica, receiver: replica.receiver };
  }

  private pull(replica: Replica, receiver: Receiver, copy: ReceivedCopy): void {
    copy.pullAt = Infinity;
    this.context.send(receiver.leader, {
      type: 'copyPull',
      partition: replica.partition,
      epoch: receiver.epoch,
      number: copy.number,
      chunk: copy.nextChunk,
    });
  }

  copyChunk(from: WorkerId, message: PeerMessageOf<'copyChunk'>): void {
    const found = this.receiverFor(from, message);
    const copy = found?.receiver.copy ?? null;
    if (found === null || copy === null || copy.staging || copy.staged) return;
    if (copy.number !== message.number || copy.nextChunk !== message.chunk) return;
    const { replica, receiver } = found;
    copy.staging = true;
    replica.stagedRows = true;
    receiver.progressAt = this.context.now;
    const startedAt = this.context.now;
    const { number, atSeq } = copy;
    const { chunk, rows, last } = message;
    this.context.emit({
      type: 'stage',
      partition: replica.partition,
      stage: { number, atSeq, chunk, rows, last },
      done: (outcome) => {
        if (replica.receiver !== receiver || receiver.copy !== copy) return;
        copy.staging = false;
        receiver.progressAt = this.context.now;
        if (outcome !== 'staged') return this.abandon(replica, `copy ${outcome}`);
        this.context.measured.copyBytesReceived += rows.length;
        copy.nextChunk += 1;
        const complete = last || !holds('copy-before-log');
        if (complete) {
          copy.staged = true;
          this.sendReport(replica, receiver);
        } else {
          const paceMs = (rows.length * 1_000) / this.context.limits.copyBytesPerSecondMax;
          copy.pullAt = startedAt + paceMs;
          if (copy.pullAt <= this.context.now) this.pull(replica, receiver, copy);
        }
      },
    });
  }

  copyEnd(from: WorkerId, message: PeerMessageOf<'copyEnd'>): void {
    const found = this.receiverFor(from, message);
    if (found?.receiver.copy?.number === message.number && !found.receiver.copy.staged) {
      this.abandon(found.replica, 'the leader ended the copy');
    }
  }

  private abandon(replica: Replica, reason: string): void {
    this.context.note('copy given up', { partition: replica.partition, reason });
    this.context.measured.copiesGivenUp += 1;
    replica.receiver = null;
    this.context.changed(replica);
  }

  /**
   * The stream to its leader broke, what was on its way is lost: it reports anew as soon as the leader
   * speaks.
   */
  disconnected(replica: Replica, peer: WorkerId): void {
    if (replica.receiver?.leader !== peer) return;
    if (replica.receiver.copy?.staged === true) replica.receiver.reported = false;
    else replica.receiver = null;
  }

  tick(replica: Replica): void {
    const { receiver } = replica;
    const copy = receiver?.copy ?? null;
    if (receiver === null) return;
    // A receiver holds on to entries that its copy will need: not for ever.
    const idle = this.context.now - receiver.progressAt >= copyPatience(this.context.limits);
    if (idle && copy?.staging !== true) {
      replica.receiver = null;
      this.context.changed(replica);
    }
    if (
      replica.receiver !== null &&
      copy !== null &&
      !copy.staging &&
      !copy.staged &&
      copy.pullAt <= this.context.now
    ) {
      this.pull(replica, receiver, copy);
    }
  }
}
