/**
 * Schema of the log file. `log` has no index but its rowid: a row costs an append to the end of one tree, and
 * the places of a partition's entries are kept in memory. The view `entries` takes an entry's bytes apart in
 * SQL, so that any sqlite3 tool shows keys and values; nothing in the program reads it.
 */
import type { Migration } from './schema-migration.js';

/** One byte of an entry as a number: its place in a blob of all 256 bytes. `at` counts from 1. */
function byteAt(at: number): string {
  return `(instr((SELECT bytes FROM byte_values), substr(entry, ${at}, 1)) - 1)`;
}

const allBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');

const entriesView = `
CREATE VIEW entries AS
WITH byte_values(bytes) AS MATERIALIZED (VALUES (x'${allBytes}')),
parts AS (
  SELECT log.id, log.partition, log.seq, log.epoch, log.entry,
    CASE ${byteAt(2)} WHEN 1 THEN 'put' WHEN 2 THEN 'delete' ELSE 'unknown' END AS kind,
    ${byteAt(3)} & 1 AS created,
    ${byteAt(4)} AS idempotency_bytes,
    ${byteAt(29)} * 256 + ${byteAt(30)} AS key_bytes,
    ${byteAt(31)} AS content_type_bytes
  FROM log JOIN replicas ON replicas.partition = log.partition
  WHERE log.id >= replicas.first_id
)
SELECT partition, seq, epoch, kind, created,
  CAST(substr(entry, 41, key_bytes) AS TEXT) AS key,
  CAST(substr(entry, 41 + key_bytes, content_type_bytes) AS TEXT) AS content_type,
  CAST(substr(entry, 41 + key_bytes + content_type_bytes, idempotency_bytes) AS TEXT) AS idempotency_key,
  CASE kind WHEN 'put' THEN CAST(substr(entry, 41 + key_bytes + content_type_bytes + idempotency_bytes,
    length(entry) - 44 - key_bytes - content_type_bytes - idempotency_bytes) AS TEXT) END AS value,
  length(entry) AS entry_bytes
FROM parts ORDER BY partition, seq`;

export const logMigrations: readonly Migration[] = [
  {
    number: 1,
    sql: `
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  boot_count INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  ended_cleanly INTEGER NOT NULL,
  ring_version INTEGER NOT NULL,
  ring BLOB,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE replicas (
  partition INTEGER PRIMARY KEY,
  promised_epoch INTEGER NOT NULL,
  synced_epoch INTEGER NOT NULL,
  epoch_starts TEXT NOT NULL,
  base_seq INTEGER NOT NULL,
  commit_seq INTEGER NOT NULL,
  copy_number INTEGER NOT NULL,
  -- Rows of the log with a lower id are waiting to be removed.
  first_id INTEGER NOT NULL,
  -- Emptied because of damage, and not filled since.
  forgotten INTEGER NOT NULL,
  acks TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  entry BLOB NOT NULL
) STRICT;
CREATE TABLE peer_runs (
  id TEXT PRIMARY KEY,
  store_id TEXT NOT NULL,
  boot_count INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
${entriesView};`,
  },
  {
    // Of each store of a peer, not of the last one alone. Row ids tell which was seen last.
    number: 2,
    sql: `
ALTER TABLE peer_runs RENAME TO peer_runs_before;
CREATE TABLE peer_runs (
  id TEXT NOT NULL,
  store_id TEXT NOT NULL,
  boot_count INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (id, store_id)
) STRICT;
INSERT INTO peer_runs SELECT * FROM peer_runs_before;
DROP TABLE peer_runs_before;`,
  },
];
