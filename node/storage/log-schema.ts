/**
 * Schema of the log file. `log` has no index but its rowid, and blocks of one size (`log-block.ts`); the
 * places of a partition's entries are kept in memory. The view `entries` takes blocks and entries apart in
 * SQL, so that any sqlite3 tool shows keys and values; nothing in the program reads it.
 */
import { blockBytes, blockFormat, headBytes, itemBytes } from './log-block.js';
import { packRows } from './log-conversion.js';
import type { Migration, View } from './schema-migration.js';

/** A number of so many bytes in a blob, each found as its place in a blob of all 256. `at` counts from 1. */
function numberAt(blob: string, at: string | number, bytes: number): string {
  const parts = Array.from({ length: bytes }, (_, index) => {
    const byte = `(instr((SELECT bytes FROM byte_values), substr(${blob}, ${at} + ${index}, 1)) - 1)`;
    return `(${byte} << ${8 * (bytes - 1 - index)})`;
  });
  return `(${parts.join(' + ')})`;
}

/** One byte of an entry as a number. */
function byteAt(at: number): string {
  return `(instr((SELECT bytes FROM byte_values), substr(entry, ${at}, 1)) - 1)`;
}

const allBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');

const entryParts = `CASE ${byteAt(2)} WHEN 1 THEN 'put' WHEN 2 THEN 'delete' ELSE 'unknown' END AS kind,
    ${byteAt(3)} & 1 AS created,
    ${byteAt(4)} AS idempotency_bytes,
    ${byteAt(29)} * 256 + ${byteAt(30)} AS key_bytes,
    ${byteAt(31)} AS content_type_bytes`;

const entryColumns = `SELECT partition, seq, epoch, kind, created,
  CAST(substr(entry, 41, key_bytes) AS TEXT) AS key,
  CAST(substr(entry, 41 + key_bytes, content_type_bytes) AS TEXT) AS content_type,
  CAST(substr(entry, 41 + key_bytes + content_type_bytes, idempotency_bytes) AS TEXT) AS idempotency_key,
  CASE kind WHEN 'put' THEN CAST(substr(entry, 41 + key_bytes + content_type_bytes + idempotency_bytes,
    length(entry) - 44 - key_bytes - content_type_bytes - idempotency_bytes) AS TEXT) END AS value,
  length(entry) AS entry_bytes
FROM parts ORDER BY partition, seq`;

const entriesViewOfRows = `
CREATE VIEW entries AS
WITH byte_values(bytes) AS MATERIALIZED (VALUES (x'${allBytes}')),
parts AS (
  SELECT log.id, log.partition, log.seq, log.epoch, log.entry,
    ${entryParts}
  FROM log JOIN replicas ON replicas.partition = log.partition
  WHERE log.id >= replicas.first_id
)
${entryColumns}`;

/** Where an item's field begins. Items lie at the end of a block, the first one last. */
function itemField(offset: number): string {
  return `(${blockBytes + 1 + offset} - (item + 1) * ${itemBytes})`;
}

const itemBytesText = numberAt('block', itemField(3), 4);

/** `inPieces`: an entry of a record that has several blocks, which are one after the other in `whole`. */
function entriesView(inPieces: string): string {
  return `CREATE VIEW entries AS
WITH RECURSIVE byte_values(bytes) AS MATERIALIZED (VALUES (x'${allBytes}')),
records AS MATERIALIZED (
  SELECT block, ${numberAt('block', 2, 7)} AS record, ${numberAt('block', 9, 2)} AS piece,
    ${numberAt('block', 11, 2)} AS pieces, ${numberAt('block', 13, 2)} AS items,
    ${numberAt('block', 15, 2)} AS bytes
  FROM log WHERE substr(block, 1, 1) = x'${blockFormat.toString(16).padStart(2, '0')}'
),
items AS (
  SELECT block, record, pieces, items, 0 AS item, ${headBytes + 1} AS at FROM records WHERE items > 0
  UNION ALL
  SELECT block, record, pieces, items, item + 1, at + ${itemBytesText}
  FROM items WHERE item + 1 < items
),
wholes AS MATERIALIZED (
  SELECT record, CAST(group_concat(part, '') AS BLOB) AS whole FROM (
    SELECT record, substr(block, ${headBytes + 1}, bytes) AS part FROM records WHERE pieces > 1
    ORDER BY record, piece)
  GROUP BY record
),
placed AS (
  SELECT items.record, ${numberAt('block', itemField(0), 2)} AS partition,
    ${numberAt('block', itemField(2), 1)} AS flags,
    ${numberAt('block', itemField(7), 7)} AS epoch, ${numberAt('block', itemField(14), 7)} AS seq,
    CASE pieces WHEN 1 THEN substr(block, at, ${itemBytesText}) ELSE ${inPieces} END AS entry
  FROM items LEFT JOIN wholes ON wholes.record = items.record
),
parts AS (
  SELECT placed.partition, seq, epoch, entry,
    ${entryParts}
  FROM placed JOIN replicas ON replicas.partition = placed.partition
  WHERE flags = 0 AND record >= replicas.first_record AND seq > replicas.base_seq
)
${entryColumns}`;
}

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
${entriesViewOfRows};`,
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
  {
    // Blocks that are written over in place, instead of a row for each entry, to be removed when it counts no
    // more.
    number: 3,
    sql: `
DROP VIEW entries;
ALTER TABLE log RENAME TO log_rows;
ALTER TABLE replicas RENAME TO replicas_before;
CREATE TABLE log (
  slot INTEGER PRIMARY KEY,
  block BLOB NOT NULL
) STRICT;
CREATE TABLE replicas (
  partition INTEGER PRIMARY KEY,
  promised_epoch INTEGER NOT NULL,
  synced_epoch INTEGER NOT NULL,
  epoch_starts TEXT NOT NULL,
  base_seq INTEGER NOT NULL,
  commit_seq INTEGER NOT NULL,
  copy_number INTEGER NOT NULL,
  -- What records with a lower number hold of this partition counts no more.
  first_record INTEGER NOT NULL,
  -- Emptied because of damage, and not filled since.
  forgotten INTEGER NOT NULL,
  acks TEXT NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;
INSERT INTO replicas SELECT * FROM replicas_before;
DROP TABLE replicas_before;
${entriesView('whole')};`,
    convert: packRows,
  },
];

/** Since a record of several blocks may hold several entries. */
export const currentEntriesView: View = {
  name: 'entries',
  sql: entriesView(`substr(whole, at - ${headBytes}, ${itemBytesText})`),
};
