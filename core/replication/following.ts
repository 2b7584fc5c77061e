/**
 * A backup's or learner's work: taking the entries of the leader it is synced with, granting it leases, and
 * becoming level with the leader of a higher epoch. The leader is whoever speaks in an epoch that is not
 * below the promise.
 */
import { assert } from '../assert.js';
import type { Entry } from '../protocol/entry.js';
import { parseEntry } from '../protocol/entry.js';
import { WireError } from '../protocol/wire.js';
import type { PeerMessageOf } from '../protocol/peer-message.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Applier } from './apply.js';
import type { Context } from './context.js';
import type { Receiving } from './receiving.js';
import type { Replica } from './replica.js';
import { bytesUpTo, grant } from './replica.js';

export class Following {
  constructor(
    private readonly context: Context,
    private readonly applier: Applier,
    private readonly receiving: Receiving,
    private readonly stepDown: (replica: Replica, reason: string) => void,
  ) {}

  append(from: WorkerId, message: PeerMessageOf<'append'>): void {
    const replica = this.context.replica(message.partition);
    const { epoch } = message;
    if (replica.leader?.epoch === epoch) return this.context.note('second leader in one epoch', { epoch });
    if (replica.deleting || replica.stalled) return this.refuse(from, message, replica, 'busy');
    if (epoch < replica.promisedEpoch && holds('refuse-below-promise')) {
      return this.refuse(from, message, replica, 'promised');
    }
    if (epoch > replica.promisedEpoch) this.promise(replica, epoch);
    if (epoch > replica.syncedEpoch) {
      if (!holds('commit-needs-synced-epoch')) this.learnCommit(replica, message.commitSeq);
      if (!holds('append-needs-synced-epoch') && message.previousSeq === replica.lastSeq) {
        return this.take(from, message, replica);
      }
      return this.receiving.leaderSpoke(replica, epoch, from);
    }
    if (epoch < replica.syncedEpoch) return this.refuse(from, message, replica, 'promised');
    if (replica.receiver !== null && replica.receiver.epoch !== epoch) replica.receiver = null;
    if (replica.damaged) this.receiving.wantRefill(replica, epoch, from);
    this.take(from, message, replica);
  }

  /** Hands a promise to the log's writer; in memory it holds from now on. */
  promise(replica: Replica, epoch: number): void {
    assert(epoch > replica.promisedEpoch, 'a promise only grows', { epoch, promised: replica.promisedEpoch });
    replica.promisedEpoch = epoch;
    if (replica.leader !== null && replica.leader.epoch < epoch && holds('fenced-primary-stops')) {
      this.stepDown(replica, 'promised a higher epoch');
    }
    this.context.changed(replica);
    this.persistPromise(replica);
    if (!holds('promise-first')) this.receiving.promised(replica);
  }

  private persistPromise(replica: Replica): void {
    const epoch = replica.promisedEpoch;
    const done = () => {
      replica.durable.promisedEpoch = Math.max(replica.durable.promisedEpoch, epoch);
      if (holds('promise-first')) this.receiving.promised(replica);
    };
    this.context.persist(
      replica,
      { type: 'promise', partition: replica.partition, epoch },
      { done, failed: () => undefined },
    );
  }

  /**
   * A promise that a full disk refused holds in memory alone: it is handed to the log again until there is
   * room.
   */
  tick(replica: Replica): void {
    if (replica.promisedEpoch <= replica.durable.promisedEpoch || replica.writesUnderWay > 0) return;
    if (!replica.stalled && !replica.deleting) this.persistPromise(replica);
  }

