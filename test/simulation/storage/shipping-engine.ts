/**
 * The storage that ships, on SQLite databases in memory. A killed process leaves them as they are; a loss of
 * power may set the table back to its last synced image (the log is synced with each commit).
 */
import Database from 'better-sqlite3';
import { assert } from '../../../core/assert.js';
import type { Limits } from '../../../core/limits.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type { LogCommand, LogResult } from '../../../core/protocol/log-command.js';
import type { Row } from '../../../core/protocol/operation.js';
import { LogFile } from '../../../node/storage/log-file.js';
import { AmnesiacStore } from '../../../node/storage/storage-error.js';
import { recoverStore } from '../../../node/storage/store-recovery.js';
import type { TableCopy } from '../../../node/storage/table-copy.js';
import { TableFile } from '../../../node/storage/table-file.js';
import type { AppliedPosition, RememberedReply } from '../../../node/worker/ports.js';
import type { Random } from '../random.js';
import type {
  Ending,
  LogView,
  LostWrites,
  Opened,
  StagedChunk,
  StorageEngine,
  TableView,
} from './storage-engine.js';
import { valueText } from './value-text.js';

interface ShippingImage {
  log: Buffer;
  table: Buffer;
}

type RowColumns = [key: Uint8Array, epoch: number, seq: number, value: Uint8Array];

const rowsOfPartition = `SELECT key, epoch, seq, value FROM rows
  WHERE slot = (SELECT slot FROM replicas WHERE partition = ?)`;

export class ShippingEngine implements StorageEngine {
  private log: LogFile | null = null;
  private table: TableFile | null = null;
  private databases: { log: Database.Database; table: Database.Database };
  /** The table as a loss of power would leave it. */
  private syncedTable: Buffer | null = null;
  private unsynced = false;
  private readonly copies = new Map<number, TableCopy>();
  private copyHandle = 0;
  /** There may be a damaged row. */
  private damaged = false;

  constructor(
    private readonly limits: Limits,
    private readonly clusterId: string,
    private readonly newStoreId: () => string,
  ) {
    this.databases = emptyDatabases();
  }

  get storeId(): string {
    return this.log?.store.storeId ?? '';
  }

  execute(commands: LogCommand[]): LogResult[] {
    return this.openLog().commit(commands);
  }

  readLog(partition: number, fromSeq: number, bytesMax: number): Entry[] {
    return this.openLog().read(partition, fromSeq, bytesMax);
  }

  get(partition: number, key: Uint8Array): Row | null | 'damaged' {
    return this.openTable().get(partition, key);
  }

  has(partition: number, key: Uint8Array): boolean | 'damaged' {
    return this.openTable().has(partition, key);
  }

  getReply(partition: number, idempotencyKey: string): RememberedReply | null {
    return this.openTable().getReply(partition, idempotencyKey);
  }

  apply(batches: { partition: number; entries: readonly Entry[] }[]): void {
    this.unsynced = true;
    assert(this.openTable().apply(batches) === 'applied', 'a database in memory has room');
  }

  checkpoint(): AppliedPosition[] {
    const positions = this.openTable().checkpoint();
    this.markSynced();
    return positions;
  }

  openCopy(partition: number): { handle: number; atSeq: number } {
    const copy = this.openTable().openCopy(partition);
    this.copyHandle += 1;
    this.copies.set(this.copyHandle, copy);
    return { handle: this.copyHandle, atSeq: copy.atSeq };
  }

  readCopy(handle: number, bytesMax: number): { rows: Uint8Array; last: boolean } {
    const copy = this.copies.get(handle);
    assert(copy !== undefined, 'a copy that is read is open');
    return copy.read(bytesMax);
  }

  closeCopy(handle: number): void {
    this.copies.get(handle)?.close();
    this.copies.delete(handle);
  }

  stage(partition: number, chunk: StagedChunk): 'staged' | 'malformed' {
    this.unsynced = true;
    const outcome = this.openTable().stage(partition, chunk);
    assert(outcome !== 'full', 'a database in memory has room');
    if (chunk.last) this.markSynced();
    return outcome;
  }

  adopt(partition: number, stageNumber: number): void {
    this.openTable().adopt(partition, stageNumber);
    this.markSynced();
  }

  drop(partition: number): void {
    this.unsynced = true;
    this.openTable().drop(partition);
  }

