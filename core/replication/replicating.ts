/**
 * A leader's stream to its voters and learners: entries as they come, an empty append as lease request and
 * heartbeat, and what the answers mean.
 */
import type { Entry } from '../protocol/entry.js';
import type { PeerMessageOf } from '../protocol/peer-message.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import { allSeq } from './apply.js';
import type { CopySender } from './copy-sender.js';
import type { Context } from './context.js';
import type { Leader, Progress } from './leader.js';
import type { Replica } from './replica.js';
import { bytesUpTo, firstWithin, tailSlice } from './replica.js';
import { noteLag } from './replica-lag.js';
import type { Serving } from './serving.js';

const messageEntriesBytesMax = 2 * 1024 * 1024;
/** To one that took nothing, until it takes something again. */
const trialEntriesBytesMax = 16 * 1024;
/** Sent and not acknowledged: beyond it a follower waits for its acknowledgements. */
const windowEntriesMax = 4_096;

export class Replicating {
  constructor(
    private readonly context: Context,
    private readonly serving: Serving,
    private readonly copies: CopySender,
    private readonly onAttemptProgress: (replica: Replica, leader: Leader) => void,
    private readonly losePlace: (replica: Replica, reason: string) => void,
  ) {}

  /** Hands new entries to the own log and to every follower; a round goes out where a read waits for one. */
  flush(replica: Replica, leader: Leader): void {
    if (replica.stalled || !leader.ready) return;
    this.logOwn(replica, leader);
    const round = leader.wantsRound;
    leader.wantsRound = false;
    for (const progress of leader.peers.values()) {
      const behind = progress.state === 'level' && progress.nextSeq <= leader.loggedSeq;
      const isAsked = round || progress.sentAt === -Infinity;
      // One that is level is connected.
      if (behind || (isAsked && this.context.peers.has(progress.id)))
        this.sendNext(replica, leader, progress, isAsked);
    }
  }

  private logOwn(replica: Replica, leader: Leader): void {
    if (leader.loggedSeq >= replica.lastSeq) return;
    const entries = tailSlice(replica, leader.loggedSeq);
    if (entries === null) return;
    const lastSeq = replica.lastSeq;
    const { measured, now: handedOutAt } = this.context;
    measured.handedOut(leader, leader.loggedSeq, lastSeq, handedOutAt);
    leader.loggedSeq = lastSeq;
    const { epoch } = leader;
    this.context.persist(
      replica,
      { type: 'append', partition: replica.partition, epoch, entries },
      {
        done: () => {
          replica.durable.lastSeq = Math.max(replica.durable.lastSeq, lastSeq);
          measured.durableHere(entries.length, handedOutAt, this.context.now);
          if (replica.leader === leader) this.serving.advanceCommit(replica, leader);
        },
        failed: () => {
          if (holds('lost-place-is-lasting'))
            replica.lostPlaceEpoch = Math.max(replica.lostPlaceEpoch, epoch);
          this.losePlace(replica, 'its own append failed');
        },
      },
    );
  }

  /**
   * The next entries for a follower, or none. Only what the own log was handed: a leader that steps down says
   * of the rest that it never was.
   */
  private sendNext(replica: Replica, leader: Leader, progress: Progress, empty: boolean): void {
    const level = progress.state === 'level';
    const rests = this.context.now < progress.restUntil || this.context.room.isFull(progress.id);
    const wanted = level && !rests && progress.nextSeq <= leader.loggedSeq;
    const room = progress.nextSeq - progress.matchSeq <= windowEntriesMax;
    let entries: Entry[] = [];
    if (wanted && room && !progress.reading) {
      const waiting = tailSlice(replica, progress.nextSeq - 1, leader.loggedSeq);
      if (waiting === null) this.readFromDisk(replica, leader, progress);
      else
        entries = firstWithin(waiting, progress.tookNothing ? trialEntriesBytesMax : messageEntriesBytesMax);
    }
    if (entries.length > 0 || empty) this.sendAppend(replica, leader, progress, entries);
  }

