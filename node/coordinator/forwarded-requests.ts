/**
 * The answering end of a forward: requests that other workers passed on to this one. Each is given to this
 * worker's own replica once and never passed on again, so a request crosses at most one stream whatever the
 * rings of the two say.
 *
 * A request that arrives twice must not be written twice. Streams deliver in order, and a sender's numbers
 * only grow while a stream lasts, so whatever is not above the highest number seen on it has been here
 * before. Numbers of another run are far away, on either side: the sender's clock may have been set back
 * before it started again, and a message of the run before, late, must not make the new ones look old.
 */
import { partitionOf } from '../../core/ring/hash.js';
import type { Limits } from '../../core/limits.js';
import type { NotApplied, ReadOutcome, WriteOutcome } from '../../core/protocol/operation.js';
import type { PeerMessage, PeerMessageOf } from '../../core/protocol/peer-message.js';
import type { WorkerId } from '../../core/ring/ring-record.js';
import type { LocalReplicas } from '../worker/ports.js';
import { forwardedRead, forwardedWrite, readReply, writeReply } from './forward-message.js';

/**
 * Runs begin a thousand numbers further for each millisecond of the sender's clock, so these are a second
 * apart; what comes twice on one stream is never so far behind.
 */
const runDistance = 1_000_000;
const runsMax = 4;

export interface ForwardedRequestsOptions {
  limits: Limits;
  local: LocalReplicas;
  send: (peer: WorkerId, message: PeerMessage) => void;
  /** Forwarded requests in work at once, and the bytes of their values. */
  requestsMax: number;
  requestBytesMax: number;
}

export class ForwardedRequests {
  /** Of each run of a peer that something was heard of since its stream began. */
  private readonly highestIds = new Map<WorkerId, number[]>();
  /** Of each peer's next write. */
  private readonly traces = new Map<WorkerId, PeerMessageOf<'trace'>>();
  private inWork = 0;
  private bytesInWork = 0;

  constructor(private readonly options: ForwardedRequestsOptions) {}

  /** The sender's numbers may start anew on its next stream. */
  peerDisconnected(peer: WorkerId): void {
    this.highestIds.delete(peer);
    this.traces.delete(peer);
  }

  trace(from: WorkerId, message: PeerMessageOf<'trace'>): void {
    this.traces.set(from, message);
  }

  write(from: WorkerId, message: PeerMessageOf<'forwardWrite'>): void {
    if (this.isRepeated(from, message.id)) return;
    const { local, limits, send } = this.options;
    const reply = (outcome: WriteOutcome) =>
      send(from, writeReply(message.id, outcome, local.ring()?.version ?? 0));
    const size = message.value.length;
    const refusal =
      size > limits.valueBytesMax
        ? refused('unavailable', 'the value is too large')
        : this.refuse(message, size);
    if (refusal !== null) {
      reply(refusal);
      return;
    }
    this.inWork += 1;
    this.bytesInWork += size;
    const operation = forwardedWrite(message);
    const traced = this.traces.get(from);
    if (traced?.id === message.id) operation.trace = traced.traceparent;
    local.write(message.partition, message.epoch, operation, (outcome) => {
      this.inWork -= 1;
      this.bytesInWork -= size;
      reply(outcome);
    });
  }

  read(from: WorkerId, message: PeerMessageOf<'forwardRead'>): void {
    if (this.isRepeated(from, message.id)) return;
    const { local, send } = this.options;
    const reply = (outcome: ReadOutcome) =>
      send(from, readReply(message, outcome, local.ring()?.version ?? 0));
    const refusal = this.refuse(message, 0);
    if (refusal !== null) {
      reply(refusal);
      return;
    }
    this.inWork += 1;
    local.read(message.partition, message.epoch, forwardedRead(message), (outcome) => {
      this.inWork -= 1;
      reply(outcome);
    });
  }

  private isRepeated(from: WorkerId, id: number): boolean {
    const runs = this.highestIds.get(from) ?? [];
    for (let index = 0; index < runs.length; index += 1) {
      const highest = runs[index] ?? 0;
      if (Math.abs(id - highest) >= runDistance) continue;
      if (id > highest) runs[index] = id;
      return id <= highest;
    }
    runs.push(id);
    if (runs.length > runsMax) runs.shift();
    this.highestIds.set(from, runs);
    return false;
  }

  /**
   * A peer is not a client, but what it says is checked all the same: a key in a wrong partition would be
   * lost to sight.
   */
  private refuse(
    message: PeerMessageOf<'forwardWrite'> | PeerMessageOf<'forwardRead'>,
    size: number,
  ): NotApplied | null {
    const { limits, local, requestsMax, requestBytesMax } = this.options;
    if (this.inWork >= requestsMax || this.bytesInWork + size > requestBytesMax)
      return refused('overloaded', 'the primary has too many forwarded requests in work');
    const ring = local.ring();
    if (ring === null) return refused('unavailable', 'the primary has not received a ring yet');
    const { key, partition } = message;
    if (key.length === 0 || key.length > limits.keyBytesMax)
      return refused('unavailable', 'the key is malformed');
    if (partitionOf(key, ring.partitionCount) !== partition)
      return refused('unavailable', 'the key belongs to another partition');
    return null;
  }
}

function refused(reason: NotApplied['reason'], detail: string): NotApplied {
  return { type: 'notApplied', reason, detail };
}
