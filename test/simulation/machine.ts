/**
 * A simulated machine and the process on it. The machine has the clocks, and both outlive the process: the
 * monotonic one runs at nearly the right rate and stands still while the machine is suspended, the wall clock
 * also jumps.
 *
 * A process is entered for everything that happens to it. While it is paused, or hangs in the middle of a
 * call, what should have entered it waits in order; once it was killed nothing enters it and nothing it still
 * does has an effect.
 */
import { AssertionError } from '../../core/assert.js';
import type { Random } from './random.js';
import { SimulationFailure } from './scheduler.js';
import type { Scheduler } from './scheduler.js';

const wallStart = 1_750_000_000_000;

export class Machine {
  private readonly rate: number;
  private readonly base: number;
  private wallOffset: number;
  private stolenMs = 0;
  private suspendedAt: number | null = null;

  constructor(
    readonly name: string,
    private readonly scheduler: Scheduler,
    random: Random,
    driftMax: number,
  ) {
    this.rate = 1 + random.between(-driftMax, driftMax);
    this.base = random.between(1_000, 1_000_000);
    this.wallOffset = wallStart + random.between(-200, 200);
  }

  now(): number {
    const elapsed = (this.suspendedAt ?? this.scheduler.now) - this.stolenMs;
    return this.base + elapsed * this.rate;
  }

  wall(): number {
    return Math.floor(this.wallOffset + this.scheduler.now * this.rate);
  }

  jumpWall(byMs: number): void {
    this.wallOffset += byMs;
  }

  suspend(): void {
    this.suspendedAt ??= this.scheduler.now;
  }

  wakeUp(): void {
    if (this.suspendedAt === null) return;
    this.stolenMs += this.scheduler.now - this.suspendedAt;
    this.suspendedAt = null;
  }
}

const deferredMax = 10_000;
const deferMsMax = 0.3;
const backlogMax = 200_000;

export class SimulatedProcess {
  alive = true;
  /** Called after everything that entered the process: what it has to say goes out. */
  flush: () => void = () => undefined;
  private running = false;
  private deferredDue = false;
  private pausedUntil = 0;
  private readonly deferred: (() => void)[] = [];
  private backlog: { run: () => void; first: boolean }[] = [];

  constructor(
    readonly name: string,
    readonly machine: Machine,
    private readonly scheduler: Scheduler,
    private readonly random: Random,
  ) {}

  get paused(): boolean {
    return this.scheduler.now < this.pausedUntil || this.running;
  }

  /** Nothing has come out of the process since then, because it was paused. */
  get silent(): boolean {
    return !this.alive || this.scheduler.now < this.pausedUntil;
  }

  /** `unordered`: after a pause it may come before what had arrived earlier on other connections. */
  enter(run: () => void, unordered = false): void {
    if (!this.alive) return;
    if (this.paused) {
      if (this.backlog.length >= backlogMax) throw new SimulationFailure('bound', `backlog of ${this.name}`);
      this.backlog.push({ run, first: unordered && this.random.chance(0.3) });
      return;
    }
    this.execute(run);
    this.drainBacklog();
  }

  /** For once, after what has entered the process now. */
  defer(run: () => void): void {
    this.deferred.push(run);
  }

  /** An event on the process's own behalf; lost with the process. */
  later(delayMs: number, label: string, run: () => void): void {
    this.scheduler.schedule(delayMs, label, () => this.enter(run));
  }

  /** SIGSTOP, or with `suspend` the whole machine, whose monotonic clock then stands still. */
  pause(durationMs: number, suspend: boolean): void {
    if (!this.alive) return;
    this.pausedUntil = Math.max(this.pausedUntil, this.scheduler.now + durationMs);
    if (suspend) this.machine.suspend();
    this.scheduler.schedule(durationMs, 'resume', () => {
      if (this.scheduler.now >= this.pausedUntil) this.resume();
    });
  }

  resume(): void {
    this.pausedUntil = Math.min(this.pausedUntil, this.scheduler.now);
    this.machine.wakeUp();
    this.backlog = [
      ...this.backlog.filter(({ first }) => first),
      ...this.backlog.filter(({ first }) => !first),
    ];
    if (this.alive && !this.running) this.drainBacklog();
  }

  /** Stops in the middle of the call that is being made; the rest of the world goes on. */
  hang(durationMs: number): void {
    if (this.scheduler.hanging || !this.running || !this.alive) return;
    this.scheduler.hanging = true;
    this.pausedUntil = Math.max(this.pausedUntil, this.scheduler.now + durationMs);
    try {
      this.scheduler.runUntil(this.scheduler.now + durationMs);
    } finally {
      this.scheduler.hanging = false;
    }
  }

  kill(): void {
    this.alive = false;
    this.deferred.length = 0;
    this.backlog.length = 0;
  }

  private drainBacklog(): void {
    while (this.alive && !this.paused) {
      const next = this.backlog.shift();
      if (next === undefined) return;
      this.execute(next.run);
    }
  }

  private execute(run: () => void): void {
    this.running = true;
    try {
      run();
      this.runDeferredSoon();
      if (this.alive) this.flush();
    } catch (error) {
      throw this.asFailure(error);
    } finally {
      this.running = false;
    }
  }

  /** The end of a tick of the event loop: often other events of the same tick come before it. */
  private runDeferredSoon(): void {
    if (this.deferred.length === 0 || this.deferredDue) return;
    if (this.random.chance(0.3)) return this.runDeferred();
    this.deferredDue = true;
    this.later(this.random.between(0, deferMsMax), 'end of tick', () => {
      this.deferredDue = false;
      this.runDeferred();
    });
  }

  private runDeferred(): void {
    for (let count = 0; this.deferred.length > 0; count += 1) {
      if (count > deferredMax) throw new SimulationFailure('bound', `deferred work of ${this.name}`);
      this.deferred.shift()?.();
    }
  }

  private asFailure(error: unknown): unknown {
    if (error instanceof SimulationFailure) return error;
    if (error instanceof AssertionError) {
      const details = JSON.stringify(error.details);
      return new SimulationFailure(
        'assert',
        `${this.name}: ${error.message} ${details} ${error.stack ?? ''}`,
      );
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return new SimulationFailure('exception', `${this.name}: ${text}`);
  }
}
