/**
 * Looks through the table for damage, a few rows at a time, round and round: every checksum proved, and every
 * row looked up through the index by its key, since a damaged index would hide a row that is sound itself.
 */
import type Database from 'better-sqlite3';
import { isCorrupt, storageFailure } from './storage-error.js';
import { replyChecksum, rowChecksum } from './table-row.js';

type RowColumns = [
  id: number,
  partition: number | null,
  key: Uint8Array,
  epoch: number,
  seq: number,
  contentType: string,
  value: Uint8Array,
  checksum: number,
  idByKey: number | null,
];
type ReplyColumns = [
  partition: number | null,
  slot: number,
  seq: number,
  epoch: number,
  idempotencyKey: string,
  kind: 'put' | 'delete',
  created: number,
  digest: number,
  logTime: number,
  checksum: number,
  seqByKey: number | null,
];

const rowsSql = `
SELECT found.id, replicas.partition, found.key, found.epoch, found.seq, found.content_type, found.value,
  found.checksum, (SELECT id FROM rows AS same INDEXED BY sqlite_autoindex_rows_1
    WHERE same.slot = found.slot AND same.key = found.key)
FROM (SELECT * FROM rows WHERE id > ? ORDER BY id LIMIT ?) AS found
LEFT JOIN replicas ON replicas.slot = found.slot`;

/** Asks for a column that the index lacks, so that an entry without its row is met. */
const keysSql = `
SELECT slot, key, epoch FROM rows INDEXED BY sqlite_autoindex_rows_1
WHERE (slot, key) > (?, ?) ORDER BY slot, key LIMIT ?`;

const repliesSql = `
SELECT replicas.partition, found.slot, found.seq, found.epoch, found.idempotency_key, found.kind,
  found.created, found.digest, found.log_time, found.checksum,
  (SELECT seq FROM replies AS same INDEXED BY sqlite_autoindex_replies_2
    WHERE same.slot = found.slot AND same.idempotency_key = found.idempotency_key)
FROM (SELECT * FROM replies WHERE (slot, seq) > (?, ?) ORDER BY slot, seq LIMIT ?) AS found
LEFT JOIN replicas ON replicas.slot = found.slot`;

/**
 * Walking over all rows, and once more over their keys, takes so long each, where that is not slower than the
 * least pace.
 */
const roundSeconds = 600;
const rowsPerSecondMin = 20;
const rowsPerSecondMax = 200;

const nextPhase = { rows: 'keys', keys: 'replies', replies: 'rows' } as const;

export class TableScrub {
  private readonly rowStatement;
  private readonly keyStatement;
  private readonly replyStatement;
  private readonly largestStatement;
  /** Proved so far, again and again. */
  rows = 0;
  /** Times that all was looked through. */
  rounds = 0;
  private phase: 'rows' | 'keys' | 'replies' = 'rows';
  private lastId = 0;
  private lastKey: [slot: number, key: Uint8Array] = [0, new Uint8Array(0)];
  private lastReply: [slot: number, seq: number] = [0, 0];

  constructor(database: Database.Database) {
    this.rowStatement = database.prepare<[number, number], RowColumns>(rowsSql).raw();
    this.keyStatement = database
      .prepare<[number, Uint8Array, number], [slot: number, key: Uint8Array, epoch: number]>(keysSql)
      .raw();
    this.largestStatement = database.prepare<[], number | null>('SELECT max(id) FROM rows').pluck();
    this.replyStatement = database.prepare<[number, number, number], ReplyColumns>(repliesSql).raw();
  }

  /** How many to look at in a second: a small table is not looked through again and again. */
  get rowsPerSecond(): number {
    // There may be many of them where there are few rows.
    if (this.phase === 'replies') return rowsPerSecondMax;
    const rows = this.largestStatement.get() ?? 0;
    return Math.min(rowsPerSecondMax, Math.max(rowsPerSecondMin, Math.ceil(rows / roundSeconds)));
  }

  /**
   * Looks at the next `rowsMax` rows or replies, at a second's share of its pace if that is null. Answers the
   * partitions in which something is damaged; `null` among them if SQLite's own structure is, which belongs
   * to no partition. @throws StorageFailure if the file cannot be read
   */
  step(rowsMax: number | null): Set<number | null> {
    try {
      const most = rowsMax ?? this.rowsPerSecond;
      if (this.phase === 'rows') return this.stepRows(most);
      return this.phase === 'keys' ? this.stepKeys(most) : this.stepReplies(most);
    } catch (error) {
      if (!isCorrupt(error)) throw storageFailure('scrubbing the table', error);
      this.begin(nextPhase[this.phase]);
      return new Set([null]);
    }
  }

  private begin(phase: 'rows' | 'keys' | 'replies'): void {
    this.phase = phase;
    this.lastId = 0;
    this.lastKey = [0, new Uint8Array(0)];
    this.lastReply = [0, 0];
  }

  private stepRows(rowsMax: number): Set<number | null> {
    const damaged = new Set<number | null>();
    const rows = this.rowStatement.all(this.lastId, rowsMax);
    for (const [id, partition, key, epoch, seq, contentType, value, checksum, idByKey] of rows) {
      this.lastId = id;
      // Rows of a slot that nothing points to: staged, or waiting to be removed.
      if (partition === null) continue;
      const sum = rowChecksum(partition, { key, epoch, seq, contentType, value });
      if (sum !== checksum || idByKey !== id) damaged.add(partition);
    }
    this.rows += rows.length;
    if (rows.length < rowsMax) this.begin('keys');
    return damaged;
  }

  private stepKeys(rowsMax: number): Set<number | null> {
    const rows = this.keyStatement.all(...this.lastKey, rowsMax);
    const last = rows.at(-1);
    if (last !== undefined) this.lastKey = [last[0], last[1]];
    if (rows.length < rowsMax) this.begin('replies');
    return new Set();
  }

  private stepReplies(rowsMax: number): Set<number | null> {
    const damaged = new Set<number | null>();
    const rows = this.replyStatement.all(...this.lastReply, rowsMax);
    for (const [partition, slot, seq, epoch, idempotencyKey, ...rest] of rows) {
      const [kind, created, digest, logTime, checksum, seqByKey] = rest;
      this.lastReply = [slot, seq];
      if (partition === null) continue;
      const reply = { idempotencyKey, epoch, seq, kind, created: created === 1, digest, logTime };
      if (replyChecksum(partition, reply) !== checksum || seqByKey !== seq) damaged.add(partition);
    }
    if (rows.length < rowsMax) {
      this.rounds += 1;
      this.begin('rows');
    }
    return damaged;
  }
}
