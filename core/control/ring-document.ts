/**
 * The controller's copy of the ring document, and the one line of changes to it.
 *
 * Every change is a function of the newest record, applied by compare-and-swap: several that wait go into one
 * swap. Only a swap that answered success counts; after a conflict, an unknown outcome or silence the
 * document is read anew before any change is told what became of it.
 *
 *   unread -> reading -> held <-> swapping
 *               ^  \-> absent       |
 *               +-------------------+  conflict, unknown, silence, or a newer ring seen at a worker
 */
import type { Limits } from '../limits.js';
import { holds } from '../rules.js';
import type { RingRecord } from '../ring/ring-record.js';
import type { Emit, LoadOutcome, SwapOutcome } from './control-event.js';

/** `void`: the change found nothing to do. After any other than `swapped`, `record` is what was read anew. */
export type ChangeOutcome = 'swapped' | 'conflict' | 'unknown' | 'void';

export interface RingChange {
  /** Allocates an epoch. */
  allocates?: boolean;
  /**
   * The record with the change made, or null if its condition does not hold. Never changes `record` itself.
   */
  apply(record: RingRecord): RingRecord | null;
  done(outcome: ChangeOutcome, record: RingRecord, now: number): void;
}

interface Swap {
  token: number;
  startedAt: number;
  changes: RingChange[];
  record: RingRecord;
  giveUpAt: number;
}

const loadRetryMs = 250;
/**
 * A store may be slower than the limits assume: each silence doubles the time that the next call is waited
 * for, and each swap answered in time takes a little of it back. A swap that was carried out and not waited
 * for costs a reading, and another swap.
 */
const patienceMax = 4;
const patienceKept = 0.8;
const absentPauseMs = 1_000;
/**
 * Also read while nothing is to be changed: what another has left in it, or that it is gone, is to be seen.
 */
const rereadMs = 10_000;
const doubtsMax = 3;
const doubtMs = 700;

export class RingDocument {
  record: RingRecord | null = null;
  /** The store answered that there is no document. */
  absent = false;
  /**
   * When the document was last read with changes in it that this controller knew nothing of, and how often.
   */
  foreign = { at: -Infinity, count: 0 };
  /** Why this controller must not act: workers hold what the document does not explain. */
  halted = '';
  private revision: string | null = null;
  private token = 0;
  private loading: { token: number; giveUpAt: number } | null = null;
  private loadAt: number | null = 0;
  private readAt = 0;
  private swapping: Swap | null = null;
  private failed: { changes: RingChange[]; outcome: ChangeOutcome } | null = null;
  private readonly waiting: RingChange[] = [];
  /** The highest that any worker told of. */
  seen = { version: 0, epoch: 0, where: '' };
  /**
   * Some worker has told what it holds: only then can a document that was restored be told from the newest.
   */
  private heard = false;
  private doubts = 0;
  private creating: ((outcome: ChangeOutcome) => void) | null = null;
  private patience = 1;

  constructor(
    private readonly clusterId: string,
    private readonly limits: Limits,
    private readonly emit: Emit,
  ) {}

  /** The record may be acted on: it is read, and no worker holds anything newer. */
  get trusted(): boolean {
    return this.record !== null && !this.doubtful && this.halted === '';
  }

  /** Nothing is being read or swapped. */
  get quiet(): boolean {
    return this.loading === null && this.swapping === null;
  }

  queue(change: RingChange): void {
    this.waiting.push(change);
  }

  /** Creates the document; only `swapped` says that it was this controller that did. */
  create(record: RingRecord, now: number, done: (outcome: ChangeOutcome) => void): void {
    if (!this.absent || !this.quiet) return;
    this.creating = done;
    this.startSwap(null, record, [], now);
  }

  /** A worker holds this ring version, or promised this epoch. */
  sawAtWorker(version: number, epoch: number, where: string, now: number): void {
    this.heard = true;
    if (version > this.seen.version || epoch > this.seen.epoch) {
      this.seen = {
        version: Math.max(version, this.seen.version),
        epoch: Math.max(epoch, this.seen.epoch),
        where,
      };
      if (this.doubtful || this.absent) this.reload(now);
    }
  }

  reload(now: number): void {
    this.loadAt = Math.min(this.loadAt ?? now, now);
  }

  tick(now: number): void {
    if (this.loading !== null && now >= this.loading.giveUpAt) {
      this.loading = null;
      this.loadAt = now + loadRetryMs;
      this.bearLonger();
    }
    if (this.swapping !== null && now >= this.swapping.giveUpAt) {
      this.bearLonger();
      this.swapFailed('unknown', now);
    }
    if (this.record !== null && now - this.readAt >= rereadMs) this.reload(now);
    this.pump(now);
  }

  private bearLonger(): void {
    this.patience = Math.min(patienceMax, 2 * this.patience);
  }

  /** Starts what can be started: a read that is due, or a swap of all changes that wait. */
  pump(now: number): void {
    if (this.loading !== null || this.swapping !== null) return;
    if (this.loadAt !== null) {
      if (now < this.loadAt) return;
      this.loadAt = null;
      this.readAt = now;
      this.token += 1;
      this.loading = { token: this.token, giveUpAt: now + 2 * this.patience * this.limits.casMs };
      this.emit({ type: 'load', token: this.token });
      return;
    }
    if (this.record === null || !this.trusted || !this.heard || this.waiting.length === 0) return;
    this.swapWaiting(this.record, now);
  }

