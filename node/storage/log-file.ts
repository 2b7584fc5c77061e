/**
 * The log file: the only thing a write waits for. `commit` runs a list of commands in one transaction that is
 * on the disk when it returns; what stands where is kept in memory and undone if the transaction fails.
 * Synchronous, and free of threads, clocks and chance, so that a simulation can run it on a database in
 * memory.
 *
 * Nothing is removed: an entry counts no more when its replica has moved past it (`base_seq`, `first_record`)
 * or when it was marked as cut, and blocks without any that counts are written over.
 */
import Database from 'better-sqlite3';
import { AssertionError, assert } from '../../core/assert.js';
import { parseEntry } from '../../core/protocol/entry.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { LogCommand, LogResult, RecoveredStore } from '../../core/protocol/log-command.js';
import { checksum } from './checksum.js';
import { LogRecordReader } from './log-record-reader.js';
import { execute } from './log-rules.js';
import type { LogReplica } from './log-rules.js';
import { currentEntriesView, logMigrations } from './log-schema.js';
import { LogState } from './log-state.js';
import type { RecordPlace } from './log-slots.js';
import { storeColumns } from './log-columns.js';
import type { StoreRow } from './log-columns.js';
import { noRows } from './log-rows.js';
import type { LogRows } from './log-rows.js';
import { LogTables } from './log-tables.js';
import { applicationIds, migrate, refreshView } from './schema-migration.js';
import { ForeignStore, StorageFailure, openingError, storageFailure } from './storage-error.js';

export interface LogFileOptions {
  clusterId: string;
  /** Used if the file is new. */
  newStoreId: string;
  /** Whether opening proves the checksum of every entry. Never, if left out. */
  verify?: boolean | 'afterUncleanEnd';
  /** Bound on the file's size in pages, for tests of a full disk. */
  pagesMax?: number;
}

/** A replica as the log knows it, without what the table adds. */
export interface LogSummary {
  partition: number;
  syncedEpoch: number;
  baseSeq: number;
  lastSeq: number;
  commitSeq: number;
  copyNumber: number;
}

/** Entries looked up in one go. */
const readEntriesMax = 1_024;

export class LogFile {
  readonly database: Database.Database;
  /** Newest damaged position of each partition that has one; found while opening. */
  readonly damage: ReadonlyMap<number, number>;
  /** Transactions that changed something: each cost one fsync. */
  commitCount = 0;
  private readonly state: LogState;
  private readonly tables: LogTables;
  private readonly recordReader: LogRecordReader;
  private staged = false;
  private failed = false;

  /** @throws ForeignStore, AmnesiacStore (a row about the store is damaged), StorageFailure */
  constructor(source: Database.Database | string, options: LogFileOptions) {
    let opened: Database.Database | null = null;
    try {
      if (typeof source === 'string') source = opened = new Database(source);
      this.database = source;
      configureLog(this.database, options.pagesMax);
      migrate(this.database, applicationIds.log, logMigrations);
      this.tables = new LogTables(this.database);
      this.recordReader = new LogRecordReader(this.database);
      const store = this.openStore(options);
      refreshView(this.database, currentEntriesView);
      this.state = new LogState(this.tables, store);
      const verify = options.verify === true || (options.verify === 'afterUncleanEnd' && !store.endedCleanly);
      this.damage = this.state.load(verify ? isSound : null);
    } catch (error) {
      opened?.close();
      throw openingError('the log', error);
    }
  }

  private openStore({ newStoreId, clusterId }: LogFileOptions): StoreRow {
    const found = this.tables.store();
    if (found !== null) {
      if (found.clusterId === clusterId) return found;
      throw new ForeignStore(`the log is of cluster ${found.clusterId}, not of ${clusterId}`);
    }
    const row: StoreRow = {
      storeId: newStoreId,
      clusterId,
      bootCount: 0,
      leaseMs: 0,
      endedCleanly: true,
      ringVersion: 0,
      ring: null,
    };
    const written = this.tables.commit({ ...noRows(), store: storeColumns(row) });
    if (written === 'full') throw new StorageFailure('no room on the disk for a new log');
    return row;
  }

  get store(): Readonly<StoreRow> {
    return this.state.store;
  }

  /** A replica as the file has it: to be looked at only. */
  replica(partition: number): Readonly<LogReplica> | undefined {
    return this.state.replica(partition);
  }

  /** Slots that new blocks can be written over. */
  get freeSlots(): number {
    return this.state.freeSlots;
  }

  /** Blocks written since it was asked for last. */
  takeWrittenBlocks(): number {
    return this.state.takeWrittenBlocks();
  }

  /**
   * One transaction, durable on return. With no room on the disk nothing is done and every result is `full`.
   * @throws StorageFailure on any other error of the file: the process must end.
   */
  commit(commands: readonly LogCommand[]): LogResult[] {
    const { results, rows } = this.stage(commands);
    return this.settle(this.write(rows)) ? results : commands.map(() => ({ status: 'full' }));
  }

  /**
   * Runs commands in memory. What they lead to is in the file once `rows` are written, here or by another
   * connection; {@link settle} has to hear how that went before anything else is asked of the log. Until then
   * the results are but a promise.
   */
  stage(commands: readonly LogCommand[]): { results: LogResult[]; rows: LogRows } {
    return this.begin(() => commands.map((command) => execute(command, this.state)));
  }

