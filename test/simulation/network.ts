/**
 * The simulated network: one stream per pair of processes that want one, and every way in which it can fail.
 * Links delay, and in some runs lose, double and reorder; directions are blocked one by one, so that
 * partitions may be partial or one-way. A stream breaks when one end has heard nothing for `silentMs`, or
 * when the process at the other end dies.
 *
 * What is sent is bytes: processes share nothing.
 */
import { present } from './present.js';
import type { Coverage } from './coverage.js';
import type { SimulatedProcess } from './machine.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** One run of a process, as the network sees it. */
export interface Endpoint {
  readonly name: string;
  /** Where it runs: what is blocked and slowed down is the way between two places. */
  readonly place: string;
  readonly process: SimulatedProcess;
  /** To whom it keeps a stream. */
  readonly wanted: Set<string>;
  connected(peer: Endpoint): void;
  disconnected(peer: Endpoint): void;
  frame(peer: Endpoint, content: Frame): void;
}

export interface Frame {
  bytes: Uint8Array;
  /** May be delivered twice: what TCP never does, and what the replication itself has to bear. */
  repeatable: boolean;
}

export interface NetworkProfile {
  delayMs: number;
  jitterMs: number;
  lossChance: number;
  duplicateChance: number;
  reorderChance: number;
  /** Reordered and doubled frames come up to this much later. */
  lateMs: number;
  silentMs: number;
}

interface Stream {
  a: Endpoint;
  b: Endpoint;
  openAtA: boolean;
  openAtB: boolean;
}

const monitorMs = 100;
const framesInFlightMax = 100_000;

function pairKey(x: string, y: string): string {
  return x < y ? `${x}|${y}` : `${y}|${x}`;
}

