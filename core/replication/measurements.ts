/**
 * What the replica machine counts for people to look at: plain numbers and distributions, changed in passing
 * and read by the program when somebody asks. No decision is taken from any of it.
 *
 *   accepted ──queue──▶ handed out ──local fsync──▶ durable here ─┐
 *                            └───first backup──▶ durable there ───┴▶ quorum ──reply──▶ answered
 */
import { Distribution, latencyBuckets } from '../distribution.js';
import type { Leader } from './leader.js';

const msPerSecond = 1_000;

export class Measurements {
  readonly quorumWrite = new Distribution(latencyBuckets);
  readonly queue = new Distribution(latencyBuckets);
  readonly localFsync = new Distribution(latencyBuckets);
  readonly firstBackup = new Distribution(latencyBuckets);
  readonly reply = new Distribution(latencyBuckets);
  readsByLease = 0;
  readsByRound = 0;
  readsByReplica = 0;
  clockJumps = 0;
  fencesPromised = 0;
  fencesRefused = 0;
  epochsStarted = 0;
  epochsServed = 0;
  stepDowns = 0;
  catchUpBytesSent = 0;
  catchUpBytesReceived = 0;
  copyBytesSent = 0;
  copyBytesReceived = 0;
  copiesTakenOver = 0;
  copiesGivenUp = 0;
  /** Outcomes tell when their writes passed the stations; for traces. */
  keepsTimes = false;
  /** Writes with a quorum whose answers are on their way out in this turn, and since when. */
  private answering = 0;
  private answeringSince = 0;

  /** `timesWrites`: false to leave the path of a write alone, for telling what measuring costs. */
  constructor(private readonly timesWrites = true) {}

  /** Entries after `afterSeq` go to the own log and to the followers. */
  handedOut(leader: Leader, afterSeq: number, throughSeq: number, now: number): void {
    if (!this.timesWrites && !this.keepsTimes) return;
    const { pending, handedOut } = leader;
    for (let index = pending.length - 1; index >= 0; index -= 1) {
      const write = pending[index];
      if (write === undefined || write.seq <= afterSeq) break;
      write.handedOutAt = now;
      this.queue.record((now - write.acceptedAt) / msPerSecond);
    }
    if (leader.voters.length > 1) handedOut.push({ throughSeq, count: throughSeq - afterSeq, at: now });
  }

  durableHere(count: number, handedOutAt: number, now: number): void {
    if (this.timesWrites) this.localFsync.record((now - handedOutAt) / msPerSecond, count);
  }

  /** A voter holds everything up to `seq`; the first that does is the one that counts. */
  durableThere(leader: Leader, seq: number, now: number): void {
    const { handedOut } = leader;
    for (let first = handedOut[0]; first !== undefined && first.throughSeq <= seq; first = handedOut[0]) {
      this.firstBackup.record((now - first.at) / msPerSecond, first.count);
      handedOut.shift();
    }
  }

  committed(acceptedAt: number, now: number): void {
    if (!this.timesWrites) return;
    this.quorumWrite.record((now - acceptedAt) / msPerSecond);
    if (this.answering === 0) this.answeringSince = now;
    this.answering += 1;
  }

  /** Whether {@link answered} is to be called at the end of this turn, with the time then. */
  get isAnswering(): boolean {
    return this.answering > 0;
  }

  answered(now: number): void {
    this.reply.record((now - this.answeringSince) / msPerSecond, this.answering);
    this.answering = 0;
  }
}