  /** Durable on return, unless there is no room. @throws StorageFailure */
  write(rows: LogRows): 'done' | 'full' {
    try {
      return this.tables.commit(rows);
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  /** Answers whether what was staged holds; with no room on the disk it is undone. */
  settle(outcome: 'done' | 'full'): boolean {
    assert(this.staged, 'what is settled was staged');
    this.staged = false;
    if (outcome === 'full') {
      this.state.revert();
      return false;
    }
    if (this.state.changed) this.commitCount += 1;
    this.state.keep();
    return true;
  }

  /**
   * Counts this run, durably. @throws StorageFailure also if there is no room: a run that is not counted may
   * not answer.
   */
  startRun(): void {
    this.changeStore({ bootCount: this.store.bootCount + 1, endedCleanly: false });
  }

  /** The last thing written by a run that ends in order. */
  endRun(): void {
    this.changeStore({ endedCleanly: true });
  }

  private changeStore(fields: Partial<StoreRow>): void {
    const { rows } = this.begin(() => this.state.changeStore(fields));
    if (!this.settle(this.write(rows))) throw new StorageFailure('no room on the disk for the log');
  }

  private begin<T>(work: () => T): { results: T; rows: LogRows } {
    assert(!this.failed, 'a log that failed is not used again');
    assert(!this.staged, 'a log runs one transaction at a time');
    try {
      const results = work();
      const rows = this.state.finish();
      this.staged = true;
      return { results, rows };
    } catch (error) {
      this.failed = true;
      throw error instanceof AssertionError ? error : storageFailure('commit', error);
    }
  }

  /** The records of up to `countMax` entries from `fromSeq` on; none if `fromSeq` is not in the log. */
  locate(partition: number, fromSeq: number, countMax: number): RecordPlace[] {
    assert(!this.staged, 'a log is asked what it holds between two transactions');
    const replica = this.state.replica(partition);
    if (replica === undefined || fromSeq <= replica.baseSeq) return [];
    return this.state.locate(replica, fromSeq, countMax);
  }

  /**
   * Entries from `fromSeq` on, at most `bytesMax` bytes but at least one if it is there. @throws
   * StorageFailure
   */
  read(partition: number, fromSeq: number, bytesMax: number): Entry[] {
    try {
      const places = this.locate(partition, fromSeq, readEntriesMax);
      return this.recordReader.read(partition, fromSeq, places, bytesMax);
    } catch (error) {
      throw storageFailure('reading the log', error);
    }
  }

  summaries(): LogSummary[] {
    return this.state.all().map((replica) => {
      const { partition, syncedEpoch, baseSeq, commitSeq, copyNumber, places } = replica;
      return { partition, syncedEpoch, baseSeq, lastSeq: places.lastSeq, commitSeq, copyNumber };
    });
  }

  /** What a worker starts from. `applied` says how far the table of each partition is. */
  recovered(applied: (partition: number) => number): RecoveredStore {
    const { storeId, bootCount, leaseMs, ring } = this.store;
    const replicas = this.state.all().map((replica) => {
      const { partition, promisedEpoch, syncedEpoch, epochStarts, baseSeq, commitSeq } = replica;
      const { forgotten, acks } = replica;
      const appliedSeq = applied(partition);
      const { lastSeq } = replica.places;
      const tail = this.readTo(partition, appliedSeq + 1, lastSeq);
      return {
        partition,
        promisedEpoch,
        syncedEpoch,
        epochStarts,
        baseSeq,
        lastSeq,
        commitSeq,
        appliedSeq,
        tail,
        forgotten,
        logBytes: lastSeq > baseSeq ? (this.state.bytesFound.get(partition) ?? 0) : 0,
        acks,
      };
    });
    return { storeId, bootCount, leaseMs, ring, peerRuns: this.tables.peerRuns(), replicas };
  }

  private readTo(partition: number, fromSeq: number, lastSeq: number): Entry[] {
    const entries: Entry[] = [];
    for (let seq = fromSeq; seq <= lastSeq;) {
      const some = this.read(partition, seq, Number.MAX_SAFE_INTEGER);
      if (some.length === 0) break;
      for (const entry of some) entries.push(entry);
      seq += some.length;
    }
    return entries;
  }

  /**
   * Moves all of the write-ahead log into the file and syncs both. @throws StorageFailure if any of it fails
   */
  makeDurable(): void {
    try {
      checkpointAll(this.database);
    } catch (error) {
      throw storageFailure('making the log durable', error);
    }
  }

  close(): void {
    this.database.close();
  }
}

/**
 * FULL is set on each connection: a database in WAL mode would come with NORMAL here, which syncs nothing on
 * commit. Checkpoints are made by whoever owns the file, off the path of a commit.
 */
export function configureLog(database: Database.Database, pagesMax?: number): void {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('wal_autocheckpoint = 0');
  database.pragma('journal_size_limit = 67108864');
  database.pragma('cache_size = -4096');
  if (pagesMax !== undefined) database.pragma(`max_page_count = ${pagesMax}`);
}

export function checkpointAll(database: Database.Database): void {
  const [outcome] = database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  if (outcome?.busy !== 0) throw new StorageFailure('the write-ahead log could not be moved into the file');
}

function isSound(bytes: Uint8Array, epoch: number, seq: number): boolean {
  try {
    const entry = parseEntry(bytes, checksum);
    return entry.epoch === epoch && entry.seq === seq;
  } catch {
    return false;
  }
}