  sendAppend(replica: Replica, leader: Leader, progress: Progress, entries: Entry[]): void {
    const previousSeq = progress.nextSeq - 1;
    progress.nextSeq += entries.length;
    this.context.measured.catchUpBytesSent += bytesUpTo(replica.commitSeq, entries);
    progress.sentAt = this.context.now;
    progress.toldCommitSeq = replica.commitSeq;
    leader.round += 1;
    this.context.send(progress.id, {
      type: 'append',
      partition: replica.partition,
      epoch: leader.epoch,
      previousSeq,
      commitSeq: leader.active ? replica.commitSeq : Math.min(replica.commitSeq, leader.startSeq - 1),
      allSeq: allSeq(replica),
      round: leader.round,
      sentAt: this.context.now,
      wantsLease: this.wantsLease(replica, leader),
      entries: entries.map((entry) => entry.bytes),
    });
  }

  /**
   * Nobody reads from an attempt, and a lease that it held would only be waited for by the fence of the next
   * one, if it comes to nothing.
   */
  private wantsLease(replica: Replica, leader: Leader): boolean {
    if (!leader.active) return false;
    return replica.givenBackEpoch < leader.epoch || !holds('no-lease-after-give-back');
  }

  /** A follower so far behind that memory has let go of what it needs. */
  private readFromDisk(replica: Replica, leader: Leader, progress: Progress): void {
    const fromSeq = progress.nextSeq;
    if (fromSeq <= replica.durable.baseSeq) {
      this.copies.offer(replica, leader, progress);
      return;
    }
    progress.reading = true;
    this.context.emit({
      type: 'readLog',
      partition: replica.partition,
      fromSeq,
      bytesMax: messageEntriesBytesMax,
      done: (entries) => {
        progress.reading = false;
        if (replica.leader !== leader || progress.nextSeq !== fromSeq || progress.state !== 'level') return;
        if (entries.length === 0) this.copies.offer(replica, leader, progress);
        else this.sendAppend(replica, leader, progress, entries);
      },
    });
  }

  ack(message: PeerMessageOf<'ack'>, replica: Replica, leader: Leader, progress: Progress): void {
    // Answers that came in another order made it look forgetful: it holds what it acknowledged after all.
    if (progress.state === 'distrusted' && message.durableSeq < progress.matchSeq) return;
    const wasLevel = progress.state === 'level';
    if (progress.state === 'copying' && message.durableSeq < (progress.copy?.atSeq ?? 0)) return;
    progress.state = 'level';
    progress.synced = true;
    progress.ackedAt = this.context.now;
    progress.ackedRound = Math.max(progress.ackedRound, message.round);
    if (message.durableSeq > progress.matchSeq) progress.tookNothing = false;
    if (message.durableSeq >= progress.matchSeq) {
      progress.matchSeq = Math.min(message.durableSeq, replica.lastSeq);
      progress.matchRound = Math.max(progress.matchRound, message.round);
    }
    progress.nextSeq = Math.max(progress.matchSeq + 1, wasLevel ? progress.nextSeq : 0);
    if (message.leaseMs > 0) this.takeLease(progress, message);
    if (!wasLevel) {
      this.copies.end(progress);
      if (!leader.active) this.onAttemptProgress(replica, leader);
    }
    if (progress.voter) this.context.measured.durableThere(leader, progress.matchSeq, this.context.now);
    if (leader.active) this.serving.advanceCommit(replica, leader);
    if (progress.nextSeq <= replica.lastSeq) this.sendNext(replica, leader, progress, false);
  }

  private takeLease(progress: Progress, message: PeerMessageOf<'ack'>): void {
    if (message.sentAt <= this.context.leasesFrom) return;
    const from = holds('grant-echoes-send-time') ? message.sentAt : this.context.now;
    progress.leaseUntil = Math.max(
      progress.leaseUntil,
      from + message.leaseMs - this.context.limits.leaseMarginMs,
    );
  }

