/**
 * The log's writing thread: owns the only connection that writes the log. Whatever is waiting when it is free
 * goes into one transaction. Before that it recovers the store, with both files to itself.
 *
 * Checkpoints: the reading thread moves the bulk of the write-ahead log into the file while commits go on;
 * the rest, a few frames, this thread moves between two commits, after which SQLite begins the write-ahead
 * log anew. Without that last step a busy log would never find the moment, and grow for ever.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { LogCommand, LogResult, RecoveredStore } from '../../core/protocol/log-command.js';
import { unpackAppends, unpackCommands } from './entry-batch.js';
import { LogFile } from './log-file.js';
import type { LogReaderRequest, LogWriterData, LogWriterReply, LogWriterRequest } from './log-messages.js';
import { isFull, sqliteCode, storageFailure } from './storage-error.js';
import { StorageMeasurements } from './storage-measurements.js';
import { failureMessage } from './storage-worker.js';
import { recoverStore } from './store-recovery.js';
import { TableFile } from './table-file.js';

/** Bounds of one transaction. */
const batchCommandsMax = 4_096;
const batchBytesMax = 8 * 1024 * 1024;
/** Entries looked up for one read. */
const readEntriesMax = 4_096;
/** A page in the write-ahead log. */
const frameBytes = 4_096 + 24;
/** What a commit writes besides blocks: now and then pages of the small tables. */
const commitOverheadBytes = frameBytes;
/**
 * After a batch of this many commands the next one is given a moment to grow: its senders have just been
 * answered all at once and come back one after another, and a sync for the first of them would cost as much
 * as one for all.
 */
const largeBatchCommands = 48;
const paceMs = 0.2;
/** How many times its bound the write-ahead log may grow to while the reading thread is behind. */
const walOverrun = 8;

type CommitRequest = ArrayBuffer | Extract<LogWriterRequest, { type: 'commit' }>;
type ReadRequest = Extract<LogWriterRequest, { type: 'read' }>;

function isCommit(request: LogWriterRequest | null): request is CommitRequest {
  return request instanceof ArrayBuffer || request?.type === 'commit';
}

