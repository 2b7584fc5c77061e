/**
 * The table file: what is committed, applied behind the log in sorted batches. It syncs only when asked to
 * (`checkpoint`): in WAL mode with synchronous NORMAL a crash leaves the file whole and takes at most the
 * newest transactions, which the log still holds. Synchronous, and free of threads, clocks and chance.
 */
import { Buffer } from 'node:buffer';
import Database from 'better-sqlite3';
import { AssertionError, assert } from '../../core/assert.js';
import type { Limits } from '../../core/limits.js';
import { entryContent } from '../../core/protocol/entry.js';
import type { Entry, EntryContent } from '../../core/protocol/entry.js';
import type { Row } from '../../core/protocol/operation.js';
import { Reader, WireError } from '../../core/protocol/wire.js';
import { holds } from '../../core/rules.js';
import type { AppliedPosition, RememberedReply } from '../worker/ports.js';
import { checkpointAll } from './log-file.js';
import { applicationIds, migrate } from './schema-migration.js';
import { isFull, openingError, storageFailure } from './storage-error.js';
import { TableCopy } from './table-copy.js';
import { TableReader } from './table-reader.js';
import { copyRecordCodec, replyChecksum, rowChecksum } from './table-row.js';
import type { CopyRecord } from './table-row.js';
import { TableRows } from './table-rows.js';
import { tableMigrations } from './table-schema.js';
import { TableSlots } from './table-slots.js';
import type { TableReplica, TableStage } from './table-slots.js';

export interface TableFileOptions {
  /** Used if the file is new. */
  newStoreId: string;
  limits: Pick<Limits, 'idempotencyMs' | 'idempotencyKeysPerPartitionMax'>;
  /** Bound on the file's size in pages, for tests of a full disk. */
  pagesMax?: number;
}

export interface ApplyBatch {
  partition: number;
  entries: readonly Entry[];
}

export interface StageChunk {
  number: number;
  atSeq: number;
  chunk: number;
  rows: Uint8Array;
  last: boolean;
}

export class TableFile {
  readonly database: Database.Database;
  readonly storeId: string;
  private readonly slots: TableSlots;
  private readonly rows: TableRows;
  private readonly reader: TableReader;
  private readonly limits: TableFileOptions['limits'];
  /** Log time before which no reply of a partition is due to be forgotten. */
  private readonly oldestReply = new Map<number, number>();
  private synced: AppliedPosition[];
  private failed = false;

  /** @throws ForeignStore, AmnesiacStore (a row about a partition is damaged), StorageFailure */
  constructor(source: Database.Database | string, options: TableFileOptions) {
    this.limits = options.limits;
    let opened: Database.Database | null = null;
    try {
      if (typeof source === 'string') source = opened = new Database(source);
      this.database = source;
      configure(this.database, options.pagesMax);
      migrate(this.database, applicationIds.table, tableMigrations);
      this.storeId = this.openStore(options.newStoreId);
      this.slots = new TableSlots(this.database);
      this.rows = new TableRows(this.database);
      this.reader = new TableReader(this.database);
      this.synced = this.positions();
    } catch (error) {
      opened?.close();
      throw openingError('the table', error);
    }
  }

  private openStore(newStoreId: string): string {
    this.database.prepare('INSERT OR IGNORE INTO store VALUES (1, ?, 0)').run(newStoreId);
    return this.database.prepare<[], string>('SELECT store_id FROM store').pluck().get() ?? '';
  }

  /** @throws StorageFailure */
  get(partition: number, key: Uint8Array): Row | null | 'damaged' {
    return this.reader.get(partition, key);
  }

  /** @throws StorageFailure */
  has(partition: number, key: Uint8Array): boolean | 'damaged' {
    return this.reader.has(partition, key);
  }

  /** @throws StorageFailure */
  getReply(partition: number, idempotencyKey: string): RememberedReply | null {
    return this.reader.getReply(partition, idempotencyKey);
  }

  positions(): AppliedPosition[] {
    return this.slots.all().map(({ partition, appliedSeq }) => ({ partition, seq: appliedSeq }));
  }

  replica(partition: number): Readonly<TableReplica> | undefined {
    return this.slots.replica(partition);
  }

  stageOf(partition: number): Readonly<TableStage> | undefined {
    return this.slots.stage(partition);
  }

