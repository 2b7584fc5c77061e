/**
 * From a row for each entry, as the log was kept before, to blocks. The number of a record is the id of the
 * last row that went into it, so that what rows were older or newer than stays so for records.
 */
import type Database from 'better-sqlite3';
import type { Entry } from '../../core/protocol/entry.js';
import { BlockBuilder, isLarge, largeRecord } from './log-block.js';

type Row = [id: number, partition: number, seq: number, epoch: number, entry: Uint8Array];

/** A database cannot be written while a result is being read: so many rows at once. */
const rowsMax = 1_000;

export function packRows(database: Database.Database): void {
  const insert = database.prepare<[Uint8Array]>('INSERT INTO log (block) VALUES (?)');
  const rows = database
    .prepare<[number, number], Row>(
      `SELECT id, partition, seq, log_rows.epoch, entry FROM log_rows JOIN replicas USING (partition)
      WHERE id > ? AND id >= first_record AND seq > base_seq ORDER BY id LIMIT ?`,
    )
    .raw();
  const builder = new BlockBuilder();
  let lastId = 0;
  let isEmpty = true;
  const flush = () => {
    if (!isEmpty) insert.run(builder.seal(lastId));
    builder.clear();
    isEmpty = true;
  };
  for (let found = rows.all(lastId, rowsMax); found.length > 0; found = rows.all(lastId, rowsMax)) {
    for (const [id, partition, seq, epoch, bytes] of found) {
      const entry: Entry = { epoch, seq, bytes };
      if (isLarge(entry)) {
        flush();
        for (const block of largeRecord(id, partition, entry)) insert.run(block);
      } else {
        if (!builder.fits(entry)) flush();
        builder.add(partition, entry);
        isEmpty = false;
      }
      lastId = id;
    }
  }
  flush();
  database.exec('DROP TABLE log_rows');
}
