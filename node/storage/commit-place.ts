/**
 * Where the log's next transaction is written: here, on the thread that asks for it, or on the log's own.
 *
 * On a quick disk a commit is over before another thread would have been woken for it, and its answer have
 * woken this one: two changes of threads for each commit, which is where most of the time of a single
 * client's write goes. And what arrives while this thread waits for the disk gathers for the next batch. A
 * slow disk would hold up everything else, reads above all: its commits go to the thread. So do large
 * batches, which share the hop among many, and leave this thread free to read the many requests there are.
 *
 * A slow disk is told from a busy machine, where this thread waits for a core after each sync, by the quicker
 * ones of its commits: those of a slow disk are slow too.
 */

/** Commits that are judged together. */
const judged = 32;
/** The disk's time: so many of them were quicker. */
const quicker = 8;
/** Below the first of these commits are made here, until it reaches the second; */
const quickMs = 1;
const slowMs = 1.5;
/** and no more than a few may hold this thread up for long. */
const mostOf = 24;
const longMs = 10;
/** One that takes this long is no wait for a core: the disk stalls. It is left to the thread for a while, */
const stallMs = 250;
/** which is longer each time. */
const shunMs = 60_000;
const shunMsMax = 3_600_000;
/** What makes a batch a large one. */
const largeCommands = 128;
const largeBytes = 256 * 1024;

export class CommitPlace {
  /** Until it is known the disk is taken for a slow one. */
  private isQuick = false;
  private recent: number[] = [];
  private shunnedUntil = -Infinity;
  private nextShunMs = shunMs;

  /** For a transaction of so many commands, with entries of so many bytes. */
  isHere(commandCount: number, bytes: number): boolean {
    return this.isQuick && commandCount < largeCommands && bytes < largeBytes;
  }

  /** What a commit took, wherever it was made; `now` is of a monotonic clock, in milliseconds. */
  took(ms: number, now: number): void {
    if (ms >= stallMs) this.shun(now);
    this.recent.push(ms);
    if (this.recent.length < judged) return;
    const sorted = this.recent.sort((a, b) => a - b);
    this.recent = [];
    const diskMs = sorted[quicker] ?? slowMs;
    const isLong = (sorted[mostOf] ?? longMs) >= longMs;
    this.isQuick = diskMs < (this.isQuick ? slowMs : quickMs) && !isLong && now >= this.shunnedUntil;
  }

  /** Stalls while it is shunned already do not count. */
  private shun(now: number): void {
    this.isQuick = false;
    if (now < this.shunnedUntil) return;
    this.shunnedUntil = now + this.nextShunMs;
    this.nextShunMs = Math.min(2 * this.nextShunMs, shunMsMax);
  }
}