export class Network {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly streams = new Map<string, Stream>();
  private readonly blocked = new Set<string>();
  private readonly slowMs = new Map<string, number>();
  private readonly lastArrival = new Map<string, number>();
  private readonly muteMs = new Map<string, number>();
  private inFlight = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly coverage: Coverage,
    readonly profile: NetworkProfile,
  ) {
    this.scheduler.schedule(0, 'net monitor', () => this.monitor());
  }

  attach(endpoint: Endpoint): void {
    const before = this.endpoints.get(endpoint.name);
    if (before !== undefined) this.detach(before, true);
    this.endpoints.set(endpoint.name, endpoint);
  }

  /** The process is gone. `reset`: its machine still answers, so that its peers notice at once. */
  detach(endpoint: Endpoint, reset: boolean): void {
    if (this.endpoints.get(endpoint.name) === endpoint) this.endpoints.delete(endpoint.name);
    for (const stream of [...this.streams.values()]) {
      if (stream.a !== endpoint && stream.b !== endpoint) continue;
      const other = stream.a === endpoint ? stream.b : stream.a;
      if (stream.a === endpoint) stream.openAtA = false;
      else stream.openAtB = false;
      if (!reset || this.isBlocked(endpoint.place, other.place)) continue;
      this.scheduler.schedule(this.delay(endpoint.place, other.place), 'net reset', () =>
        this.close(stream, other),
      );
    }
  }

  endpoint(name: string): Endpoint | undefined {
    return this.endpoints.get(name);
  }

  /** The two have a stream, as `from` sees it. */
  isOpen(from: Endpoint, to: string): boolean {
    const stream = this.streams.get(pairKey(from.name, to));
    if (stream === undefined) return false;
    return stream.a === from ? stream.openAtA : stream.b === from && stream.openAtB;
  }

  send(from: Endpoint, to: string, frame: Frame): void {
    if (!this.isOpen(from, to)) return;
    const stream = present(this.streams.get(pairKey(from.name, to)));
    const receiver = stream.a === from ? stream.b : stream.a;
    if (this.random.chance(this.profile.lossChance)) {
      this.coverage.count('message lost');
      return;
    }
    this.deliverLater(from, receiver, frame, this.arrival(from.place, receiver.place));
    if (frame.repeatable && this.random.chance(this.profile.duplicateChance)) {
      this.coverage.count('message doubled');
      const again = this.delay(from.place, receiver.place) + this.random.between(0, this.profile.lateMs);
      this.deliverLater(from, receiver, frame, again);
    }
  }

  block(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`);
  }

  unblock(from: string, to: string): void {
    this.blocked.delete(`${from}>${to}`);
  }

  isBlocked(from: string, to: string): boolean {
    return this.blocked.has(`${from}>${to}`);
  }

  slowDown(from: string, to: string, byMs: number): void {
    this.slowMs.set(`${from}>${to}`, byMs);
  }

  /** Everybody reaches everybody. */
  get isWhole(): boolean {
    return this.blocked.size === 0;
  }

  /** Everybody reaches everybody again, at full speed. */
  heal(): void {
    this.blocked.clear();
    this.slowMs.clear();
  }

  /** Breaks the stream of two processes that reach each other: they will have a new one. */
  breakStream(x: string, y: string): void {
    const stream = this.streams.get(pairKey(x, y));
    if (stream === undefined) return;
    this.close(stream, stream.a);
    this.close(stream, stream.b);
  }

  /** How long a packet takes now. */
  delay(from: string, to: string): number {
    const { delayMs, jitterMs } = this.profile;
    const tail = -Math.log(1 - this.random.next()) * jitterMs;
    return delayMs + tail + (this.slowMs.get(`${from}>${to}`) ?? 0);
  }

  private arrival(from: string, to: string): number {
    const delay = this.delay(from, to);
    if (this.random.chance(this.profile.reorderChance)) {
      this.coverage.count('message reordered');
      return delay + this.random.between(0, this.profile.lateMs);
    }
    const direction = `${from}>${to}`;
    const at = Math.max(this.scheduler.now + delay, this.lastArrival.get(direction) ?? 0);
    this.lastArrival.set(direction, at);
    return at - this.scheduler.now;
  }

  private deliverLater(from: Endpoint, to: Endpoint, frame: Frame, delayMs: number): void {
    if (this.inFlight >= framesInFlightMax) return;
    this.inFlight += 1;
    this.scheduler.mix(frame.bytes.length);
    this.scheduler.schedule(delayMs, 'frame', () => {
      this.inFlight -= 1;
      // A late message may reach a newer run of the one that it was meant for.
      const receiver = frame.repeatable ? (this.endpoints.get(to.name) ?? to) : to;
      if (this.isBlocked(from.place, receiver.place) || !receiver.process.alive) return;
      if (!this.isOpen(receiver, from.name)) return;
      receiver.process.enter(() => receiver.frame(from, frame));
    });
  }

  /** Connects who wants to be, and ends streams on which one end hears nothing. */
  private monitor(): void {
    for (const stream of [...this.streams.values()]) {
      this.watchSilence(stream, stream.a, stream.b);
      this.watchSilence(stream, stream.b, stream.a);
    }
    for (const one of this.endpoints.values()) {
      for (const name of one.wanted) {
        const other = this.endpoints.get(name);
        if (other !== undefined && other !== one) this.tryConnect(one, other);
      }
    }
    this.scheduler.schedule(monitorMs * this.random.between(0.5, 1.5), 'net monitor', () => this.monitor());
  }

  private watchSilence(stream: Stream, from: Endpoint, to: Endpoint): void {
    const direction = `${from.name}>${to.name}`;
    const open = stream.a === to ? stream.openAtA : stream.openAtB;
    const mute =
      open && (this.isBlocked(from.place, to.place) || from.process.silent || !this.isAttached(from));
    if (!mute) {
      this.muteMs.delete(direction);
      return;
    }
    const muteMs = (this.muteMs.get(direction) ?? 0) + monitorMs;
    this.muteMs.set(direction, muteMs);
    if (muteMs <= this.profile.silentMs) return;
    this.muteMs.delete(direction);
    this.coverage.count('stream silent');
    this.close(stream, to);
    if (this.isBlocked(to.place, from.place)) return;
    this.scheduler.schedule(this.delay(to.place, from.place), 'net close', () => this.close(stream, from));
  }

  private isAttached(endpoint: Endpoint): boolean {
    return this.endpoints.get(endpoint.name) === endpoint;
  }

  /** The stream ends at this end. */
  private close(stream: Stream, at: Endpoint): void {
    const other = stream.a === at ? stream.b : stream.a;
    const wasOpen = stream.a === at ? stream.openAtA : stream.openAtB;
    if (stream.a === at) stream.openAtA = false;
    else stream.openAtB = false;
    const key = pairKey(stream.a.name, stream.b.name);
    if (!stream.openAtA && !stream.openAtB && this.streams.get(key) === stream) this.streams.delete(key);
    if (wasOpen) at.process.enter(() => at.disconnected(other));
  }

  private tryConnect(one: Endpoint, other: Endpoint): void {
    if (one.process.silent || other.process.silent) return;
    if (this.isBlocked(one.place, other.place) || this.isBlocked(other.place, one.place)) return;
    const before = this.streams.get(pairKey(one.name, other.name));
    const sameEnds = before !== undefined && this.isAttached(before.a) && this.isAttached(before.b);
    if (before !== undefined && sameEnds && before.openAtA && before.openAtB) return;
    if (!this.random.chance(0.7)) return;
    if (before !== undefined) {
      this.close(before, before.a);
      this.close(before, before.b);
    }
    const stream = { a: one, b: other, openAtA: true, openAtB: true };
    this.streams.set(pairKey(one.name, other.name), stream);
    this.muteMs.delete(`${one.name}>${other.name}`);
    this.muteMs.delete(`${other.name}>${one.name}`);
    one.process.enter(() => one.connected(other));
    other.process.enter(() => other.connected(one));
  }
}
