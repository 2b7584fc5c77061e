/**
 * Reads entries by row id, each proved by its checksum. Used by the writer's own connection and by the
 * reading thread.
 */
import type Database from 'better-sqlite3';
import { parseEntry } from '../../core/protocol/entry.js';
import type { Entry } from '../../core/protocol/entry.js';
import { checksum } from './checksum.js';
import { StorageFailure } from './storage-error.js';

type PlacedRow = [partition: number, seq: number, entry: Uint8Array];

export class LogRowReader {
  private readonly statement;

  constructor(database: Database.Database) {
    this.statement = database
      .prepare<[number], PlacedRow>('SELECT partition, seq, entry FROM log WHERE id = ?')
      .raw();
  }

  /**
   * Entries at `rowIds`, which hold the positions from `fromSeq` on; at most `bytesMax` bytes, but at least
   * one. Ends early where a row is no longer there. @throws StorageFailure if an entry is damaged.
   */
  read(partition: number, fromSeq: number, rowIds: readonly number[], bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let byteCount = 0;
    for (const rowId of rowIds) {
      const row = this.statement.get(rowId);
      const expected = fromSeq + entries.length;
      if (row?.[0] !== partition || row[1] !== expected) break;
      byteCount += row[2].length;
      if (byteCount > bytesMax && entries.length > 0) break;
      entries.push(soundEntry(partition, expected, row[2]));
    }
    return entries;
  }
}

function soundEntry(partition: number, seq: number, bytes: Uint8Array): Entry {
  const where = `entry ${seq} of partition ${partition}`;
  try {
    const entry = parseEntry(bytes, checksum);
    if (entry.seq === seq) return entry;
  } catch (error) {
    throw new StorageFailure(`${where} is damaged in the log`, { cause: error });
  }
  throw new StorageFailure(`${where} is in another's place in the log`);
}