class LogWriter {
  /** Read from the port while gathering a batch that it is no part of. */
  private setAside: LogWriterRequest | null = null;
  private checkpointing = false;
  private closed = false;
  /** Estimate of what the write-ahead log has grown by since it was last begun anew. */
  private walBytes = 0;
  private failed = false;
  private lastBatchCommands = 0;
  /** What the other side knows of the log's count of transactions. */
  private commitCountTold = 0;
  private readonly pause = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    private readonly log: LogFile,
    private readonly port: MessagePort,
    private readonly reader: MessagePort,
    private readonly walBytesWanted: number,
    private readonly measured: StorageMeasurements,
  ) {}

  start(recovered: RecoveredStore): void {
    this.port.on('message', (request: LogWriterRequest) => this.guard(() => this.work(request)));
    this.reader.on('message', () => this.guard(() => this.finishCheckpoint()));
    this.reply({ type: 'opened', recovered });
  }

  /** The first failure is the last thing that this thread says. */
  private guard(run: () => void): void {
    if (this.failed || this.closed) return;
    try {
      run();
    } catch (error) {
      this.failed = true;
      this.port.postMessage(failureMessage(error));
    }
  }

  private reply(message: LogWriterReply): void {
    this.port.postMessage(message);
  }

  private receive(): LogWriterRequest | null {
    const held = this.setAside;
    this.setAside = null;
    if (held !== null) return held;
    const received: { message: LogWriterRequest } | undefined = receiveMessageOnPort(this.port);
    return received?.message ?? null;
  }

  private work(first: LogWriterRequest): void {
    for (let request: LogWriterRequest | null = first; request !== null; request = this.receive()) {
      if (isCommit(request)) this.commit(request);
      else if (request.type === 'read') this.forwardRead(request);
      else this.close(request.cleanly);
    }
  }

  /** One transaction for everything that waits, up to the bounds of a batch. */
  private commit(first: CommitRequest): void {
    const commands: LogCommand[] = [];
    const counts: number[] = [];
    let bytes = 0;
    if (this.lastBatchCommands >= largeBatchCommands) Atomics.wait(this.pause, 0, 0, paceMs);
    let request: LogWriterRequest | null = first;
    while (isCommit(request)) {
      if (request instanceof ArrayBuffer) {
        counts.push(unpackAppends(request, commands));
        bytes += request.byteLength;
      } else {
        for (const command of unpackCommands(request)) commands.push(command);
        counts.push(request.count);
        bytes += request.packed.byteLength;
      }
      request = commands.length < batchCommandsMax && bytes < batchBytesMax ? this.receive() : null;
    }
    this.setAside = request;
    this.lastBatchCommands = commands.length;
    const startedAt = performance.now();
    const results = this.log.commit(commands);
    this.measured.commitSeconds.record((performance.now() - startedAt) / 1_000);
    this.measured.commitEntries.record(entryCount(commands));
    this.answer(counts, results);
    this.grow(this.log.takeWrittenBlocks() * frameBytes + commitOverheadBytes);
  }

  private answer(counts: readonly number[], results: readonly LogResult[]): void {
    const { commitCount } = this.log;
    const isNext = commitCount === this.commitCountTold + 1;
    this.commitCountTold = commitCount;
    if (isNext && results.every(isDone)) {
      this.reply(counts.length);
      return;
    }
    let at = 0;
    const perRequest = counts.map((count) => {
      const own = results.slice(at, at + count);
      at += count;
      return own.every(isDone) ? null : own;
    });
    this.reply({ type: 'committed', results: perRequest, commitCount });
  }

  private grow(bytes: number): void {
    this.walBytes += bytes;
    if (this.walBytes <= this.walBytesWanted) return;
    if (this.walBytes > this.walBytesWanted * walOverrun) {
      // The reading thread does not keep up: better a slow commit than a disk that fills.
      this.finishCheckpoint();
    } else if (!this.checkpointing) {
      this.checkpointing = true;
      const request: LogReaderRequest = { type: 'checkpoint' };
      this.reader.postMessage(request);
    }
  }

  /**
   * The rest of a checkpoint; SQLite then begins the write-ahead log anew, unless a reader is in the way just
   * now.
   */
  private finishCheckpoint(): void {
    this.checkpointing = false;
    this.walBytes = this.walBytesWanted / 2;
    try {
      const rows = this.log.database.pragma('wal_checkpoint(PASSIVE)') as {
        log: number;
        checkpointed: number;
      }[];
      if (rows[0] !== undefined && rows[0].log === rows[0].checkpointed) this.walBytes = 0;
    } catch (error) {
      // Without room the frames stay where they are, and are read from there.
      if (!isFull(error) && !sqliteCode(error).startsWith('SQLITE_BUSY'))
        throw storageFailure('checkpoint', error);
    }
  }

  private forwardRead({ id, partition, fromSeq, bytesMax }: ReadRequest): void {
    const places = this.log.locate(partition, fromSeq, readEntriesMax);
    const request: LogReaderRequest = { type: 'read', id, partition, fromSeq, places, bytesMax };
    this.reader.postMessage(request);
  }

  /** The reading thread has let go of the file by now. */
  private close(cleanly: boolean): void {
    if (cleanly) {
      this.log.endRun();
      this.log.makeDurable();
    }
    this.log.close();
    this.closed = true;
    this.reply({ type: 'closed' });
  }
}

function isDone({ status }: LogResult): boolean {
  return status === 'done';
}

function entryCount(commands: readonly LogCommand[]): number {
  let count = 0;
  for (const command of commands) if (command.type === 'append') count += command.entries.length;
  return count;
}

/** Both files belong to this thread until the recovery is done. */
function recover({ paths, clusterId, limits }: LogWriterData): { log: LogFile; recovered: RecoveredStore } {
  const log = new LogFile(paths.log, { clusterId, newStoreId: '', verify: 'afterUncleanEnd' });
  const table = new TableFile(paths.table, { newStoreId: '', limits });
  const recovered = recoverStore(log, table);
  table.close();
  return { log, recovered };
}

function run(port: MessagePort, data: LogWriterData): void {
  try {
    const { log, recovered } = recover(data);
    const measured = new StorageMeasurements(data.measured);
    new LogWriter(log, port, data.reader, data.walBytes, measured).start(recovered);
  } catch (error) {
    port.postMessage(failureMessage(error));
  }
}

if (parentPort !== null) run(parentPort, workerData as LogWriterData);
