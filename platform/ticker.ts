/**
 * The heartbeat of a machine that decides: it is woken at a steady pace, and half as often while it says that
 * it is at rest, since an idle process pays for each time that it wakes.
 */

const restFactor = 2;

export class Ticker {
  private timer: NodeJS.Timeout;

  /** `tick` answers whether it left anything that time alone will move on. */
  constructor(
    private readonly tick: () => 'busy' | 'at rest',
    private readonly everyMs: number,
  ) {
    this.timer = setTimeout(this.run, everyMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private readonly run = (): void => {
    const pauseMs = this.tick() === 'busy' ? this.everyMs : restFactor * this.everyMs;
    this.timer = setTimeout(this.run, pauseMs);
  };
}
