/**
 * Schema of the table file. Rows belong to a slot, and a partition points to its slot: a full copy is staged
 * in a slot of its own and becomes the partition's table by changing one number; the rows of a slot that
 * nothing points to any more are removed bit by bit. The views show what a partition holds, plainly.
 */
import type { Migration } from './schema-migration.js';

export const tableMigrations: readonly Migration[] = [
  {
    number: 1,
    sql: `
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL,
  -- Changed by each checkpoint: writing it syncs all that was written before.
  checkpoints INTEGER NOT NULL
) STRICT;
CREATE TABLE replicas (
  partition INTEGER PRIMARY KEY,
  slot INTEGER NOT NULL,
  applied_seq INTEGER NOT NULL,
  applied_log_time REAL NOT NULL,
  reply_count INTEGER NOT NULL,
  copy_number INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE stages (
  partition INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  at_seq INTEGER NOT NULL,
  next_chunk INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  applied_log_time REAL NOT NULL,
  reply_count INTEGER NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE discarded_slots (slot INTEGER PRIMARY KEY) STRICT;
CREATE TABLE rows (
  id INTEGER PRIMARY KEY,
  slot INTEGER NOT NULL,
  key BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (slot, key)
) STRICT;
CREATE TABLE replies (
  slot INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  created INTEGER NOT NULL,
  digest INTEGER NOT NULL,
  log_time REAL NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (slot, seq),
  UNIQUE (slot, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE VIEW entries AS
SELECT replicas.partition, CAST(rows.key AS TEXT) AS key, rows.epoch || '-' || rows.seq AS version,
  rows.content_type, CAST(rows.value AS TEXT) AS value, length(rows.value) AS value_bytes
FROM replicas JOIN rows ON rows.slot = replicas.slot ORDER BY replicas.partition, rows.key;
CREATE VIEW remembered_replies AS
SELECT replicas.partition, replies.idempotency_key, replies.epoch || '-' || replies.seq AS version, replies.kind,
  replies.created, datetime(replies.log_time / 1000, 'unixepoch') AS log_time
FROM replicas JOIN replies ON replies.slot = replicas.slot ORDER BY replicas.partition, replies.seq;`,
  },
];
