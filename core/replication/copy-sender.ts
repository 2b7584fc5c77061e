/**
 * The leader's side of a full copy: one consistent read of the table at some position, pulled chunk by chunk
 * by the receiver; the log after it follows as a sync. While it lasts, the log from that position on is kept.
 */
import type { PeerMessageOf } from '../protocol/peer-message.js';
import type { Context } from './context.js';
import type { Leader, Progress, SentCopy } from './leader.js';
import type { Replica } from './replica.js';

/** Small against a peer’s queue, which holds one chunk of each copy under way. */
const chunkBytes = 256 * 1024;
const idleMs = 10_000;
/** A chunk that is asked for more often is one that the receiver cannot use: another view may do better. */
const resendsMax = 3;

export class CopySender {
  constructor(private readonly context: Context) {}

  /** `refill`: for a follower that is level and only wants its table replaced. */
  offer(replica: Replica, leader: Leader, progress: Progress, refill = false): void {
    if (progress.copy !== null) {
      if (progress.copy.handle >= 0) this.sendOffer(replica, leader, progress, progress.copy);
      return;
    }
    if (replica.tableBusy || this.context.copiesSent >= this.context.limits.copiesMax) return;
    this.context.copyCounter += 1;
    const copy: SentCopy = {
      number: leader.epoch * 1_024 + (this.context.copyCounter % 1_024),
      handle: -1,
      atSeq: replica.appliedSeq,
      chunk: -1,
      rows: null,
      resent: 0,
      last: false,
      reading: false,
      usedAt: this.context.now,
    };
    progress.copy = copy;
    if (!refill) progress.state = 'copying';
    this.context.copiesSent += 1;
    this.context.changed(replica);
    this.context.emit({
      type: 'openCopy',
      partition: replica.partition,
      done: ({ handle, atSeq }) => {
        if (progress.copy !== copy) return this.context.emit({ type: 'closeCopy', handle });
        copy.handle = handle;
        copy.atSeq = atSeq;
        copy.usedAt = this.context.now;
        this.sendOffer(replica, leader, progress, copy);
      },
    });
  }

  private sendOffer(replica: Replica, leader: Leader, progress: Progress, copy: SentCopy): void {
    this.context.send(progress.id, {
      type: 'copyOffer',
      partition: replica.partition,
      epoch: leader.epoch,
      number: copy.number,
      atSeq: copy.atSeq,
    });
  }

  pull(message: PeerMessageOf<'copyPull'>, replica: Replica, leader: Leader, progress: Progress): void {
    const { copy } = progress;
    const next = copy !== null && message.chunk === copy.chunk + 1 && !copy.last;
    const sentBefore = copy !== null && message.chunk === copy.chunk && copy.rows !== null;
    const again = sentBefore && copy.resent < resendsMax;
    if (copy === null || copy.handle < 0 || copy.number !== message.number || !(next || again)) {
      if (copy?.reading === true && copy.number === message.number) return;
      const { partition, epoch, number } = message;
      // The receiver has begun anew or lost a chunk: a copy that nobody can go on with must not block the
      // next.
      if (copy?.number === number) this.end(progress);
      return this.context.send(progress.id, { type: 'copyEnd', partition, epoch, number });
    }
    copy.usedAt = this.context.now;
    if (again) {
      copy.resent += 1;
      return this.sendChunk(replica, leader, progress, copy);
    }
    if (copy.reading) return;
    copy.reading = true;
    this.context.emit({
      type: 'readCopy',
      handle: copy.handle,
      bytesMax: Math.min(chunkBytes, this.context.limits.syncBytesMax / 2),
      done: ({ rows, last }) => {
        copy.reading = false;
        if (progress.copy !== copy) return;
        Object.assign(copy, { rows, last, chunk: copy.chunk + 1, resent: 0, usedAt: this.context.now });
        if (copy.chunk >= progress.copiedChunks) {
          progress.copiedChunks = copy.chunk + 1;
          leader.progress += 1;
        }
        this.sendChunk(replica, leader, progress, copy);
      },
    });
  }

  private sendChunk(replica: Replica, leader: Leader, progress: Progress, copy: SentCopy): void {
    if (copy.rows === null) return;
    this.context.measured.copyBytesSent += copy.rows.length;
    this.context.send(progress.id, {
      type: 'copyChunk',
      partition: replica.partition,
      epoch: leader.epoch,
      number: copy.number,
      chunk: copy.chunk,
      last: copy.last,
      rows: copy.rows,
    });
  }

  end(progress: Progress): void {
    const { copy } = progress;
    if (copy === null) return;
    progress.copy = null;
    this.context.copiesSent -= 1;
    if (progress.state === 'copying') progress.state = 'unknown';
    if (copy.handle >= 0) this.context.emit({ type: 'closeCopy', handle: copy.handle });
  }

  tick(progress: Progress): void {
    if (progress.copy === null || this.context.now - progress.copy.usedAt < idleMs) return;
    this.end(progress);
  }
}
