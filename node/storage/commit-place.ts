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
/** So many of them were quicker than what is taken for the disk's time. */
const quicker = 8;
/** From there on commits are made here; */
const quickMs = 1;
/** and from there on elsewhere again. */
const slowMs = 1.5;
/** One that takes this long is no wait for a core: the disk stalls, */
const stallMs = 250;
/** and gets no chance to do that to this thread again for so many commits. */
const shunned = 4_096;
/** Commands that make a batch a large one. */
const largeBatch = 128;

export class CommitPlace {
  /** Until it is known the disk is taken for a slow one. */
  private isQuick = false;
  private recent: number[] = [];
  private shunnedLeft = 0;

  /** For a transaction of so many commands. */
  isHere(commandCount: number): boolean {
    return this.isQuick && commandCount < largeBatch;
  }

  /** What a commit took, wherever it was made. */
  took(ms: number): void {
    if (ms >= stallMs) {
      this.shunnedLeft = shunned;
      this.isQuick = false;
    }
    if (this.shunnedLeft > 0) {
      this.shunnedLeft -= 1;
      return;
    }
    this.recent.push(ms);
    if (this.recent.length < judged) return;
    const diskMs = this.recent.sort((a, b) => a - b)[quicker] ?? slowMs;
    this.recent = [];
    this.isQuick = diskMs < (this.isQuick ? slowMs : quickMs);
  }
}
