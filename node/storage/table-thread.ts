/**
 * The port `Table` on a thread of its own. Reads by key do not travel: they are answered here, from a
 * connection that only reads.
 */
import Database from 'better-sqlite3';
import { assert } from '../../core/assert.js';
import type { Limits } from '../../core/limits.js';
import type { Row } from '../../core/protocol/operation.js';
import type { AppliedPosition, RememberedReply, Table } from '../worker/ports.js';
import { packGroups } from './entry-batch.js';
import type { StorageMeasurements } from './storage-measurements.js';
import { StorageWorker } from './storage-worker.js';
import type { ApplyBatch, StageChunk } from './table-file.js';
import type {
  TableAnswer,
  TableAnswers,
  TableReply,
  TableRequest,
  TableWriterData,
} from './table-messages.js';
import { TableReader } from './table-reader.js';
import { TableSnapshot } from './table-snapshot.js';

export interface TableThreadOptions {
  path: string;
  limits: Limits;
  measured: StorageMeasurements;
  /** Called once; nothing is answered after it, and the process must end. */
  onFailure: (error: Error) => void;
  /**
   * A partition whose rows are damaged; null if it is the file's structure. May be called again for the same.
   */
  onDamage: (partition: number | null) => void;
  /** Runs a function once, when this turn of the event loop ends. */
  endOfTurn: (run: () => void) => void;
  scrubRowsPerSecond?: number;
}

export class TableThread implements Table {
  private readonly thread: StorageWorker<TableRequest, TableReply>;
  private readonly connection: Database.Database;
  private readonly reader: TableReader;
  private readonly snapshot: TableSnapshot;
  private readonly asked = new Map<number, (answer: TableAnswer) => void>();
  private nextId = 1;
  private closed = false;
  private rejectClose: ((error: Error) => void) | null = null;

  private constructor(options: TableThreadOptions, onOpened: () => void, onFailure: (error: Error) => void) {
    const { path, limits, measured, scrubRowsPerSecond = null } = options;
    this.connection = new Database(path, { readonly: true, fileMustExist: true });
    this.connection.pragma('cache_size = -16384');
    this.reader = new TableReader(this.connection);
    this.snapshot = new TableSnapshot(this.connection, options.endOfTurn);
    const data: TableWriterData = { path, limits, scrubRowsPerSecond, measured: measured.memory };
    this.thread = new StorageWorker(
      './table-writer.js',
      { workerData: data },
      (reply) => {
        this.snapshot.end();
        if (reply.type === 'opened') onOpened();
        else if (reply.type === 'damaged') options.onDamage(reply.partition);
        else this.answered(reply);
      },
      (error) => {
        this.closed = true;
        if (this.rejectClose === null) onFailure(error);
        else this.rejectClose(error);
      },
    );
  }

  /**
   * Opens a table that exists and was recovered. Rejects with StorageFailure; later failures go to
   * `onFailure`.
   */
  static async open(options: TableThreadOptions): Promise<TableThread> {
    let opened = false;
    const attempt: { table: TableThread | null } = { table: null };
    await new Promise<void>((resolve, reject) => {
      attempt.table = new TableThread(options, resolve, (error) => {
        if (opened) options.onFailure(error);
        else reject(error);
      });
    });
    opened = true;
    assert(attempt.table !== null, 'the thread is there');
    return attempt.table;
  }

  get(partition: number, key: Uint8Array): Row | null | 'damaged' {
    this.snapshot.begin();
    return this.reader.get(partition, key);
  }

  has(partition: number, key: Uint8Array): boolean | 'damaged' {
    this.snapshot.begin();
    return this.reader.has(partition, key);
  }

  getReply(partition: number, idempotencyKey: string): RememberedReply | null {
    this.snapshot.begin();
    return this.reader.getReply(partition, idempotencyKey);
  }

  apply(batches: readonly ApplyBatch[], done: (outcome: 'applied' | 'full') => void): void {
    const packed = packGroups(batches.map(({ partition, entries }) => ({ partition, epoch: 0, entries })));
    const id = this.expect('applied', ({ outcome }) => done(outcome));
    this.thread.post({ type: 'apply', id, packed }, [packed]);
  }

  private expect<K extends keyof TableAnswers>(type: K, done: (answer: TableAnswers[K]) => void): number {
    const id = this.nextId;
    this.nextId += 1;
    this.asked.set(id, (answer) => {
      assert(answer.type === type, 'an answer is of the kind asked for');
      done(answer as TableAnswers[K] & TableAnswer);
    });
    return id;
  }

  private answered(answer: TableAnswer): void {
    const done = this.asked.get(answer.id);
    this.asked.delete(answer.id);
    done?.(answer);
  }

  checkpoint(done: (synced: AppliedPosition[]) => void): void {
    this.thread.post({ type: 'checkpoint', id: this.expect('synced', ({ positions }) => done(positions)) });
  }

  openCopy(partition: number, done: (copy: { handle: number; atSeq: number }) => void): void {
    const id = this.expect('copyOpened', ({ handle, atSeq }) => done({ handle, atSeq }));
    this.thread.post({ type: 'openCopy', id, partition });
  }

  readCopy(
    handle: number,
    bytesMax: number,
    done: (chunk: { rows: Uint8Array; last: boolean }) => void,
  ): void {
    const id = this.expect('copyRead', ({ rows, last }) => done({ rows, last }));
    this.thread.post({ type: 'readCopy', id, handle, bytesMax });
  }

  closeCopy(handle: number): void {
    this.thread.post({ type: 'closeCopy', handle });
  }

  stage(
    partition: number,
    stage: StageChunk,
    done: (outcome: 'staged' | 'full' | 'malformed') => void,
  ): void {
    const id = this.expect('staged', ({ outcome }) => done(outcome));
    // The rows may be part of a larger frame, which would be cloned as a whole.
    const rows = stage.rows.slice();
    this.thread.post({ type: 'stage', id, partition, part: { ...stage, rows } }, [rows.buffer]);
  }

  adopt(partition: number, stageNumber: number, done: () => void): void {
    this.thread.post({ type: 'adopt', id: this.expect('done', done), partition, stageNumber });
  }

  drop(partition: number, done: () => void): void {
    this.thread.post({ type: 'drop', id: this.expect('done', done), partition });
  }

  /**
   * Applies what was handed in, makes it durable and lets go of the file. Rejects with StorageFailure if it
   * cannot.
   */
  async close(): Promise<void> {
    // First: the last connection to close tidies up, and this one may not write.
    this.connection.close();
    try {
      if (this.closed) return;
      await new Promise<void>((resolve, reject) => {
        this.rejectClose = reject;
        this.thread.post({ type: 'close', id: this.expect('done', () => resolve()) });
      });
    } finally {
      this.closed = true;
      await this.thread.end();
    }
  }
}
