/**
 * The port `Log`: gathers what one turn of the event loop submits, and commits batch after batch, one at a
 * time, each in one transaction. What a batch means is worked out here, in memory; its rows are written here
 * too while the disk is quick, else on a thread (`commit-place.ts`), and meanwhile the next batch gathers.
 * Nothing waits for a timer, except notes, which nobody waits for.
 */
import { performance } from 'node:perf_hooks';
import { assert } from '../../core/assert.js';
import type { Limits } from '../../core/limits.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { LogCommand, LogResult, RecoveredStore } from '../../core/protocol/log-command.js';
import type { Log } from '../worker/ports.js';
import { CommitPlace } from './commit-place.js';
import { unpackEntries } from './entry-batch.js';
import { LogBatches } from './log-batches.js';
import type { LogBatch } from './log-batches.js';
import { LogCheckpoints } from './log-checkpoints.js';
import { LogFile } from './log-file.js';
import type { LogReaderReply, LogReaderRequest, StorePaths } from './log-messages.js';
import type { LogThreadData, LogWriterReply, LogWriterRequest } from './log-messages.js';
import { isEmpty } from './log-rows.js';
import { StorageFailure } from './storage-error.js';
import type { StorageMeasurements } from './storage-measurements.js';
import { StorageWorker } from './storage-worker.js';
import { recoverStore } from './store-recovery.js';
import { TableFile } from './table-file.js';

export interface LogAdapterOptions {
  paths: StorePaths;
  clusterId: string;
  limits: Limits;
  measured: StorageMeasurements;
  /** Called once; nothing is answered after it, and the process must end. */
  onFailure: (error: Error) => void;
  /** Runs a function once, when what this turn of the event loop has to send has been sent. */
  afterTurn: (run: () => void) => void;
  /** Size that the write-ahead log is kept near. */
  walBytes?: number;
  /** Where batches are written. */
  place?: Pick<CommitPlace, 'isHere' | 'took'>;
}

/**
 * What may wait for the disk, in all. Callers bound what they hand out; beyond this the process is of no use.
 */
const queuedBytesMax = 1024 * 1024 * 1024;
const walBytesDefault = 16 * 1024 * 1024;
const noteDelayMs = 100;
/** Entries looked up for one read. */
const readEntriesMax = 4_096;

export class LogAdapter implements Log {
  private readonly writer: StorageWorker<LogWriterRequest, LogWriterReply>;
  private readonly reader: StorageWorker<LogReaderRequest, LogReaderReply>;
  private readonly reads = new Map<number, (entries: Entry[]) => void>();
  private readonly batches = new LogBatches();
  private readonly checkpoints: LogCheckpoints;
  private readonly place;
  /** Transactions that this thread has written itself. */
  commitsHere = 0;
  /** What the writing thread is at. */
  private busy: { batch: LogBatch; results: LogResult[] } | 'checkpoint' | null = null;
  private turnPlanned = false;
  private noteTimer: NodeJS.Timeout | null = null;
  private nextReadId = 1;
  private closing = false;
  private drained: { resolve: () => void; reject: (error: Error) => void } | null = null;
  private failed = false;

  private constructor(
    private readonly file: LogFile,
    private readonly options: LogAdapterOptions,
  ) {
    const { paths, walBytes = walBytesDefault, place = new CommitPlace() } = options;
    this.place = place;
    this.checkpoints = new LogCheckpoints(walBytes, () => this.reader.post({ type: 'checkpoint' }));
    const data: { workerData: LogThreadData } = { workerData: { path: paths.log } };
    const fail = (error: Error) => this.fail(error);
    this.writer = new StorageWorker('./log-writer.js', data, (reply) => this.written(reply), fail);
    this.reader = new StorageWorker('./log-reader.js', data, (reply) => this.readOrMoved(reply), fail);
  }

