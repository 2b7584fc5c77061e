/**
 * What piles up during one turn of the event loop is done together at its end: first deferred work, then the
 * flushing of what that work has produced. So the messages of a turn leave in one write, without a delay of
 * their own. What may take a moment comes last; what it leads to is flushed right after it.
 *
 * The end of a turn is put off while sockets have more to read: under load each look at them finds something,
 * and what comes of two looks costs one write and one message to the log. Nothing waits for a timer: as soon
 * as a look finds nothing, or after a few of them, the turn ends.
 */
import { arrivals } from './socket-bytes.js';

/** Looks at the sockets beyond the first. More make larger batches, and let the slowest answers wait. */
const looksMax = 4;

export class EndOfTick {
  private work: (() => void)[] = [];
  private flushes: (() => void)[] = [];
  private lasts: (() => void)[] = [];
  private scheduled = false;
  private looksLeft = 0;
  private arrivedBefore = 0;

  /** Runs once, at the end of this turn; work deferred by deferred work runs in the same turn. */
  readonly defer = (run: () => void): void => {
    this.work.push(run);
    this.schedule();
  };

  /** Runs once, at the end of this turn, after all deferred work. */
  readonly flush = (run: () => void): void => {
    this.flushes.push(run);
    this.schedule();
  };

  /** Runs once, at the end of this turn, when all else is flushed. */
  readonly last = (run: () => void): void => {
    this.lasts.push(run);
    this.schedule();
  };

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.looksLeft = looksMax;
    this.arrivedBefore = arrivals.count;
    setImmediate(this.lookAgain);
  }

  /** The first time always, since nothing tells whether there was more to read when the turn began. */
  private readonly lookAgain = (): void => {
    this.looksLeft -= 1;
    const isFirst = this.looksLeft === looksMax - 1;
    if (this.looksLeft > 0 && (isFirst || arrivals.count !== this.arrivedBefore)) {
      this.arrivedBefore = arrivals.count;
      setImmediate(this.lookAgain);
    } else {
      this.run();
    }
  };

  private readonly run = (): void => {
    this.settle();
    if (this.lasts.length > 0) {
      const { lasts } = this;
      this.lasts = [];
      for (const run of lasts) run();
      this.settle();
    }
    this.scheduled = false;
    if (this.work.length + this.flushes.length + this.lasts.length > 0) this.schedule();
  };

  private settle(): void {
    // New entries schedule a turn of their own: a piece of work that always defers more must not stop the
    // world. One extra round is allowed, since work commonly defers the sending of what it produced.
    for (let round = 0; round < 2; round += 1) {
      const work = this.work;
      this.work = [];
      for (const run of work) run();
    }
    const flushes = this.flushes;
    this.flushes = [];
    for (const run of flushes) run();
  }
}
