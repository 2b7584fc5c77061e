/**
 * The simulated ring store: one linearizable document with compare-and-swap, reached with delays, conflicts,
 * outages and answers that do not come. A swap whose answer is lost was done or was not; the controller
 * learns only that it does not know. Every record passes through the text that real stores keep.
 */
import { formatRing, parseRing } from '../../core/ring/ring-json.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { LoadResult, Revision, RingStore, SwapResult } from '../../operator/ports.js';
import type { Coverage } from './coverage.js';
import type { SimulatedProcess } from './machine.js';
import type { Random } from './random.js';
import { SimulationFailure } from './scheduler.js';
import type { Scheduler } from './scheduler.js';

export interface RingStoreProfile {
  delayMs: number;
  /** A swap's answer is lost: done or not, each half of the times. */
  unknownChance: number;
  /** Something that is no controller has touched the document in between. */
  conflictChance: number;
  /** How long the controller waits for an answer. */
  timeoutMs: number;
}

const backupsMax = 40;

export class SimulatedRingStore {
  record: RingRecord | null = null;
  /** The document is an old copy: nobody may build on it. */
  isSetBack = false;
  private text = '';
  /** Copies of the document of the past, oldest first. */
  private readonly backups: { version: number; text: string }[] = [];
  private revision = 0;
  private unreachable = false;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly coverage: Coverage,
    readonly profile: RingStoreProfile,
    private readonly onSwap: (before: RingRecord | null, after: RingRecord) => void,
  ) {}

  setUnreachable(unreachable: boolean): void {
    if (unreachable) this.coverage.count('ring store outage');
    this.unreachable = unreachable;
  }

  /** The document is gone. */
  lose(): void {
    this.coverage.count('ring document lost');
    this.record = null;
    this.isSetBack = false;
    this.revision += 1;
  }

  /** An old copy takes the document's place; false if there is none from before this version. */
  setBack(beforeVersion: number): boolean {
    const older = this.backups.filter(({ version }) => version < beforeVersion);
    if (older.length === 0) return false;
    this.coverage.count('ring document set back');
    this.text = this.random.pick(older).text;
    this.record = parseRing(this.text);
    this.isSetBack = true;
    this.revision += 1;
    return true;
  }

  /** The store as one controller process sees it. */
  port(process: SimulatedProcess): RingStore {
    return {
      load: (done) => this.load(process, done),
      swap: (expected, record, done) => this.swap(process, expected, formatRing(record), done),
    };
  }

  private delay(): number {
    return this.random.between(0.2, 2 * this.profile.delayMs);
  }

  private load(process: SimulatedProcess, done: (result: LoadResult) => void): void {
    this.scheduler.schedule(this.delay(), 'ring load', () => {
      if (this.unreachable) {
        process.later(this.profile.timeoutMs, 'ring load failed', () =>
          done({ status: 'failed', reason: 'no answer' }),
        );
        return;
      }
      const text = this.record === null ? null : this.text;
      const revision = String(this.revision);
      process.later(this.delay(), 'ring loaded', () => {
        done(text === null ? { status: 'absent' } : { status: 'loaded', record: parseRing(text), revision });
      });
    });
  }

  private swap(
    process: SimulatedProcess,
    expected: Revision | null,
    text: string,
    done: (result: SwapResult) => void,
  ): void {
    const arrives = !this.unreachable && !this.random.chance(this.profile.unknownChance / 2);
    const answerArrives = !this.random.chance(this.profile.unknownChance / 2);
    if (!arrives) this.answerUnknown(process, 'not done', done);
    // A request that is on its way when the store goes away may still arrive, after the controller gave up on
    // it.
    const lateMs = answerArrives ? 0 : this.random.between(0, 2 * this.profile.timeoutMs);
    if (!arrives) return;
    this.scheduler.schedule(this.delay() + lateMs, 'ring swap', () => {
      const result = this.execute(expected, text);
      if (!answerArrives) return;
      if (this.unreachable) this.answerUnknown(process, 'done', done);
      else process.later(this.delay(), 'ring swapped', () => done(result));
    });
    if (!answerArrives) this.answerUnknown(process, 'done', done);
  }

  private answerUnknown(
    process: SimulatedProcess,
    truth: 'done' | 'not done',
    done: (result: SwapResult) => void,
  ): void {
    this.coverage.count(`ring store unknown, ${truth}`);
    process.later(this.profile.timeoutMs, 'ring swap unknown', () =>
      done({ status: 'unknown', reason: 'no answer' }),
    );
  }

  private execute(expected: Revision | null, text: string): SwapResult {
    if (this.record !== null && this.random.chance(this.profile.conflictChance)) this.revision += 1;
    const current = this.record === null ? null : String(this.revision);
    if (current !== expected) {
      this.coverage.count('ring store conflict');
      return { status: 'conflict' };
    }
    if (this.isSetBack) throw new SimulationFailure('ring store', 'built on a document that was set back');
    const after = parseRing(text);
    const before = this.record;
    this.record = after;
    this.text = text;
    this.backups.push({ version: after.version, text });
    if (this.backups.length > backupsMax) this.backups.shift();
    this.revision += 1;
    this.scheduler.mix(after.version);
    this.onSwap(before, after);
    return { status: 'swapped', revision: String(this.revision) };
  }
}
