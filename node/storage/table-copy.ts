/**
 * A consistent view of one partition, read in chunks from a connection of its own, in one read transaction,
 * while the table goes on. First the rows by key, then the remembered replies by position.
 */
import Database from 'better-sqlite3';
import { Writer } from '../../core/protocol/wire.js';
import { storageFailure } from './storage-error.js';
import { copyRecordCodec } from './table-row.js';
import type { CopyRecord, StoredReply } from './table-row.js';

type RowColumns = [Uint8Array, number, number, string, Uint8Array, number];
type ReplyColumns = [string, number, number, 'put' | 'delete', number, number, number, number];

export interface CopyChunk {
  rows: Uint8Array;
  last: boolean;
}

const rowsSql = `SELECT key, epoch, seq, content_type, value, checksum FROM rows
  WHERE slot = ? AND key > ? ORDER BY key`;
const repliesSql = `SELECT idempotency_key, epoch, seq, kind, created, digest, log_time, checksum FROM replies
  WHERE slot = ? AND seq > ? ORDER BY seq`;

export class TableCopy {
  readonly atSeq: number;
  private readonly connection: Database.Database;
  private readonly rowStatement;
  private readonly replyStatement;
  private readonly slot: number;
  private lastKey: Uint8Array = new Uint8Array(0);
  private lastReplySeq = 0;
  private rowsDone = false;

  /** A database in memory has no second connection: its view is an image of it. */
  constructor(source: Database.Database, partition: number) {
    this.connection = source.memory
      ? new Database(source.serialize())
      : new Database(source.name, { readonly: true, fileMustExist: true });
    this.connection.pragma('cache_size = -1024');
    this.connection.exec('BEGIN');
    const found = this.connection
      .prepare<[number], [slot: number, appliedSeq: number]>(
        'SELECT slot, applied_seq FROM replicas WHERE partition = ?',
      )
      .raw()
      .get(partition);
    [this.slot, this.atSeq] = found ?? [0, 0];
    this.rowStatement = this.connection.prepare<[number, Uint8Array], RowColumns>(rowsSql).raw();
    this.replyStatement = this.connection.prepare<[number, number], ReplyColumns>(repliesSql).raw();
  }

  /** The next records, about `bytesMax` of them but at least one. @throws StorageFailure */
  read(bytesMax: number): CopyChunk {
    const writer = new Writer(Math.min(bytesMax, 1 << 20) + 4_096);
    try {
      const last = this.readRows(writer, bytesMax) && this.readReplies(writer, bytesMax);
      return { rows: writer.take(), last };
    } catch (error) {
      throw storageFailure('reading a copy', error);
    }
  }

  private readRows(writer: Writer, bytesMax: number): boolean {
    if (this.rowsDone) return true;
    for (const [key, epoch, seq, contentType, value, checksum] of this.rowStatement.iterate(
      this.slot,
      this.lastKey,
    )) {
      const record: CopyRecord = { type: 'row', key, epoch, seq, contentType, value, checksum };
      copyRecordCodec.write(writer, record);
      this.lastKey = key;
      if (writer.at >= bytesMax) return false;
    }
    this.rowsDone = true;
    return true;
  }

  private readReplies(writer: Writer, bytesMax: number): boolean {
    for (const columns of this.replyStatement.iterate(this.slot, this.lastReplySeq)) {
      const [idempotencyKey, epoch, seq, kind, created, digest, logTime, checksum] = columns;
      const reply: StoredReply = {
        idempotencyKey,
        epoch,
        seq,
        kind,
        created: created === 1,
        digest,
        logTime,
        checksum,
      };
      copyRecordCodec.write(writer, { type: 'reply', ...reply });
      this.lastReplySeq = seq;
      if (writer.at >= bytesMax) return false;
    }
    return true;
  }

  close(): void {
    this.connection.close();
  }
}
