/**
 * The leader's side of making a log equal to its own: it answers a receiver's report with the part of its log
 * after the point where the two part, or with a full copy where its log does not reach back.
 */
import type { Entry } from '../protocol/entry.js';
import type { PeerMessageOf } from '../protocol/peer-message.js';
import type { CopySender } from './copy-sender.js';
import type { Context } from './context.js';
import { divergence } from './divergence.js';
import type { Leader, Progress } from './leader.js';
import type { Replica } from './replica.js';
import { bytesUpTo, firstWithin, tailSlice } from './replica.js';

const partBytes = 1024 * 1024;
const epochStartsMax = 1_024;

interface SyncJob {
  number: number;
  cutTo: number;
  copyNumber: number;
  /** The log up to here makes the receiver synced: at least to the start of the epoch. */
  throughSeq: number;
  sentSeq: number;
  bytes: number;
}

export class Syncing {
  constructor(
    private readonly context: Context,
    private readonly copies: CopySender,
  ) {}

  report(message: PeerMessageOf<'report'>, replica: Replica, leader: Leader, progress: Progress): void {
    if (!leader.ready || progress.state === 'distrusted') return;
    const cutTo = this.cutFor(message, replica, progress);
    if (message.refill) {
      if (message.staged === null || cutTo === null)
        return this.copies.offer(replica, leader, progress, true);
      this.copies.end(progress);
    } else {
      progress.synced = false;
      progress.owedSeq = Math.max(progress.owedSeq, progress.matchSeq);
      progress.matchSeq = 0;
      progress.ackedAt = this.context.now;
      if (cutTo === null) return this.copies.offer(replica, leader, progress);
      progress.state = 'syncing';
    }
    progress.syncNumber += 1;
    this.context.changed(replica);
    this.sendPart(replica, leader, progress, {
      number: progress.syncNumber,
      cutTo,
      copyNumber: message.staged?.number ?? 0,
      throughSeq: message.refill ? cutTo : Math.max(leader.startSeq - 1, cutTo, progress.owedSeq),
      sentSeq: cutTo,
      bytes: 0,
    });
  }

  /** Where the receiver's log has to be cut; null if only a copy helps. */
  private cutFor(message: PeerMessageOf<'report'>, replica: Replica, progress: Progress): number | null {
    const { baseSeq } = replica.durable;
    if (message.staged !== null) {
      const { atSeq } = message.staged;
      if (atSeq >= baseSeq && atSeq <= replica.durable.lastSeq) return atSeq;
      this.copies.end(progress);
      return null;
    }
    // Without an epoch in common nothing is: all of what was never applied may go.
    const cutTo = divergence(replica.durable, message) ?? (message.appliedSeq === 0 ? 0 : null);
    if (cutTo === null || cutTo < baseSeq || cutTo < message.baseSeq) return null;
    return cutTo;
  }

  private sendPart(replica: Replica, leader: Leader, progress: Progress, job: SyncJob): void {
    if (replica.leader !== leader || progress.syncNumber !== job.number) return;
    if (job.bytes > this.context.limits.syncBytesMax) return this.copies.offer(replica, leader, progress);
    // Small against the bound, so that this side turns to a copy before the receiver finds it too much.
    const bytesMax = Math.min(partBytes, this.context.limits.syncBytesMax / 2);
    // After a copy there may be nothing to send but the word that it is complete.
    const complete = job.sentSeq >= job.throughSeq;
    const waiting = complete ? [] : tailSlice(replica, job.sentSeq, job.throughSeq);
    if (waiting !== null) {
      return this.send(replica, leader, progress, job, firstWithin(waiting, bytesMax));
    }
    this.context.emit({
      type: 'readLog',
      partition: replica.partition,
      fromSeq: job.sentSeq + 1,
      bytesMax,
      done: (entries) => {
        if (replica.leader !== leader || progress.syncNumber !== job.number) return;
        const wanted = entries.filter((entry) => entry.seq <= job.throughSeq);
        if (wanted.length === 0) this.copies.offer(replica, leader, progress);
        else this.send(replica, leader, progress, job, wanted);
      },
    });
  }

  private send(replica: Replica, leader: Leader, progress: Progress, job: SyncJob, entries: Entry[]): void {
    const previousSeq = job.sentSeq;
    job.sentSeq += entries.length;
    const bytes = bytesUpTo(Infinity, entries);
    job.bytes += bytes;
    this.context.measured.catchUpBytesSent += bytes;
    const last = job.sentSeq >= job.throughSeq;
    leader.progress += 1;
    progress.sentAt = this.context.now;
    this.context.send(progress.id, {
      type: 'sync',
      partition: replica.partition,
      epoch: leader.epoch,
      cutTo: job.cutTo,
      previousSeq,
      entries: entries.map((entry) => entry.bytes),
      last,
      epochStarts: last ? replica.durable.epochStarts.slice(-epochStartsMax) : [],
      copyNumber: job.copyNumber,
    });
    if (!last) this.sendPart(replica, leader, progress, job);
  }
}
