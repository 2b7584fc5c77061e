/**
 * Reads entries out of records, each proved by its checksum. Used by the writer's own connection and by the
 * reading thread.
 */
import type Database from 'better-sqlite3';
import { parseEntry } from '../../core/protocol/entry.js';
import type { Entry } from '../../core/protocol/entry.js';
import { checksum } from './checksum.js';
import { entriesBytes, readHead, readItems } from './log-block.js';
import type { BlockHead, BlockItem } from './log-block.js';
import type { RecordPlace } from './log-slots.js';
import { StorageFailure } from './storage-error.js';

interface FoundRecord {
  items: BlockItem[];
  bytes: Uint8Array;
}

export class LogRecordReader {
  private readonly statement;

  constructor(database: Database.Database) {
    this.statement = database.prepare<[number], Uint8Array>('SELECT block FROM log WHERE slot = ?').pluck();
  }

  /**
   * Entries of a partition in the records at `places`, which hold the positions from `fromSeq` on; at most
   * `bytesMax` bytes, but at least one. Ends early where a record is no longer there. @throws StorageFailure
   * if an entry is damaged.
   */
  read(partition: number, fromSeq: number, places: readonly RecordPlace[], bytesMax: number): Entry[] {
    const entries: Entry[] = [];
    let byteCount = 0;
    for (const place of places) {
      const record = this.find(place);
      if (record === null) break;
      for (const { partition: owner, seq, isCut, at, length } of record.items) {
        const expected = fromSeq + entries.length;
        if (owner !== partition || seq !== expected || isCut) continue;
        byteCount += length;
        if (byteCount > bytesMax && entries.length > 0) return entries;
        // A copy: a view would keep the whole block in memory.
        entries.push(soundEntry(partition, seq, new Uint8Array(record.bytes.subarray(at, at + length))));
      }
    }
    return entries;
  }

  /** Null if it was written over meanwhile. */
  private find({ record, slots }: RecordPlace): FoundRecord | null {
    const blocks: Uint8Array[] = [];
    let items: BlockItem[] = [];
    for (const slot of slots) {
      const block = this.statement.get(slot);
      const head = block === undefined ? null : soundHead(block, record);
      if (block === undefined || head?.record !== record) return null;
      if (head.piece === 0) items = readItems(block, head);
      blocks.push(block);
    }
    return { items, bytes: entriesBytes(blocks) };
  }
}

function soundHead(block: Uint8Array, record: number): BlockHead {
  try {
    return readHead(block);
  } catch (error) {
    throw new StorageFailure(`record ${record} is damaged in the log`, { cause: error });
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
