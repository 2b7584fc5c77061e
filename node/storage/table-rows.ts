/** Rows and remembered replies of the slots: the statements that change them. */
import type Database from 'better-sqlite3';
import type { EntryContent } from '../../core/protocol/entry.js';
import { replyChecksum, rowChecksum } from './table-row.js';
import type { StoredReply, StoredRow } from './table-row.js';

/** Replies looked at in one go while pruning. */
const pruneStep = 256;

export interface ReplyBounds {
  /** How long a reply is remembered, in log time. */
  idempotencyMs: number;
  idempotencyKeysPerPartitionMax: number;
}

export class TableRows {
  private readonly upsert;
  private readonly remove;
  private readonly insertReply;
  private readonly removeReply;
  private readonly oldestReplies;
  private readonly removeRepliesThrough;
  private readonly reclaimRows;
  private readonly reclaimReplies;

  constructor(database: Database.Database) {
    this.upsert = database.prepare<[number, Uint8Array, number, number, string, number, Uint8Array]>(
      `INSERT INTO rows (slot, key, epoch, seq, content_type, checksum, value) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (slot, key) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
         content_type = excluded.content_type, checksum = excluded.checksum, value = excluded.value`,
    );
    this.remove = database.prepare<[number, Uint8Array]>('DELETE FROM rows WHERE slot = ? AND key = ?');
    this.insertReply = database.prepare<
      [number, number, number, string, string, number, number, number, number]
    >('INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.removeReply = database.prepare<[number, string]>(
      'DELETE FROM replies WHERE slot = ? AND idempotency_key = ?',
    );
    this.oldestReplies = database
      .prepare<[number, number], [seq: number, logTime: number]>(
        'SELECT seq, log_time FROM replies WHERE slot = ? ORDER BY seq LIMIT ?',
      )
      .raw();
    this.removeRepliesThrough = database.prepare<[number, number]>(
      'DELETE FROM replies WHERE slot = ? AND seq <= ?',
    );
    this.reclaimRows = database.prepare<[number, number]>(
      'DELETE FROM rows WHERE id IN (SELECT id FROM rows WHERE slot = ? LIMIT ?)',
    );
    this.reclaimReplies = database.prepare<[number, number, number]>(
      'DELETE FROM replies WHERE slot = ? AND seq IN (SELECT seq FROM replies WHERE slot = ? ORDER BY seq LIMIT ?)',
    );
  }

  /** What an entry does to its row. */
  applyContent(partition: number, slot: number, content: EntryContent): void {
    if (content.kind === 'delete') {
      this.remove.run(slot, content.key);
      return;
    }
    const { key, contentType, value } = content;
    const { epoch, seq } = content.version;
    const checksum = rowChecksum(partition, { key, epoch, seq, contentType, value });
    this.upsert.run(slot, key, epoch, seq, contentType, checksum, value);
  }

  putRow(slot: number, row: StoredRow): void {
    this.upsert.run(slot, row.key, row.epoch, row.seq, row.contentType, row.checksum, row.value);
  }

  putReply(slot: number, reply: StoredReply): void {
    const { seq, epoch, idempotencyKey, kind, created, digest, logTime, checksum } = reply;
    this.insertReply.run(slot, seq, epoch, idempotencyKey, kind, created ? 1 : 0, digest, logTime, checksum);
  }

  /** Remembers the answer of an entry; answers how many more replies there are now. */
  remember(partition: number, slot: number, content: EntryContent, logTime: number): number {
    const { idempotencyKey, kind, created, digest } = content;
    const { epoch, seq } = content.version;
    const replaced = this.removeReply.run(slot, idempotencyKey).changes;
    const reply = { idempotencyKey, epoch, seq, kind, created, digest, logTime };
    this.putReply(slot, { ...reply, checksum: replyChecksum(partition, reply) });
    return 1 - replaced;
  }

  /**
   * Forgets replies by age in log time and by count, the oldest first: whatever the batches were, equal logs
   * leave equal replies. Answers how many are left, and the log time before which the next one is due.
   */
  prune(
    slot: number,
    count: number,
    logTime: number,
    bounds: ReplyBounds,
  ): { count: number; oldest: number } {
    let left = count;
    for (;;) {
      const some = this.oldestReplies.all(slot, pruneStep);
      let gone = 0;
      for (const [, time] of some) {
        const expired = time < logTime - bounds.idempotencyMs;
        if (!expired && left - gone <= bounds.idempotencyKeysPerPartitionMax) break;
        gone += 1;
      }
      const last = some[gone - 1];
      if (last !== undefined) this.removeRepliesThrough.run(slot, last[0]);
      left -= gone;
      if (gone < pruneStep) return { count: left, oldest: some[gone]?.[1] ?? Number.POSITIVE_INFINITY };
    }
  }

  /** Removes up to `rowsMax` rows of a slot that nothing points to; answers how many there were. */
  reclaim(slot: number, rowsMax: number): number {
    const { changes } = this.reclaimRows.run(slot, rowsMax);
    if (changes > 0) return changes;
    return this.reclaimReplies.run(slot, slot, rowsMax).changes;
  }
}
