/**
 * The disk of one worker: a storage engine behind the worker's `Log` and `Table` ports, with the time that a
 * commit takes and the faults that a disk has. It outlives the processes that use it.
 *
 * Commits are made one at a time, each of everything that waits (group commit). At a crash the one in flight
 * has happened or has not.
 */
import type { Entry } from '../../../core/protocol/entry.js';
import type { LogCommand, LogResult } from '../../../core/protocol/log-command.js';
import type { Log, Table } from '../../../node/worker/ports.js';
import type { Coverage } from '../coverage.js';
import type { SimulatedProcess } from '../machine.js';
import type { Random } from '../random.js';
import type { Scheduler } from '../scheduler.js';
import type { Ending, StorageEngine } from './storage-engine.js';

export interface DiskProfile {
  commitMs: number;
  commitJitterMs: number;
  tableMs: number;
  /** Of a read: the process hangs in it for so long. */
  hangChance: number;
  hangMsMax: number;
}

interface Submission {
  commands: LogCommand[];
  done: (results: LogResult[]) => void;
}

/** Told of everything that became durable. */
export type DiskObserver = (commands: LogCommand[], results: LogResult[]) => void;

export class SimulatedDisk {
  full = false;
  /** Hardly any room is left, but what is small still fits. */
  low = false;
  /** The next commit ends in an I/O error. */
  failNextCommit = false;
  onCommit: DiskObserver = () => undefined;
  onApply: (batches: { partition: number; entries: readonly Entry[] }[]) => void = () => undefined;
  private detached = false;
  private inFlight: Submission[] = [];
  private waiting: Submission[] = [];
  private tableAt = 0;
  private logReadAt = 0;

  constructor(
    private readonly scheduler: Scheduler,
    readonly engine: StorageEngine,
    readonly profile: DiskProfile,
    private readonly random: Random,
    private readonly coverage: Coverage,
  ) {}

  /** Something was handed to the log that is not durable yet. */
  get isCommitting(): boolean {
    return this.inFlight.length > 0;
  }

  /**
   * The volume was taken away from a process that lives on: nothing that it writes from now on is ever done.
   */
  detach(): void {
    this.detached = true;
    this.inFlight = [];
    this.waiting = [];
  }

  /** The process that used the disk is gone. */
  end(ending: Ending): void {
    if (this.inFlight.length > 0) {
      const happened = this.random.chance(0.5) && !this.full;
      this.coverage.count(`commit in flight at a crash: ${happened ? 'done' : 'not done'}`);
      if (happened) this.execute(this.inFlight);
    }
    this.inFlight = [];
    this.waiting = [];
    const lost = this.engine.end(ending, this.random);
    if (lost !== null) this.coverage.count(`unsynced table writes ${lost}`);
  }

  /** An error while committing ends the process; `onFailure` does that. */
  log(process: SimulatedProcess, onFailure: () => void): Log {
    return {
      submit: (commands, done) => {
        if (!process.alive || this.detached) return;
        this.waiting.push({ commands, done });
        this.commitNext(process, onFailure);
      },
      read: (partition, fromSeq, bytesMax, done) => {
        this.logReadAt = Math.max(this.logReadAt, this.scheduler.now) + this.tableDelay();
        process.later(this.logReadAt - this.scheduler.now, 'log read', () =>
          done(this.engine.readLog(partition, fromSeq, bytesMax)),
        );
      },
    };
  }

  table(process: SimulatedProcess): Table {
    const { engine } = this;
    // One thread does all the work on the table, in order.
    const later = (label: string, run: () => void) => {
      this.tableAt = Math.max(this.tableAt, this.scheduler.now) + this.tableDelay();
      process.later(this.tableAt - this.scheduler.now, label, () => {
        if (!this.detached) run();
      });
    };
    return {
      get: (partition, key) => {
        const row = engine.get(partition, key);
        this.maybeHang(process);
        return row;
      },
      has: (partition, key) => {
        const found = engine.has(partition, key);
        this.maybeHang(process);
        return found;
      },
      // A process that was killed while it hung in the call before does nothing more that counts.
      getReply: (partition, idempotencyKey) =>
        process.alive ? engine.getReply(partition, idempotencyKey) : null,
      apply: (batches, done) =>
        later('apply', () => {
          if (this.full) return done('full');
          this.onApply(batches);
          engine.apply(batches);
          done('applied');
        }),
      checkpoint: (done) => later('checkpoint', () => done(engine.checkpoint())),
      openCopy: (partition, done) => later('copy open', () => done(engine.openCopy(partition))),
      readCopy: (handle, bytesMax, done) => later('copy read', () => done(engine.readCopy(handle, bytesMax))),
      closeCopy: (handle) => later('copy close', () => engine.closeCopy(handle)),
      stage: (partition, stage, done) =>
        later('stage', () => done(this.full ? 'full' : engine.stage(partition, stage))),
      adopt: (partition, stageNumber, done) =>
        later('adopt', () => {
          engine.adopt(partition, stageNumber);
          done();
        }),
      drop: (partition, done) =>
        later('drop', () => {
          engine.drop(partition);
          done();
        }),
    };
  }

  private commitNext(process: SimulatedProcess, onFailure: () => void): void {
    if (this.inFlight.length > 0 || this.waiting.length === 0) return;
    this.inFlight = this.waiting;
    this.waiting = [];
    const { commitMs, commitJitterMs } = this.profile;
    process.later(commitMs + this.random.between(0, commitJitterMs), 'commit', () => {
      if (this.detached) return;
      if (this.failNextCommit) {
        this.failNextCommit = false;
        this.coverage.count('I/O error on commit');
        onFailure();
        return;
      }
      const submissions = this.inFlight;
      const results = this.full ? null : this.execute(submissions);
      this.inFlight = [];
      let at = 0;
      for (const { commands, done } of submissions) {
        const own =
          results?.slice(at, at + commands.length) ?? commands.map(() => ({ status: 'full' as const }));
        at += commands.length;
        if (process.alive) done(own);
      }
      if (process.alive) this.commitNext(process, onFailure);
    });
  }

  private execute(submissions: Submission[]): LogResult[] {
    const commands = submissions.flatMap((submission) => submission.commands);
    const results = this.engine.execute(commands);
    this.onCommit(commands, results);
    return results;
  }

  private maybeHang(process: SimulatedProcess): void {
    if (!this.random.chance(this.profile.hangChance)) return;
    this.coverage.count('hang inside a call');
    process.hang(this.random.between(1, this.profile.hangMsMax));
  }

  private tableDelay(): number {
    return this.random.between(0.05, this.profile.tableMs);
  }
}