  open(): Opened {
    const newStoreId = this.newStoreId();
    try {
      this.log = new LogFile(this.databases.log, { clusterId: this.clusterId, newStoreId, verify: true });
      const limits = this.limits;
      this.table = new TableFile(this.databases.table, { newStoreId: this.log.store.storeId, limits });
      const store = recoverStore(this.log, this.table);
      this.markSynced();
      return { status: 'open', store };
    } catch (error) {
      if (!(error instanceof AmnesiacStore)) throw error;
      return { status: 'amnesiac', reason: error.message };
    }
  }

  end(ending: Ending, random: Random): LostWrites | null {
    for (const copy of this.copies.values()) copy.close();
    this.copies.clear();
    if (ending === 'killed' || !this.unsynced || this.syncedTable === null) return null;
    if (random.chance(0.3)) return 'kept';
    this.databases.table.close();
    this.databases.table = new Database(this.syncedTable);
    this.table = null;
    // What was overwritten in vain may be there again.
    this.damaged = true;
    return 'lost';
  }

  image(): ShippingImage {
    return { log: this.databases.log.serialize(), table: this.databases.table.serialize() };
  }

  restore(image: unknown): void {
    const { log, table } = image as ShippingImage;
    this.close();
    this.databases = { log: new Database(log), table: new Database(table) };
    this.log = null;
    this.table = null;
    this.syncedTable = null;
    this.damaged = true;
  }

  wipe(): void {
    this.close();
    this.databases = emptyDatabases();
    this.log = null;
    this.table = null;
    this.syncedTable = null;
  }

  private close(): void {
    for (const copy of this.copies.values()) copy.close();
    this.copies.clear();
    this.databases.log.close();
    this.databases.table.close();
  }

  damageRow(random: Random): boolean {
    const database = this.databases.table;
    // A disk that nobody has opened since it was wiped holds nothing.
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'rows'").get() === undefined) return false;
    const ids = database
      .prepare<[], number>('SELECT id FROM rows WHERE slot IN (SELECT slot FROM replicas) ORDER BY id')
      .pluck()
      .all();
    if (ids.length === 0) return false;
    this.damaged = true;
    database
      .prepare("UPDATE rows SET value = CAST('?' || substr(value, 2) AS BLOB) WHERE id = ?")
      .run(random.pick(ids));
    return true;
  }

  damagedPartitions(): number[] {
    if (!this.damaged) return [];
    // While nobody has the file open any of them may be.
    if (this.table === null) return this.log?.summaries().map(({ partition }) => partition) ?? [];
    const positions = this.table.positions();
    const isDamaged = (partition: number) =>
      [...this.tableView(partition).rows.values()].some((row) => row.damaged);
    const found = positions.map(({ partition }) => partition).filter(isDamaged);
    this.damaged = found.length > 0;
    return found;
  }

  logView(partition: number): LogView | null {
    const replica = this.log?.replica(partition);
    if (replica === undefined) return null;
    const { promisedEpoch, syncedEpoch, epochStarts, baseSeq, forgotten, places } = replica;
    return {
      forgotten,
      partition,
      promisedEpoch,
      syncedEpoch,
      epochStarts,
      baseSeq,
      lastSeq: places.lastSeq,
    };
  }

  logEntry(partition: number, seq: number): Entry | null {
    const [entry] = this.log?.read(partition, seq, 1) ?? [];
    return entry?.seq === seq ? entry : null;
  }

  tableView(partition: number): TableView {
    const rows: TableView['rows'] = new Map();
    const found = this.databases.table.prepare<[number], RowColumns>(rowsOfPartition).raw().all(partition);
    for (const [key, epoch, seq, value] of found) {
      const text = Buffer.from(key).toString('latin1');
      const damaged = this.table?.get(partition, key) === 'damaged';
      rows.set(text, { epoch, seq, value: valueText(value), damaged });
    }
    return { appliedSeq: this.table?.replica(partition)?.appliedSeq ?? 0, rows };
  }

  private markSynced(): void {
    this.syncedTable = this.databases.table.serialize();
    this.unsynced = false;
  }

  private openLog(): LogFile {
    assert(this.log !== null, 'the store is open');
    return this.log;
  }

  private openTable(): TableFile {
    assert(this.table !== null, 'the store is open');
    return this.table;
  }
}

function emptyDatabases(): { log: Database.Database; table: Database.Database } {
  return { log: new Database(':memory:'), table: new Database(':memory:') };
}
