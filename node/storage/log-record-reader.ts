/**
 * Reads entries out of records, each proved by its checksum. Used by the writer's own connection and by the
 * reading thread.
 */
import type Database from 'better-sqlite3';
import { parseEntry } from '../../core/protocol/entry.js';
import type { Entry } from '../../core/protocol/entry.js';
import { checksum } from './checksum.js';
import { entryBytes, readHead, readItems } from './log-block.js';
import type { BlockHead, BlockItem } from './log-block.js';
import { missingSlot } from './log-slots.js';
import type { RecordPlace } from './log-slots.js';
import { StorageFailure } from './storage-error.js';

interface FoundRecord {
  place: RecordPlace;
  head: BlockHead;
  items: BlockItem[];
  /** Those that were read so far, by their pieces. */
  blocks: Map<number, Uint8Array>;
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
      for (const item of record.items) {
        const { partition: owner, seq, isCut, length } = item;
        const expected = fromSeq + entries.length;
        if (owner !== partition || seq !== expected || isCut) continue;
        byteCount += length;
        if (byteCount > bytesMax && entries.length > 0) return entries;
        const bytes = this.bytesOf(record, item);
        if (bytes === null) return entries;
        entries.push(soundEntry(partition, seq, bytes));
      }
    }
    return entries;
  }

  /** Null if it was written over meanwhile. */
  private find(place: RecordPlace): FoundRecord | null {
    const found = this.block(place, 0);
    if (found === null) return null;
    const { block, head } = found;
    return { place, head, items: readItems(block, head), blocks: new Map([[0, block]]) };
  }

  private block(
    { record, slots }: RecordPlace,
    piece: number,
  ): { block: Uint8Array; head: BlockHead } | null {
    const block = this.statement.get(slots[piece] ?? missingSlot);
    const head = block === undefined ? null : soundHead(block, record);
    return block === undefined || head?.record !== record || head.piece !== piece ? null : { block, head };
  }

  /** A copy: a view would keep whole blocks in memory. Null if a piece of it is gone. */
  private bytesOf({ place, head, blocks }: FoundRecord, item: BlockItem): Uint8Array | null {
    const bytes = entryBytes(head, item, (piece) => {
      const block = blocks.get(piece) ?? this.block(place, piece)?.block ?? null;
      if (block !== null) blocks.set(piece, block);
      return block;
    });
    return bytes === null ? null : new Uint8Array(bytes);
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
