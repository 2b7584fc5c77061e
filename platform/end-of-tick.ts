/**
 * What piles up during one turn of the event loop is done together at its end: first deferred work, then the
 * flushing of what that work has produced. So the messages of a turn leave in one write, without a delay of
 * their own.
 */

export class EndOfTick {
  private work: (() => void)[] = [];
  private flushes: (() => void)[] = [];
  private scheduled = false;

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

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.run);
  }

  private readonly run = (): void => {
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
    this.scheduled = false;
    if (this.work.length + this.flushes.length > 0) this.schedule();
  };
}
