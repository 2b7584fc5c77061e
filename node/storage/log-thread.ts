/**
 * The port `Log` on two threads. Calls of one turn of the event loop travel as one message; the writing
 * thread makes one transaction of whatever has arrived when it is free. Nothing waits for a timer, except
 * notes, which nobody waits for.
 */
import { MessageChannel } from 'node:worker_threads';
import { assert } from '../../core/assert.js';
import type { Limits } from '../../core/limits.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { LogCommand, LogResult, RecoveredStore } from '../../core/protocol/log-command.js';
import type { Log } from '../worker/ports.js';
import { packAppends, packCommands, unpackEntries } from './entry-batch.js';
import type {
  LogReaderData,
  LogReaderReply,
  LogWriterData,
  LogWriterReply,
  LogWriterRequest,
  StorePaths,
} from './log-messages.js';
import { StorageFailure } from './storage-error.js';
import type { StorageMeasurements } from './storage-measurements.js';
import { StorageWorker } from './storage-worker.js';

export interface LogThreadOptions {
  paths: StorePaths;
  clusterId: string;
  limits: Limits;
  measured: StorageMeasurements;
  /** Called once; nothing is answered after it, and the process must end. */
  onFailure: (error: Error) => void;
  /** Runs a function once, when what this turn of the event loop has to submit is there. */
  endOfTurn: (run: () => void) => void;
  /** Size that the write-ahead log is kept near. */
  walBytes?: number;
}

interface Submitted {
  commandCount: number;
  done: (results: LogResult[]) => void;
}

interface Message {
  submitted: Submitted[];
  bytes: number;
}

/**
 * What may wait for the disk, in all. Callers bound what they hand out; beyond this the process is of no use.
 */
const queuedBytesMax = 1024 * 1024 * 1024;
const walBytesDefault = 16 * 1024 * 1024;
const noteDelayMs = 100;
const commandBytes = 64;

export class LogThread implements Log {
  private readonly writer: StorageWorker<LogWriterRequest, LogWriterReply>;
  private reader: StorageWorker<never, LogReaderReply> | null = null;
  private readonly reads = new Map<number, (entries: Entry[]) => void>();
  private readonly sent: Message[] = [];
  private commands: LogCommand[] = [];
  private gathered: Message = { submitted: [], bytes: 0 };
  private flushPlanned = false;
  private noteTimer: NodeJS.Timeout | null = null;
  private nextReadId = 1;
  private waitingBytes = 0;
  private closing = false;
  private closed: { resolve: () => void; reject: (error: Error) => void } | null = null;
  private failed = false;
  /** Transactions made by this run, each with one fsync. */
  commitCount = 0;

  private constructor(
    private readonly options: LogThreadOptions,
    onOpened: (recovered: RecoveredStore) => void,
    onFailure: (error: Error) => void,
  ) {
    const { paths, clusterId, limits, measured, walBytes = walBytesDefault } = options;
    const { port1, port2 } = new MessageChannel();
    const writerData: LogWriterData = {
      paths,
      clusterId,
      limits,
      reader: port1,
      walBytes,
      measured: measured.memory,
    };
    const fail = (error: Error) => {
      if (this.failed) return;
      this.failed = true;
      if (this.noteTimer !== null) clearTimeout(this.noteTimer);
      if (this.closed === null) onFailure(error);
      else this.closed.reject(error);
    };
    this.writer = new StorageWorker(
      './log-writer.js',
      { workerData: writerData, transferList: [port1] },
      (reply) => {
        if (typeof reply === 'number') this.allCommitted(reply);
        else if (reply.type === 'opened') {
          // Only now: the recovery has the files to itself.
          this.startReader({ path: paths.log, writer: port2 }, fail);
          onOpened(reply.recovered);
        } else if (reply.type === 'committed') this.committed(reply.results, reply.commitCount);
        else this.closed?.resolve();
      },
      fail,
    );
  }

  private startReader(data: LogReaderData, fail: (error: Error) => void): void {
    this.reader = new StorageWorker(
      './log-reader.js',
      { workerData: data, transferList: [data.writer] },
      (reply) => this.entriesRead(reply),
      fail,
    );
  }

