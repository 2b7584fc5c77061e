/**
 * The ring document is gone, but workers hold data. Every worker that has a volume must answer with the
 * newest ring that it stored; the newest of all is adopted, under an epoch counter far above every epoch that
 * any of them has seen, so that nothing which a lost document may have allocated can be taken for something
 * new.
 */
import type { WorkerReportOf } from '../protocol/control-message.js';
import { WireError } from '../protocol/wire.js';
import { decodeRing } from '../ring/ring-payload.js';
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import { epochDistance } from './bootstrap.js';
import type { ClusterShape } from './bootstrap.js';
import type { Emit } from './control-event.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export type RecoveryStep = { type: 'wait'; awaited: string } | { type: 'adopt'; record: RingRecord };

interface Answer {
  storeId: string;
  highestEpoch: number;
  ring: RingRecord | null;
}

const askAgainMs = 1_000;

export class RingRecovery {
  private readonly answers = new Map<WorkerId, Answer>();
  private askedAt = -Infinity;
  private unreadable = '';

  constructor(
    private readonly shape: ClusterShape,
    private readonly emit: Emit,
  ) {}

  answered(worker: WorkerId, reply: WorkerReportOf<'ringReply'>): void {
    const { storeId, highestEpoch, payload } = reply;
    try {
      const ring = payload === null ? null : decodeRing(payload);
      this.answers.set(worker, { storeId, highestEpoch, ring });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.unreadable = `${worker} holds a ring that cannot be read: ${error.message}`;
    }
  }

  /** `seen`: the highest version and epoch that any report told. */
  step(workers: WorkerDirectory, seen: { version: number; epoch: number }, now: number): RecoveryStep {
    const expected = workers.all().filter((facts) => facts.expected !== null);
    const missing = expected.filter((facts) => !this.hasAnswered(facts));
    this.ask(missing, now);
    if (this.unreadable !== '') return { type: 'wait', awaited: this.unreadable };
    if (missing.length > 0) return { type: 'wait', awaited: this.sentence(missing.map((facts) => facts.id)) };
    const newest = this.newestRing();
    if (newest === null) return this.withoutRing(workers);
    const lost = this.storesWithoutAnswer(newest);
    if (lost.length > 0) return { type: 'wait', awaited: this.sentence(lost) };
    return { type: 'adopt', record: this.adopted(newest, seen) };
  }

  private hasAnswered(facts: WorkerFacts): boolean {
    const answer = this.answers.get(facts.id);
    return answer?.storeId === facts.storeId;
  }

  private ask(workers: readonly WorkerFacts[], now: number): void {
    if (now - this.askedAt < askAgainMs) return;
    this.askedAt = now;
    for (const { id } of workers) {
      this.emit({ type: 'send', worker: id, via: null, request: { type: 'fetchRing', requestId: 1 } });
    }
  }

  private newestRing(): RingRecord | null {
    let newest: RingRecord | null = null;
    for (const { ring } of this.answers.values()) {
      if (ring?.clusterId !== this.shape.clusterId) continue;
      if (ring.version > (newest?.version ?? 0)) newest = ring;
    }
    return newest;
  }

  /** Data, but no ring anywhere that says whose it is: a person has to look. */
  private withoutRing(workers: WorkerDirectory): RecoveryStep {
    const written = workers.all().find((facts) => [...facts.replicas.values()].some((r) => r.lastSeq > 0));
    const holder = written?.id ?? 'a worker';
    return {
      type: 'wait',
      awaited: `a ring: ${holder} holds replicas, but no worker holds a ring that says whose they are`,
    };
  }

  private storesWithoutAnswer(ring: RingRecord): WorkerId[] {
    const stores = new Set([...this.answers.values()].map((answer) => answer.storeId));
    const missing = new Set<WorkerId>();
    for (const { voters } of ring.partitions) {
      for (const { id, storeId } of voters) if (!stores.has(storeId)) missing.add(id);
    }
    return [...missing];
  }

  private sentence(ids: readonly WorkerId[]): string {
    return `the volumes of ${ids.join(', ')}: the ring document is gone, and the newest ring that any of them holds is adopted`;
  }

  private adopted(newest: RingRecord, seen: { version: number; epoch: number }): RingRecord {
    const epochs = [...this.answers.values()].map((answer) => answer.highestEpoch);
    const highest = Math.max(newest.epochCounter, seen.epoch, ...epochs);
    return {
      ...newest,
      version: Math.max(newest.version, seen.version) + 1,
      epochCounter: highest + epochDistance,
    };
  }
}