  loaded(token: number, outcome: LoadOutcome, now: number): void {
    if (this.loading?.token !== token) return;
    this.loading = null;
    if (outcome.status === 'failed') {
      this.loadAt = now + loadRetryMs;
      return;
    }
    this.absent = outcome.status === 'absent';
    // Removed, as was asked for: it is rebuilt from what the workers hold.
    if (this.absent) this.halted = '';
    const known = this.record?.version ?? null;
    if (known !== null && outcome.status === 'loaded' && outcome.record.version !== known) {
      this.foreign = { at: now, count: this.foreign.count + 1 };
    }
    this.record = outcome.status === 'loaded' ? outcome.record : null;
    if (this.record !== null && this.record.clusterId !== this.clusterId) {
      this.halt(`the ring document belongs to another cluster, ${this.record.clusterId}`);
    }
    this.revision = outcome.status === 'loaded' ? outcome.revision : null;
    // Another controller may make one meanwhile.
    if (this.absent) this.loadAt = now + absentPauseMs;
    this.judgeDoubts(now);
    this.settleFailed(now);
    this.pump(now);
  }

  swapped(token: number, outcome: SwapOutcome, now: number): void {
    const swap = this.swapping;
    if (swap?.token !== token) return;
    if (outcome.status !== 'swapped') {
      this.swapFailed(outcome.status, now);
      this.pump(now);
      return;
    }
    this.swapping = null;
    if (now - swap.startedAt <= this.limits.casMs) {
      this.patience = Math.max(1, patienceKept * this.patience);
    }
    if (this.absent) this.loadAt = null;
    this.absent = false;
    this.record = swap.record;
    this.revision = outcome.revision;
    this.finish(swap.changes, 'swapped', now);
    this.pump(now);
  }

  private get doubtful(): boolean {
    if (this.record === null) return false;
    return this.seen.version > this.record.version || this.seen.epoch > this.record.epochCounter;
  }

  private swapWaiting(start: RingRecord, now: number): void {
    let record = start;
    const changes: RingChange[] = [];
    const idle: RingChange[] = [];
    for (const change of this.waiting.splice(0)) {
      const next = change.apply(record);
      if (next === null) {
        idle.push(change);
      } else {
        changes.push(change);
        record = next;
      }
    }
    if (changes.length > 0) {
      this.startSwap(this.revision, { ...record, version: start.version + 1 }, changes, now);
    }
    for (const change of idle) change.done('void', start, now);
  }

  private startSwap(expected: string | null, record: RingRecord, changes: RingChange[], now: number): void {
    this.token += 1;
    // A little longer than a store that keeps to the limit takes, so that its word is heard.
    const giveUpAt = now + this.patience * this.limits.casMs + 50;
    this.swapping = { token: this.token, startedAt: now, changes, record, giveUpAt };
    this.emit({ type: 'swap', token: this.token, expected, record });
  }

  private swapFailed(outcome: 'conflict' | 'unknown', now: number): void {
    const swap = this.swapping;
    if (swap === null) return;
    this.swapping = null;
    const careless = outcome === 'unknown' && !holds('allocation-must-answer');
    const assumed = careless ? swap.changes.filter((change) => change.allocates === true) : [];
    for (const change of assumed) change.done('swapped', swap.record, now);
    this.failed = { changes: swap.changes.filter((change) => !assumed.includes(change)), outcome };
    this.reload(now);
  }

  private settleFailed(now: number): void {
    const { failed } = this;
    this.failed = null;
    if (failed === null) return;
    // Without a document nothing can be said of them: they wait for the next one.
    if (this.record === null) this.waiting.push(...failed.changes);
    this.finish(failed.changes, failed.outcome, now);
  }

  private finish(changes: RingChange[], outcome: ChangeOutcome, now: number): void {
    const { creating, record } = this;
    this.creating = null;
    creating?.(outcome);
    if (record === null) return;
    for (const change of changes) change.done(outcome, record, now);
  }

  /**
   * After each reading: is all that workers hold explained now? Some readings apart, so that a slow one is no
   * alarm.
   */
  private judgeDoubts(now: number): void {
    if (!this.doubtful) {
      this.doubts = 0;
      if (this.record?.clusterId === this.clusterId) this.halted = '';
      return;
    }
    this.doubts += 1;
    this.loadAt = now + doubtMs;
    const { record, seen } = this;
    if (this.doubts < doubtsMax || this.halted !== '' || record === null) return;
    this.halt(
      `worker ${seen.where} holds ring version ${seen.version} and epoch ${seen.epoch}, above the ring document's ` +
        `version ${record.version} and epoch counter ${record.epochCounter}: the document was restored from an old ` +
        'copy; remove it to have it rebuilt from the rings that the workers hold',
    );
  }

  private halt(reason: string): void {
    if (this.halted === reason) return;
    this.halted = reason;
    this.emit({ type: 'stop', reason });
  }
}
