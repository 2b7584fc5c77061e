/**
 * What goes out to the workers: requests, directly or through another worker, and the ring whenever something
 * in it concerns them.
 */
import type { ControlRequest } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import { encodeRing } from '../ring/ring-payload.js';
import type { WorkerId } from '../ring/ring-record.js';
import type { Emit } from './control-event.js';
import type { RingDocument } from './ring-document.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export class Courier {
  /**
   * The newest version that every worker should have; changes that allocate an epoch alone concern nobody.
   */
  publishedVersion = 0;
  private payload: { version: number; bytes: Uint8Array } | null = null;

  constructor(
    private readonly limits: Limits,
    private readonly document: RingDocument,
    private readonly workers: WorkerDirectory,
    private readonly emit: Emit,
  ) {}

  /** Directly where there is a stream, else through a worker that says it has one. */
  send(worker: WorkerId, request: ControlRequest): void {
    const facts = this.workers.get(worker);
    let via: WorkerId | null = null;
    if (facts?.connected !== true) {
      const relay = facts?.via ?? null;
      if (relay !== null && this.workers.get(relay)?.connected === true) via = relay;
      else via = this.workers.all().find((other) => canRelay(other, worker))?.id ?? null;
    }
    this.emit({ type: 'send', worker, via, request });
  }

  /** Tells all workers of the record as it is now. */
  publish(now: number): void {
    const { record } = this.document;
    if (record === null || record.version <= this.publishedVersion) return;
    this.publishedVersion = record.version;
    for (const facts of this.workers.all()) this.sendRing(facts, now);
  }

  /** Tells those again that have not taken it yet. */
  republish(now: number): void {
    for (const facts of this.workers.all()) {
      if (facts.liveness !== 'alive' || facts.ringVersion >= this.publishedVersion) continue;
      if (now - facts.ringSentAt >= 2 * this.limits.heartbeatMs) this.sendRing(facts, now);
    }
  }

  sendRing(facts: WorkerFacts, now: number): void {
    const { record } = this.document;
    if (record === null || !this.document.trusted || facts.liveness === 'dead') return;
    if (this.payload?.version !== record.version) {
      this.payload = { version: record.version, bytes: encodeRing(record) };
    }
    facts.ringSentAt = now;
    this.send(facts.id, { type: 'ring', payload: this.payload.bytes });
  }
}

function canRelay(other: WorkerFacts, worker: WorkerId): boolean {
  return other.id !== worker && other.connected && other.peers.get(worker)?.connected === true;
}