  refusal(message: PeerMessageOf<'refusal'>, replica: Replica, leader: Leader, progress: Progress): void {
    if (message.reason === 'promised') return;
    if (progress.state === 'distrusted' && message.lastSeq < progress.matchSeq) {
      return this.sendForgot(replica, leader, progress);
    }
    if (progress.state === 'copying') return;
    progress.ackedAt = this.context.now;
    if (message.reason === 'busy') return this.rest(progress, leader);
    if (message.round <= progress.rewoundAtRound) return;
    if (message.round > progress.matchRound && message.lastSeq < progress.matchSeq) {
      this.distrust(replica, leader, progress);
      return;
    }
    progress.rewoundAtRound = leader.round;
    progress.nextSeq = Math.min(Math.max(message.lastSeq, progress.matchSeq), replica.lastSeq) + 1;
    progress.state = 'level';
    this.sendNext(replica, leader, progress, false);
  }

  /** It takes nothing: until the next beat it gets empty appends alone, which follow what it has. */
  private rest(progress: Progress, leader: Leader): void {
    const { leaseRenewalMs } = this.context.limits;
    progress.tookNothing = true;
    progress.restUntil = (Math.floor(this.context.now / leaseRenewalMs) + 1) * leaseRenewalMs;
    progress.rewoundAtRound = leader.round;
    if (progress.state === 'level') progress.nextSeq = progress.matchSeq + 1;
  }

  /** The same store holds less than it acknowledged: it has lost what it had, whatever its id says. */
  private distrust(replica: Replica, leader: Leader, progress: Progress): void {
    if (!holds('memory-of-acks')) return;
    this.copies.end(progress);
    progress.state = 'distrusted';
    progress.synced = false;
    progress.leaseUntil = -Infinity;
    this.context.changed(replica);
    this.context.note('peer forgot what it acknowledged', {
      peer: progress.id,
      partition: replica.partition,
    });
    this.sendForgot(replica, leader, progress);
  }

  private sendForgot(replica: Replica, leader: Leader, progress: Progress): void {
    this.context.send(progress.id, {
      type: 'forgot',
      partition: replica.partition,
      epoch: leader.epoch,
      seq: progress.matchSeq,
    });
  }

  /** The follower's progress, if what speaks is the store that the configuration names. */
  progressOf(from: WorkerId, leader: Leader): Progress | null {
    const progress = leader.peers.get(from);
    const peer = this.context.peers.get(from);
    if (progress === undefined || peer === undefined || peer.distrusted) return null;
    if (peer.run.storeId !== progress.storeId && holds('store-id-in-record')) return null;
    return progress;
  }

  /** Nobody reads, and the follower has everything and knows that it is committed: silence costs nothing. */
  private isIdle(replica: Replica, leader: Leader, progress: Progress): boolean {
    if (!leader.active || progress.state !== 'level' || progress.toldCommitSeq < replica.commitSeq)
      return false;
    return (
      progress.matchSeq === replica.lastSeq &&
      this.context.now - leader.readAt > this.context.limits.leaseIdleMs
    );
  }

  /** Renews leases, tells the commit position, starts anew where answers are missing. */
  tick(replica: Replica, leader: Leader): void {
    if (!leader.ready) return;
    const { now, limits } = this.context;
    for (const progress of leader.peers.values()) {
      noteLag(replica, progress, now);
      if (!this.context.peers.has(progress.id)) continue;
      const stuck =
        progress.nextSeq - 1 > progress.matchSeq && now - progress.ackedAt > limits.syncProgressMs;
      if (progress.state === 'level' && stuck) {
        progress.nextSeq = progress.matchSeq + 1;
        progress.ackedAt = now;
        this.sendNext(replica, leader, progress, false);
      }
      const everyMs = this.isIdle(replica, leader, progress) ? limits.idleRenewalMs : limits.leaseRenewalMs;
      // On common beats, so that all partitions of a worker speak in one frame per peer and it can sleep in
      // between.
      const isDue = Math.floor(now / everyMs) > Math.floor(progress.sentAt / everyMs);
      if (isDue) this.sendNext(replica, leader, progress, true);
      this.copies.tick(progress);
    }
    if (leader.reads.length > 0) {
      leader.wantsRound = true;
      this.context.wantFlush(replica);
    }
  }
}
