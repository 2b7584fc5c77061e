/**
 * Virtual time for code that waits for promises: what a settled promise sets going runs before the next
 * event.
 */
import type { VirtualTime } from '../../support/fake-api/memory-transport.js';

interface Event {
  at: number;
  order: number;
  run: () => void;
}

export class EventQueue implements VirtualTime {
  private time = 0;
  private order = 0;
  private dirty = false;
  private readonly events: Event[] = [];

  now(): number {
    return this.time;
  }

  after(delayMs: number, run: () => void): void {
    this.order += 1;
    const event = { at: this.time + Math.max(0, delayMs), order: this.order, run };
    let low = 0;
    let high = this.events.length;
    // Latest first, so that the next one is taken from the end.
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.at ?? 0) > event.at) low = middle + 1;
      else high = middle;
    }
    this.events.splice(low, 0, event);
  }

  settled(): void {
    this.dirty = true;
  }

  async run(durationMs: number): Promise<void> {
    const end = this.time + durationMs;
    while (await this.next(end));
    this.time = end;
  }

  /** Answers how long it took, or -1 if it did not come about. */
  async runUntil(reached: () => boolean, withinMs: number): Promise<number> {
    const start = this.time;
    while (!reached()) if (!(await this.next(start + withinMs))) return -1;
    return this.time - start;
  }

  private async next(end: number): Promise<boolean> {
    const event = this.events.at(-1);
    if (event === undefined || event.at > end) return false;
    this.events.pop();
    this.time = event.at;
    event.run();
    if (this.dirty) {
      this.dirty = false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }
}
