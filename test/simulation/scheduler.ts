/**
 * Virtual time: a queue of events, run one after another in the order of their times. Nothing else in a
 * simulation waits for anything. Each event is mixed into a digest, by which two runs of one seed are
 * compared.
 *
 * `runUntil` may be called from inside an event: the time in which one process hangs in the middle of a call
 * passes for everything else that way.
 */
import { present } from './present.js';

interface ScheduledEvent {
  time: number;
  order: number;
  labelHash: number;
  run: () => void;
}

/** A judge or an assertion has found something: the seed fails. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';

  constructor(
    readonly found: string,
    readonly reason: string,
  ) {
    super(`${found}: ${reason}`);
  }
}

export class Scheduler {
  /** Milliseconds since the start of the simulation. */
  now = 0;
  executed = 0;
  /**
   * At most one process at a time hangs inside a call, so that each can go on as soon as its time is over.
   */
  hanging = false;
  private digestState = 0x811c9dc5;
  private order = 0;
  private readonly heap: ScheduledEvent[] = [];
  private readonly labelHashes = new Map<string, number>();

  constructor(
    private readonly eventsMax = 5_000_000,
    private readonly traceLine: ((line: string) => void) | null = null,
  ) {}

  get tracing(): boolean {
    return this.traceLine !== null;
  }

  trace(text: string): void {
    this.traceLine?.(`${this.now.toFixed(3).padStart(11)} ${text}`);
  }

  schedule(delayMs: number, label: string, run: () => void): void {
    const event = {
      time: this.now + Math.max(0, delayMs),
      order: (this.order += 1),
      labelHash: this.hashOf(label),
      run,
    };
    this.push(event);
  }

  /** Runs everything that is due up to `time`, then sets the clock to it. */
  runUntil(time: number): void {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.time > time) break;
      this.pop();
      this.now = next.time;
      this.executed += 1;
      if (this.executed > this.eventsMax) {
        throw new SimulationFailure('bound', `more than ${this.eventsMax} events`);
      }
      this.mix(next.labelHash);
      this.mixNumber(next.time);
      next.run();
    }
    this.now = Math.max(this.now, time);
  }

  /** Adds to the digest what distinguishes this run. */
  mix(value: number): void {
    this.digestState = Math.imul(this.digestState ^ value, 0x01000193);
    this.digestState ^= this.digestState >>> 15;
  }

  mixText(text: string): void {
    this.mix(this.hashOf(text));
  }

  get digest(): string {
    return (this.digestState >>> 0).toString(16).padStart(8, '0');
  }

  private mixNumber(value: number): void {
    this.mix(Math.floor(value * 1_000) | 0);
  }

  private hashOf(label: string): number {
    const known = this.labelHashes.get(label);
    if (known !== undefined) return known;
    let hash = 0x811c9dc5;
    for (let index = 0; index < label.length; index += 1) {
      hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193);
    }
    if (this.labelHashes.size < 10_000) this.labelHashes.set(label, hash);
    return hash;
  }

  private push(event: ScheduledEvent): void {
    const heap = this.heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = present(heap[parentAt]);
      if (!isBefore(event, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, present(heap[child]))) child += 1;
      const least = present(heap[child]);
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