  /** Takes what follows the own log, in the epoch it is synced in. */
  private take(from: WorkerId, message: PeerMessageOf<'append'>, replica: Replica): void {
    replica.allSeq = Math.max(replica.allSeq, message.allSeq);
    // Not while the sync in this epoch may still fail: the log before it may differ from what is committed.
    if (replica.durable.syncedEpoch === message.epoch) this.learnCommit(replica, message.commitSeq);
    if (message.previousSeq > replica.lastSeq) {
      if (holds('contiguous-prefix')) return this.refuse(from, message, replica, 'gap');
      return this.acknowledge(from, message, replica, message.previousSeq + message.entries.length);
    }
    // What it has no room for is sent again later. Its leases go on: the leader still has to answer reads.
    const takesNone = this.context.lagging || this.context.room.isLacking;
    if (takesNone && message.entries.length > 0) this.refuse(from, message, replica, 'busy');
    const entries = takesNone ? [] : this.newEntries(replica, message);
    if (entries === null) return;
    if (entries.length === 0) return this.acknowledgeInOrder(from, message, replica);
    for (const entry of entries) {
      replica.tail.push(entry);
      replica.logBytes += entry.bytes.length;
      this.context.took(entry);
    }
    replica.lastSeq += entries.length;
    this.context.measured.catchUpBytesReceived += bytesUpTo(message.commitSeq, entries);
    const { lastSeq } = replica;
    const { epoch } = message;
    this.context.persist(
      replica,
      { type: 'append', partition: replica.partition, epoch, entries },
      {
        done: () => {
          replica.durable.lastSeq = Math.max(replica.durable.lastSeq, lastSeq);
          this.applier.wake(replica);
          if (holds('ack-after-durable')) this.acknowledge(from, message, replica, replica.durable.lastSeq);
        },
        failed: () => undefined,
      },
    );
    if (!holds('ack-after-durable')) this.acknowledge(from, message, replica, replica.lastSeq);
  }

  /** The entries beyond the own log, checked; null if they do not parse or do not follow each other. */
  private newEntries(replica: Replica, message: PeerMessageOf<'append'>): Entry[] | null {
    const entries: Entry[] = [];
    let seq = message.previousSeq;
    for (const bytes of message.entries) {
      seq += 1;
      if (seq <= replica.lastSeq) continue;
      const entry = this.parse(bytes);
      if (entry?.seq !== seq || entry.epoch > message.epoch) return null;
      entries.push(entry);
    }
    return entries;
  }

  private parse(bytes: Uint8Array): Entry | null {
    try {
      return parseEntry(bytes, this.context.checksum);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.context.note('entry from a peer does not parse', { reason: error.message });
      return null;
    }
  }

  private learnCommit(replica: Replica, commitSeq: number): void {
    if (commitSeq > replica.commitSeq) {
      replica.commitSeq = commitSeq;
      this.applier.wake(replica);
    }
    if (replica.appliedSeq >= replica.commitSeq) replica.freshAt = this.context.now;
  }

  /** A request without entries is answered at once: with what is durable now. */
  private acknowledgeInOrder(from: WorkerId, message: PeerMessageOf<'append'>, replica: Replica): void {
    if (replica.durable.syncedEpoch !== message.epoch) return;
    this.acknowledge(from, message, replica, replica.durable.lastSeq);
  }

  private acknowledge(
    from: WorkerId,
    message: PeerMessageOf<'append'>,
    replica: Replica,
    durableSeq: number,
  ): void {
    const { limits, now } = this.context;
    const keepsPromise = holds('fence-after-pending-appends') && holds('refuse-below-promise');
    if (replica.promisedEpoch > message.epoch && keepsPromise) return;
    const leaseMs = message.wantsLease ? limits.leaseMs : 0;
    if (leaseMs > 0) grant(replica.grants, message.epoch, now + leaseMs);
    this.context.send(from, {
      type: 'ack',
      partition: replica.partition,
      epoch: message.epoch,
      round: message.round,
      sentAt: message.sentAt,
      leaseMs,
      durableSeq,
    });
  }

  giveBack(message: PeerMessageOf<'giveBack'>): void {
    const replica = this.context.replicas.get(message.partition);
    if (replica === undefined) return;
    const { grants } = replica;
    if (holds('give-back-names-epoch')) {
      if (grants.epoch === message.epoch) grants.until = -Infinity;
    } else {
      grants.until = -Infinity;
      grants.olderUntil = -Infinity;
    }
  }

  private refuse(
    from: WorkerId,
    message: PeerMessageOf<'append'>,
    replica: Replica,
    reason: 'promised' | 'gap' | 'busy',
  ): void {
    this.context.send(from, {
      type: 'refusal',
      partition: replica.partition,
      epoch: message.epoch,
      round: message.round,
      reason,
      promisedEpoch: replica.promisedEpoch,
      lastSeq: replica.lastSeq,
    });
  }

  /** A leader says that this store acknowledged more than it holds. */
  forgot(message: PeerMessageOf<'forgot'>): void {
    const replica = this.context.replicas.get(message.partition);
    if (replica?.syncedEpoch !== message.epoch) return;
    if (replica.promisedEpoch > message.epoch || replica.lastSeq >= message.seq) return;
    this.context.stop('the store has lost entries that it had acknowledged', true);
  }
}
