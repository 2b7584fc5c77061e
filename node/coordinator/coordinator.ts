/**
 * The coordinator: takes any client's request on any worker, finds who can answer it and stays with it until
 * there is an answer or its time is up. Failovers and planned moves show to clients as latency alone:
 * whatever a replica certainly did not apply is tried again when a newer ring arrives, when a peer connects,
 * or after a short pause.
 *
 * What it may say is bound by what it knows: a write that was handed to a replica and not answered is
 * *unknown*, never *not applied*. Only a write with an idempotency key is tried again after that, since the
 * key makes the repetition harmless, and then only *applied* may still be said with certainty.
 *
 * It has no clock, socket or timer of its own: `tick` is called every `limits.tickMs`.
 */
import { assert } from '../../core/assert.js';
import { partitionOf } from '../../core/ring/hash.js';
import type { Limits } from '../../core/limits.js';
import type {
  NotAppliedReason,
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { PeerMessage, PeerMessageOf } from '../../core/protocol/peer-message.js';
import type { PartitionRecord, WorkerId } from '../../core/ring/ring-record.js';
import type { Clock, LocalReplicas } from '../worker/ports.js';
import { Arrivals } from './arrivals.js';
import { forwardRead, forwardWrite, readOutcome, writeOutcome } from './forward-message.js';
import { ForwardedRequests } from './forwarded-requests.js';
import {
  afterUnknown,
  isForAnyVoter,
  isWorthRetrying,
  readRequest,
  readTimedOut,
  valueBytes,
  writeRequest,
  writeTimedOut,
} from './request.js';
import type { ReadRequest, Request, WriteRequest } from './request.js';
import { routeToPrimary, routeToVoter } from './route.js';

export interface CoordinatorOptions {
  id: WorkerId;
  limits: Limits;
  clock: Clock;
  local: LocalReplicas;
  /** May drop the message if the peer is not connected or its queue is full. */
  send: (peer: WorkerId, message: PeerMessage) => void;
  isConnected: (peer: WorkerId) => boolean;
  /** Tells peers of the spans that forwarded writes belong to. */
  traces?: boolean;
  /** Requests in flight at once: clients' own, and as many again that peers forwarded. */
  requestsMax?: number;
  /** Bytes of values in flight at once, likewise counted twice. */
  requestBytesMax?: number;
}

/** Totals since the start, and what is in flight now. */
export interface CoordinatorCounts {
  inFlight: number;
  forwarded: number;
  /** Forwards whose stream ended before the answer. */
  forwardsBroken: number;
  retried: number;
  overloaded: number;
  expired: number;
}

const requestsMaxDefault = 8_192;
const requestBytesMaxDefault = 128 * 1024 * 1024;
const pauseFirstMs = 25;
const pauseMaxMs = 200;
/**
 * With no answer for this long a read is asked again: the message may have been dropped from a full queue.
 */
const readPatienceMs = 1_000;

export class Coordinator {
  readonly counts: CoordinatorCounts = {
    inFlight: 0,
    forwarded: 0,
    forwardsBroken: 0,
    retried: 0,
    overloaded: 0,
    expired: 0,
  };
  private readonly requests = new Arrivals();
  private readonly waiting = new Set<Request>();
  /** By their numbers: ids are too large to be quick keys. */
  private readonly forwards = new Map<number, Request>();
  private readonly forwarded: ForwardedRequests;
  private readonly requestsMax: number;
  private readonly requestBytesMax: number;
  private bytesInFlight = 0;
  /**
   * Grows with time too, so that a late answer to an earlier run of this worker fits no request of this one.
   */
  private readonly firstId: number;
  private nextNumber = 0;

  constructor(private readonly options: CoordinatorOptions) {
    this.requestsMax = options.requestsMax ?? requestsMaxDefault;
    this.requestBytesMax = options.requestBytesMax ?? requestBytesMaxDefault;
    this.firstId = Math.max(0, Math.floor(options.clock.wall())) * 1_000 + 1;
    this.forwarded = new ForwardedRequests({
      limits: options.limits,
      local: options.local,
      send: options.send,
      requestsMax: this.requestsMax,
      requestBytesMax: this.requestBytesMax,
    });
  }

  /** `done` is called exactly once; before the call returns only for a refusal (`overloaded`). */
  write(operation: WriteOperation, done: (outcome: WriteOutcome) => void): void {
    this.begin(writeRequest(operation, this.deadline(), done));
  }

  /**
   * Like {@link write}. The value that is handed out may share memory with a frame: use it before the next
   * turn or copy it.
   */
  read(operation: ReadOperation, done: (outcome: ReadOutcome) => void): void {
    this.begin(readRequest(operation, this.deadline(), done));
  }

  peerMessage(from: WorkerId, message: PeerMessage): void {
    switch (message.type) {
      case 'forwardWrite': {
        this.forwarded.write(from, message);
        return;
      }
      case 'forwardRead': {
        this.forwarded.read(from, message);
        return;
      }
      case 'trace': {
        this.forwarded.trace(from, message);
        return;
      }
      case 'writeReply': {
        this.writeReplied(from, message);
        return;
      }
      case 'readReply': {
        this.readReplied(from, message);
        return;
      }
      default:
    }
  }

  peerConnected(_peer: WorkerId): void {
    for (const request of [...this.waiting]) if (request.reason !== 'moving') this.retry(request);
  }

  /** What was forwarded there gets no answer any more: a read is asked elsewhere, a write is unknown. */
  peerDisconnected(peer: WorkerId): void {
    this.forwarded.peerDisconnected(peer);
    for (const [number, request] of [...this.forwards]) {
      if (request.stage.type !== 'forwarded' || request.stage.peer !== peer) continue;
      this.forwards.delete(number);
      this.counts.forwardsBroken += 1;
      const detail = `the connection to ${peer} ended before it answered`;
      if (request.kind === 'write') this.writeAnswered(request, { type: 'unknown', reason: detail }, 0);
      else this.pause(request, 'unavailable', detail, 0);
    }
  }

  /** A newer ring is known. Requests whose partition it does not concern go on waiting. */
  ringChanged(): void {
    const ring = this.options.local.ring();
    if (ring === null) return;
    for (const request of [...this.waiting]) {
      const wanted = request.stage.type === 'waiting' ? request.stage.ringVersion : 0;
      const epoch = ring.partitions[request.partition]?.epoch;
      if (epoch !== request.epochTried || (wanted > 0 && ring.version >= wanted)) {
        request.pauseMs = 0;
        this.retry(request);
      }
    }
    for (const [number, request] of [...this.forwards]) {
      if (request.kind === 'write' || isForAnyVoter(request)) continue;
      if (ring.partitions[request.partition]?.epoch !== request.epochTried) this.askAgain(number, request);
    }
  }

  /** Deadlines and retries. */
  tick(): void {
    const now = this.options.clock.now();
    for (let next = this.requests.first; next !== null && next.deadline <= now; next = this.requests.first)
      this.expire(next);
    for (const request of [...this.waiting])
      if (request.stage.type === 'waiting' && request.stage.retryAt <= now) this.retry(request);
    for (const [number, request] of [...this.forwards]) {
      if (request.kind === 'write' || request.stage.type !== 'forwarded') continue;
      if (request.stage.at + readPatienceMs <= now) this.askAgain(number, request);
    }
  }

  private deadline(): number {
    return this.options.clock.now() + this.options.limits.requestDeadlineMs;
  }

  private begin(request: Request): void {
    const bytes = valueBytes(request);
    if (this.requests.size >= this.requestsMax || this.bytesInFlight + bytes > this.requestBytesMax) {
      this.counts.overloaded += 1;
      const detail = 'this worker has too many requests in flight';
      request.done({ type: 'notApplied', reason: 'overloaded', detail });
      return;
    }
    this.requests.add(request);
    this.counts.inFlight = this.requests.size;
    this.bytesInFlight += bytes;
    this.attempt(request);
  }

  private attempt(request: Request): void {
    const { local } = this.options;
    const ring = local.ring();
    if (ring === null) {
      this.pause(request, 'unavailable', 'this worker has not received a ring yet', 0);
      return;
    }
    if (request.partition < 0) request.partition = partitionOf(request.operation.key, ring.partitionCount);
    const { partition } = request;
    const record = ring.partitions[partition];
    if (record === undefined) {
      this.pause(request, 'unavailable', `no partition ${partition}`, 0);
      return;
    }
    const route = isForAnyVoter(request)
      ? routeToVoter(this.options, partition, record, request.attempts)
      : routeToPrimary(this.options, partition, record);
    request.attempts += 1;
    request.epochTried = record.epoch;
    if (route.type === 'none') {
      this.pause(request, route.reason, route.detail, 0);
      return;
    }
    if (route.type === 'peer') {
      this.forward(request, route.peer, record);
      return;
    }
    request.stage = { type: 'local' };
    if (request.kind === 'write') {
      local.write(partition, record.epoch, request.operation, (outcome) =>
        this.writeAnswered(request, outcome, 0),
      );
    } else {
      local.read(partition, record.epoch, request.operation, (outcome) =>
        this.readAnswered(request, outcome, 0),
      );
    }
  }

  private forward(request: Request, peer: WorkerId, record: PartitionRecord): void {
    const now = this.options.clock.now();
    const number = this.nextNumber;
    this.nextNumber += 1;
    const id = this.firstId + number;
    request.stage = { type: 'forwarded', peer, number, at: now };
    this.forwards.set(number, request);
    this.counts.forwarded += 1;
    const deadlineMs = Math.max(0, Math.ceil(request.deadline - now));
    const header = { id, partition: request.partition, epoch: record.epoch, deadlineMs };
    if (request.kind === 'write' && this.options.traces === true && request.operation.trace !== undefined)
      this.options.send(peer, { type: 'trace', id, traceparent: request.operation.trace });
    this.options.send(
      peer,
      request.kind === 'write'
        ? forwardWrite(header, request.operation)
        : forwardRead(header, request.operation),
    );
  }

  /**
   * The request that a reply belongs to; none if it was given up, or if another peer than the one asked
   * replies.
   */
  private takeForward(from: WorkerId, id: number): Request | null {
    const number = id - this.firstId;
    const request = this.forwards.get(number);
    if (request?.stage.type !== 'forwarded' || request.stage.peer !== from) return null;
    this.forwards.delete(number);
    return request;
  }

  private writeReplied(from: WorkerId, message: PeerMessageOf<'writeReply'>): void {
    const request = this.takeForward(from, message.id);
    if (request?.kind === 'write')
      this.writeAnswered(request, writeOutcome(message, request.partition), message.ringVersion);
  }

  private readReplied(from: WorkerId, message: PeerMessageOf<'readReply'>): void {
    const request = this.takeForward(from, message.id);
    if (request?.kind === 'read')
      this.readAnswered(request, readOutcome(message, request.partition), message.ringVersion);
  }

  private writeAnswered(request: WriteRequest, outcome: WriteOutcome, ringVersion: number): void {
    if (request.stage.type === 'finished') return;
    if (outcome.type === 'unknown' && request.operation.idempotencyKey !== '') {
      request.mayBeApplied = true;
      this.pause(request, 'unavailable', outcome.reason, ringVersion);
      return;
    }
    if (outcome.type === 'notApplied' && isWorthRetrying(outcome.reason)) {
      this.pause(request, outcome.reason, outcome.detail, ringVersion);
      return;
    }
    this.finish(request);
    request.done(request.mayBeApplied ? afterUnknown(outcome) : outcome);
  }

  private readAnswered(request: ReadRequest, outcome: ReadOutcome, ringVersion: number): void {
    if (request.stage.type === 'finished') return;
    if (outcome.type === 'notApplied' && isWorthRetrying(outcome.reason)) {
      this.pause(request, outcome.reason, outcome.detail, ringVersion);
      return;
    }
    this.finish(request);
    request.done(outcome);
  }

  /**
   * Until a ring of `ringVersion` (if it is newer than this worker's), a connection, or a moment has passed.
   */
  private pause(request: Request, reason: NotAppliedReason, detail: string, ringVersion: number): void {
    request.pauseMs = Math.min(pauseMaxMs, Math.max(pauseFirstMs, request.pauseMs * 2));
    request.reason = reason;
    request.detail = detail;
    const known = this.options.local.ring()?.version ?? 0;
    const retryAt = this.options.clock.now() + request.pauseMs;
    request.stage = { type: 'waiting', retryAt, ringVersion: ringVersion > known ? ringVersion : 0 };
    this.waiting.add(request);
  }

  private retry(request: Request): void {
    this.waiting.delete(request);
    assert(request.stage.type !== 'finished', 'what was answered is not tried again');
    this.counts.retried += 1;
    this.attempt(request);
  }

  /** Only for reads: the answer to the earlier question, should it still come, fits no request any more. */
  private askAgain(number: number, request: ReadRequest): void {
    this.forwards.delete(number);
    this.retry(request);
  }

  private expire(request: Request): void {
    const deadlineMs = this.options.limits.requestDeadlineMs;
    this.counts.expired += 1;
    if (request.kind === 'write') {
      const outcome = writeTimedOut(request, deadlineMs);
      this.finish(request);
      request.done(outcome);
    } else {
      const outcome = readTimedOut(request, deadlineMs);
      this.finish(request);
      request.done(outcome);
    }
  }

  private finish(request: Request): void {
    assert(request.stage.type !== 'finished', 'a request is answered once');
    if (request.stage.type === 'forwarded') this.forwards.delete(request.stage.number);
    request.stage = { type: 'finished' };
    if (this.waiting.size > 0) this.waiting.delete(request);
    this.requests.delete(request);
    this.counts.inFlight = this.requests.size;
    this.bytesInFlight -= valueBytes(request);
  }
}
