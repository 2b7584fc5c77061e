/**
 * From a row for each entry, as the log was kept before, to blocks. The number of a record is the id of the
 * last row that went into it, so that what rows were older or newer than stays so for records. Rows leave as
 * they are packed: the file hardly grows, and no more than an entry is in memory.
 */
import type Database from 'better-sqlite3';
import type { Entry } from '../../core/protocol/entry.js';
import { BlockBuilder, isLarge, RunBuilder } from './log-block.js';

type Row = [id: number, partition: number, seq: number, epoch: number, entry: unknown];

const rowsRemovedAtOnce = 1_000;

export function packRows(database: Database.Database): void {
  const insert = database.prepare<[Uint8Array]>('INSERT INTO log (block) VALUES (?)');
  const remove = database.prepare<[number]>('DELETE FROM log_rows WHERE id <= ?');
  const next = database
    .prepare<[number], Row>(
      `SELECT id, partition, seq, log_rows.epoch, entry FROM log_rows JOIN replicas USING (partition)
      WHERE id > ? AND id >= first_record AND seq > base_seq ORDER BY id LIMIT 1`,
    )
    .raw();
  const builder = new BlockBuilder();
  const run = new RunBuilder();
  let lastId = 0;
  let count = 0;
  let isEmpty = true;
  const flush = () => {
    if (!isEmpty) insert.run(builder.seal(lastId));
    builder.clear();
    isEmpty = true;
  };
  for (let row = next.get(lastId); row !== undefined; row = next.get(lastId)) {
    const [id, partition, seq, epoch, stored] = row;
    // Damage can make anything of a blob; without bytes it is noticed for what it is.
    const bytes = stored instanceof Uint8Array ? stored : new Uint8Array(0);
    const entry: Entry = { epoch, seq, bytes };
    if (isLarge(entry)) {
      flush();
      run.add(partition, entry);
      for (const block of run.seal(id)) insert.run(block);
    } else {
      if (!builder.fits(entry)) flush();
      builder.add(partition, entry);
      isEmpty = false;
    }
    lastId = id;
    count += 1;
    if (count % rowsRemovedAtOnce === 0) remove.run(lastId);
  }
  flush();
  database.exec('DROP TABLE log_rows');
}