  /** Partitions of which the file holds anything, stages included. */
  partitions(): number[] {
    const found = new Set([...this.positions().map(({ partition }) => partition)]);
    for (const partition of this.slots.stagedPartitions()) found.add(partition);
    return [...found].sort((a, b) => a - b);
  }

  /**
   * Applies entries that follow what is applied; ones applied before are passed over. `full`: nothing was
   * done.
   * @throws StorageFailure
   */
  apply(batches: readonly ApplyBatch[]): 'applied' | 'full' {
    const merged = new Map<number, Entry[]>();
    for (const { partition, entries } of batches) {
      const held = merged.get(partition);
      if (held === undefined) merged.set(partition, [...entries]);
      else for (const entry of entries) held.push(entry);
    }
    const fits = this.transact('applying', () => {
      const replicas = [...merged.keys()].map((partition) => this.slots.replicaOf(partition));
      replicas.sort((a, b) => a.slot - b.slot);
      for (const replica of replicas) this.applyTo(replica, merged.get(replica.partition) ?? []);
    });
    return fits ? 'applied' : 'full';
  }

  /**
   * Of several entries for one key only the last touches the row; rows are visited in the order of their
   * keys.
   */
  private applyTo(replica: TableReplica, entries: readonly Entry[]): void {
    const { partition, slot } = replica;
    const newest = new Map<string, EntryContent>();
    for (const entry of entries) {
      if (entry.seq <= replica.appliedSeq) continue;
      const follows = entry.seq === replica.appliedSeq + 1 || !holds('contiguous-prefix');
      assert(follows, 'entries are applied without gaps');
      const content = entryContent(entry);
      replica.appliedSeq = entry.seq;
      replica.appliedLogTime = Math.max(replica.appliedLogTime, content.logTime);
      newest.set(orderedText(content.key), content);
      if (content.idempotencyKey !== '') {
        replica.replyCount += this.rows.remember(partition, slot, content, replica.appliedLogTime);
      }
    }
    for (const key of [...newest.keys()].sort()) {
      const content = newest.get(key);
      if (content !== undefined) this.rows.applyContent(partition, slot, content);
    }
    this.prune(replica);
    this.slots.saveReplica(replica);
  }

  private prune(replica: TableReplica): void {
    const { partition, slot, replyCount, appliedLogTime } = replica;
    if (replyCount === 0) return;
    const due = (this.oldestReply.get(partition) ?? 0) < appliedLogTime - this.limits.idempotencyMs;
    if (!due && replyCount <= this.limits.idempotencyKeysPerPartitionMax) return;
    const left = this.rows.prune(slot, replyCount, appliedLogTime, this.limits);
    replica.replyCount = left.count;
    if (left.count === 0) this.oldestReply.delete(partition);
    else this.oldestReply.set(partition, left.oldest);
  }

  /**
   * Syncs all that was applied; answers what a restart is certain to find. A commit with synchronous FULL
   * syncs the write-ahead log, and with it every transaction before. Without room the answer is that of the
   * checkpoint before.
   * @throws StorageFailure
   */
  checkpoint(): AppliedPosition[] {
    const increment = this.database.prepare('UPDATE store SET checkpoints = checkpoints + 1');
    if (this.transact('checkpoint', () => increment.run(), 'durable')) this.synced = this.positions();
    return this.synced;
  }

  /** The caller closes it. @throws StorageFailure */
  openCopy(partition: number): TableCopy {
    try {
      return new TableCopy(this.database, partition);
    } catch (error) {
      throw storageFailure('opening a copy', error);
    }
  }

  /**
   * Stages rows beside the table in use; chunk 0 starts anew. Durable on return if it is the last. @throws
   * StorageFailure
   */
  stage(partition: number, part: StageChunk): 'staged' | 'full' | 'malformed' {
    const { number, atSeq, chunk, last } = part;
    const held = this.slots.stage(partition);
    const fits = held?.number === number && held.atSeq === atSeq && held.nextChunk === chunk;
    if (chunk !== 0 && (!fits || held.complete)) return 'malformed';
    const records = parseChunk(partition, atSeq, part.rows);
    if (records === null) return 'malformed';
    const write = () => {
      const stage =
        chunk === 0 || held === undefined ? this.slots.beginStage(partition, number, atSeq) : held;
      for (const record of records) this.stageRecord(stage, record);
      stage.nextChunk += 1;
      stage.complete = last;
      this.slots.saveStage(stage);
    };
    return this.transact('staging', write, last ? 'durable' : 'behind') ? 'staged' : 'full';
  }

