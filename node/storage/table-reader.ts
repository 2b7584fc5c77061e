/**
 * Reads of the table by key, from any connection: one prepared statement each, the checksum proved before
 * anything is returned.
 */
import type Database from 'better-sqlite3';
import type { Row } from '../../core/protocol/operation.js';
import type { RememberedReply } from '../worker/ports.js';
import { StorageFailure, isCorrupt, storageFailure } from './storage-error.js';
import { replyChecksum, rowChecksum } from './table-row.js';

type RowColumns = [epoch: number, seq: number, contentType: string, value: Uint8Array, checksum: number];
type ReplyColumns = [
  epoch: number,
  seq: number,
  kind: 'put' | 'delete',
  created: number,
  digest: number,
  logTime: number,
  checksum: number,
];

const slotOfPartition = '(SELECT slot FROM replicas WHERE partition = ?)';

export class TableReader {
  private readonly rowStatement;
  private readonly keyStatement;
  private readonly replyStatement;

  constructor(database: Database.Database) {
    this.rowStatement = database
      .prepare<[number, Uint8Array], RowColumns>(
        `SELECT epoch, seq, content_type, value, checksum FROM rows WHERE slot = ${slotOfPartition} AND key = ?`,
      )
      .raw();
    this.keyStatement = database
      .prepare<[number, Uint8Array], number>(`SELECT 1 FROM rows WHERE slot = ${slotOfPartition} AND key = ?`)
      .pluck();
    this.replyStatement = database
      .prepare<[number, string], ReplyColumns>(
        `SELECT epoch, seq, kind, created, digest, log_time, checksum FROM replies
         WHERE slot = ${slotOfPartition} AND idempotency_key = ?`,
      )
      .raw();
  }

  /** @throws StorageFailure if the file cannot be read */
  get(partition: number, key: Uint8Array): Row | null | 'damaged' {
    const found = attempt(() => this.rowStatement.get(partition, key));
    if (found === undefined) return null;
    if (found === 'damaged') return found;
    const [epoch, seq, contentType, value, checksum] = found;
    if (rowChecksum(partition, { key, epoch, seq, contentType, value }) !== checksum) return 'damaged';
    return { version: { epoch, seq }, contentType, value };
  }

  /** From the index alone. @throws StorageFailure if the file cannot be read */
  has(partition: number, key: Uint8Array): boolean | 'damaged' {
    const found = attempt(() => this.keyStatement.get(partition, key));
    return found === 'damaged' ? found : found !== undefined;
  }

  /**
   * @throws StorageFailure if the file cannot be read or the reply is damaged: taking it for forgotten would
   * apply a write twice, so the process ends and another replica answers.
   */
  getReply(partition: number, idempotencyKey: string): RememberedReply | null {
    const found = attempt(() => this.replyStatement.get(partition, idempotencyKey));
    if (found === undefined) return null;
    if (found === 'damaged') throw damagedReply(partition);
    const [epoch, seq, kind, createdNumber, digest, logTime, checksum] = found;
    const created = createdNumber === 1;
    const reply = { idempotencyKey, epoch, seq, kind, created, digest, logTime };
    if (replyChecksum(partition, reply) !== checksum) throw damagedReply(partition);
    return { version: { epoch, seq }, created, kind, digest };
  }
}

function damagedReply(partition: number): StorageFailure {
  return new StorageFailure(`a remembered reply of partition ${partition} is damaged in the table`);
}

function attempt<T>(read: () => T): T | 'damaged' {
  try {
    return read();
  } catch (error) {
    if (isCorrupt(error)) return 'damaged';
    throw storageFailure('reading the table', error);
  }
}