  /**
   * Recovers the store and answers with what it holds. Rejects with AmnesiacStore, ForeignStore or
   * StorageFailure; failures after that go to `onFailure`.
   */
  static async open(options: LogThreadOptions): Promise<{ log: LogThread; recovered: RecoveredStore }> {
    let opened = false;
    const attempt: { log: LogThread | null } = { log: null };
    try {
      const recovered = await new Promise<RecoveredStore>((resolve, reject) => {
        attempt.log = new LogThread(options, resolve, (error) => {
          if (opened) options.onFailure(error);
          else reject(error);
        });
      });
      opened = true;
      assert(attempt.log !== null, 'the thread is there');
      return { log: attempt.log, recovered };
    } catch (error) {
      await attempt.log?.end();
      throw error;
    }
  }

  submit(commands: LogCommand[], done: (results: LogResult[]) => void): void {
    // Nobody hears of it any more: as if the process had ended before.
    if (this.closing) return;
    let urgent = false;
    for (const command of commands) {
      this.commands.push(command);
      this.gathered.bytes += commandBytes;
      if (command.type !== 'note') urgent = true;
      if (command.type === 'append' || command.type === 'sync') {
        for (const { bytes } of command.entries) this.gathered.bytes += bytes.length;
      }
    }
    this.gathered.submitted.push({ commandCount: commands.length, done });
    if (urgent) this.planFlush();
    else this.noteTimer ??= setTimeout(() => this.flush(), noteDelayMs);
  }

  /** Bytes handed in that are not durable yet. */
  get queuedBytes(): number {
    return this.waitingBytes + this.gathered.bytes;
  }

  read(partition: number, fromSeq: number, bytesMax: number, done: (entries: Entry[]) => void): void {
    if (this.closing) return;
    // Not past the appends that were handed in before it.
    this.flush();
    const id = this.nextReadId;
    this.nextReadId += 1;
    this.reads.set(id, done);
    this.writer.post({ type: 'read', id, partition, fromSeq, bytesMax });
  }

  private planFlush(): void {
    if (this.flushPlanned) return;
    this.flushPlanned = true;
    this.options.endOfTurn(() => this.flush());
  }

  private flush(): void {
    this.flushPlanned = false;
    if (this.noteTimer !== null) clearTimeout(this.noteTimer);
    this.noteTimer = null;
    if (this.failed || this.gathered.submitted.length === 0) return;
    const { commands } = this;
    this.sent.push(this.gathered);
    this.waitingBytes += this.gathered.bytes;
    this.commands = [];
    this.gathered = { submitted: [], bytes: 0 };
    this.post(commands);
    if (this.waitingBytes > queuedBytesMax) {
      this.failed = true;
      this.options.onFailure(new StorageFailure(`${this.waitingBytes} bytes wait for the log's disk`));
    }
  }

  private post(commands: readonly LogCommand[]): void {
    const appends = packAppends(commands);
    if (appends !== null) {
      this.writer.post(appends, [appends]);
    } else {
      const packed = packCommands(commands);
      this.writer.post({ type: 'commit', ...packed }, [packed.packed]);
    }
  }

  private allCommitted(messageCount: number): void {
    this.commitCount += 1;
    for (let index = 0; index < messageCount; index += 1) this.answer(null);
  }

  private committed(results: (LogResult[] | null)[], commitCount: number): void {
    this.commitCount = commitCount;
    for (const own of results) this.answer(own);
  }

  /** The oldest message, with the results of its commands; null if all are done. */
  private answer(results: LogResult[] | null): void {
    const message = this.sent.shift();
    assert(message !== undefined, 'each message is answered once');
    this.waitingBytes -= message.bytes;
    let at = 0;
    for (const { commandCount, done } of message.submitted) {
      const end = at + commandCount;
      done(results === null ? allDone(commandCount) : results.slice(at, end));
      at = end;
    }
  }

  private entriesRead({ id, packed }: LogReaderReply): void {
    const done = this.reads.get(id);
    this.reads.delete(id);
    done?.(unpackEntries(packed));
  }

  /**
   * Commits what was handed in and lets go of the file. Marks the end of the run as clean, unless `cleanly`
   * is false: the next start then makes everything durable first. Rejects with StorageFailure if that could
   * not be written.
   */
  async close(cleanly = true): Promise<void> {
    this.flush();
    this.closing = true;
    await this.reader?.end();
    try {
      if (this.failed) return;
      await new Promise<void>((resolve, reject) => {
        this.closed = { resolve, reject };
        this.writer.post({ type: 'close', cleanly });
      });
    } finally {
      await this.writer.end();
    }
  }

  private async end(): Promise<void> {
    await Promise.all([this.reader?.end(), this.writer.end()]);
  }
}

const doneResult: LogResult = Object.freeze({ status: 'done' });

function allDone(count: number): LogResult[] {
  return new Array<LogResult>(count).fill(doneResult);
}