  private stageRecord(stage: TableStage, record: CopyRecord): void {
    if (record.type === 'row') {
      this.rows.putRow(stage.slot, record);
      return;
    }
    this.rows.putReply(stage.slot, record);
    stage.replyCount += 1;
    stage.appliedLogTime = Math.max(stage.appliedLogTime, record.logTime);
  }

  /** The stage becomes the partition's table, durably. `full`: nothing was done. @throws StorageFailure */
  adopt(partition: number, stageNumber: number): 'adopted' | 'full' {
    const stage = this.slots.stage(partition);
    const adopted = this.slots.replica(partition)?.copyNumber === stageNumber;
    if (stage?.number !== stageNumber && adopted) return 'adopted';
    assert(stage?.number === stageNumber, 'a stage is adopted under its own number');
    assert(stage.complete || !holds('copy-before-log'), 'a stage is adopted whole');
    this.oldestReply.delete(partition);
    return this.transact('adopting a copy', () => this.slots.adopt(stage), 'durable') ? 'adopted' : 'full';
  }

  /** Forgets everything of a partition, stages too. `full`: nothing was done. @throws StorageFailure */
  drop(partition: number): 'dropped' | 'full' {
    this.oldestReply.delete(partition);
    const drop = () => {
      this.slots.dropStage(partition);
      this.slots.dropReplica(partition);
    };
    return this.transact('dropping a partition', drop) ? 'dropped' : 'full';
  }

  dropStage(partition: number): void {
    this.transact('dropping a stage', () => this.slots.dropStage(partition));
  }

  /**
   * Removes up to `rowsMax` rows that nothing points to any more; true while there may be more. @throws
   * StorageFailure
   */
  reclaim(rowsMax: number): boolean {
    const slot = this.slots.discardedSlot();
    if (slot === undefined) return false;
    const fits = this.transact('reclaiming', () => {
      if (this.rows.reclaim(slot, rowsMax) === 0) this.slots.release(slot);
    });
    return fits && this.slots.discardedSlot() !== undefined;
  }

  /** False if there was no room, and nothing was done. */
  private transact(doing: string, work: () => unknown, how: 'durable' | 'behind' = 'behind'): boolean {
    assert(!this.failed, 'a table that failed is not used again');
    try {
      if (how === 'durable') this.database.pragma('synchronous = FULL');
      this.database.exec('BEGIN IMMEDIATE');
      work();
      this.database.exec('COMMIT');
      return true;
    } catch (error) {
      this.failed = true;
      if (this.database.inTransaction) this.database.exec('ROLLBACK');
      if (!isFull(error)) throw error instanceof AssertionError ? error : storageFailure(doing, error);
      this.oldestReply.clear();
      this.slots.load();
      this.failed = false;
      return false;
    } finally {
      if (how === 'durable') this.database.pragma('synchronous = NORMAL');
    }
  }

  /**
   * Moves all of the write-ahead log into the file and syncs both. @throws StorageFailure if any of it fails
   */
  makeDurable(): void {
    try {
      checkpointAll(this.database);
      this.synced = this.positions();
    } catch (error) {
      throw storageFailure('making the table durable', error);
    }
  }

  close(): void {
    this.database.close();
  }
}

function configure(database: Database.Database, pagesMax: number | undefined): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('wal_autocheckpoint = 10000');
  database.pragma('journal_size_limit = 67108864');
  database.pragma('cache_size = -32768');
  if (pagesMax !== undefined) database.pragma(`max_page_count = ${pagesMax}`);
}

/** One character a byte: compares as the bytes do. */
function orderedText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** Null unless every record parses, is sound, and is not newer than the copy. */
function parseChunk(partition: number, atSeq: number, rows: Uint8Array): CopyRecord[] | null {
  try {
    const reader = new Reader(rows);
    const records: CopyRecord[] = [];
    while (reader.left > 0) {
      const record = copyRecordCodec.read(reader);
      const sum = record.type === 'row' ? rowChecksum(partition, record) : replyChecksum(partition, record);
      if (sum !== record.checksum || record.seq > atSeq) return null;
      records.push(record);
    }
    return records;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