  /**
   * Recovers the store and answers with what it holds; this takes as long as it takes, and nothing else runs
   * meanwhile. @throws AmnesiacStore, ForeignStore, StorageFailure; failures after that go to `onFailure`.
   */
  static open(options: LogAdapterOptions): { log: LogAdapter; recovered: RecoveredStore } {
    const { paths, clusterId, limits } = options;
    const file = new LogFile(paths.log, { clusterId, newStoreId: '', verify: 'afterUncleanEnd' });
    try {
      const table = new TableFile(paths.table, { newStoreId: '', limits });
      try {
        const recovered = recoverStore(file, table);
        return { log: new LogAdapter(file, options), recovered };
      } finally {
        table.close();
      }
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Transactions made by this run, each with one fsync. */
  get commitCount(): number {
    return this.file.commitCount;
  }

  /** Bytes handed in that are not durable yet. */
  get queuedBytes(): number {
    const underWay = this.busy === null || this.busy === 'checkpoint' ? 0 : this.busy.batch.bytes;
    return this.batches.bytes + underWay;
  }

  submit(commands: LogCommand[], done: (results: LogResult[]) => void): void {
    // Nobody hears of it any more: as if the process had ended before.
    if (this.closing || this.failed) return;
    this.batches.add(commands, done);
    if (commands.some(({ type }) => type !== 'note')) this.planTurn();
    else this.noteTimer ??= setTimeout(() => this.flush(), noteDelayMs);
    const { queuedBytes } = this;
    if (queuedBytes > queuedBytesMax)
      this.fail(new StorageFailure(`${queuedBytes} bytes wait for the log's disk`));
  }

  read(partition: number, fromSeq: number, bytesMax: number, done: (entries: Entry[]) => void): void {
    if (this.closing || this.failed) return;
    const ask = () => {
      const places = this.file.locate(partition, fromSeq, readEntriesMax);
      const id = this.nextReadId;
      this.nextReadId += 1;
      this.reads.set(id, done);
      this.reader.post({ type: 'read', id, partition, fromSeq, places, bytesMax });
    };
    // Not past what was handed in before it.
    this.batches.addRead(ask);
    this.planTurn();
  }

  private planTurn(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    this.options.afterTurn(() => {
      this.turnPlanned = false;
      this.flush();
    });
  }

  /** What has gathered waits for the disk alone from now on. */
  private flush(): void {
    if (this.noteTimer !== null) clearTimeout(this.noteTimer);
    this.noteTimer = null;
    this.batches.flush();
    this.goOn();
  }

  private goOn(): void {
    while (this.busy === null && !this.failed) {
      if (this.checkpoints.isToFinish) {
        this.busy = 'checkpoint';
        this.writer.post({ type: 'finishCheckpoint' });
        return;
      }
      const batch = this.batches.take();
      if (batch === null) {
        this.drained?.resolve();
        return;
      }
      this.commit(batch);
    }
  }

  /** Here, or left to the thread. */
  private commit(batch: LogBatch): void {
    const written = this.attempt(() => {
      const { results, rows } = this.file.stage(batch.commands);
      if (isEmpty(rows)) return { results, outcome: this.file.write(rows), ms: null };
      if (!this.place.isHere(batch.commands.length, batch.bytes)) {
        this.busy = { batch, results };
        this.writer.post({ type: 'commit', rows });
        return null;
      }
      const startedAt = performance.now();
      const outcome = this.file.write(rows);
      this.commitsHere += 1;
      return { results, outcome, ms: performance.now() - startedAt };
    });
    if (written === null) return;
    const { results, outcome, ms } = written;
    this.settle(batch, results, outcome, ms);
  }

  private attempt<T>(run: () => T): T | null {
    try {
      return run();
    } catch (error) {
      this.fail(error instanceof Error ? error : new StorageFailure(String(error)));
      return null;
    }
  }

  /** `ms` is what the disk took; null if there was nothing to write. */
  private settle(batch: LogBatch, results: LogResult[], outcome: 'done' | 'full', ms: number | null): void {
    const holds = this.file.settle(outcome);
    if (ms !== null) {
      const { commitSeconds, commitEntries } = this.options.measured;
      this.place.took(ms, performance.now());
      commitSeconds.record(ms / 1_000);
      commitEntries.record(entryCount(batch.commands));
      this.checkpoints.wrote(this.file.takeWrittenBlocks());
    }
    let at = 0;
    for (const { count, done } of batch.submitted) {
      done(holds ? results.slice(at, at + count) : new Array<LogResult>(count).fill(noRoom));
      at += count;
    }
    for (const read of batch.reads) read();
  }

  private written(reply: LogWriterReply): void {
    if (this.failed) return;
    const { busy } = this;
    this.busy = null;
    if (reply.type === 'checkpointed') {
      this.checkpoints.finished(reply.isAll);
    } else {
      assert(busy !== null && busy !== 'checkpoint', 'what was written was staged');
      this.settle(busy.batch, busy.results, reply.outcome, reply.ms);
    }
    // A commit made here must not hold up what has just been answered; one made elsewhere can begin.
    if (this.place.isHere(0, 0)) this.planTurn();
    else this.goOn();
  }

  private readOrMoved(reply: LogReaderReply): void {
    if (reply.type === 'checkpointed') {
      this.checkpoints.moved();
      return this.goOn();
    }
    const done = this.reads.get(reply.id);
    this.reads.delete(reply.id);
    done?.(unpackEntries(reply.packed));
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    if (this.noteTimer !== null) clearTimeout(this.noteTimer);
    if (this.drained === null) this.options.onFailure(error);
    else this.drained.reject(error);
  }

  /**
   * Commits what was handed in and lets go of the file. Marks the end of the run as clean, unless `cleanly`
   * is false: the next start then makes everything durable first. Rejects with StorageFailure if that could
   * not be written.
   */
  async close(cleanly = true): Promise<void> {
    this.closing = true;
    try {
      await this.drain();
      if (cleanly && !this.failed) {
        this.file.endRun();
        this.file.makeDurable();
      }
    } finally {
      this.file.close();
    }
  }

  /** All that waits is committed, and the threads have let go of the file. */
  private async drain(): Promise<void> {
    try {
      if (this.failed) return;
      await new Promise<void>((resolve, reject) => {
        this.drained = { resolve, reject };
        this.flush();
      });
    } finally {
      await Promise.all([this.reader.end(), this.writer.end()]);
    }
  }
}

const noRoom: LogResult = Object.freeze({ status: 'full' });

function entryCount(commands: readonly LogCommand[]): number {
  let count = 0;
  for (const command of commands) if (command.type === 'append') count += command.entries.length;
  return count;
}
