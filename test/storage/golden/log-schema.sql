CREATE TABLE log (
  slot INTEGER PRIMARY KEY,
  block BLOB NOT NULL
) STRICT;

CREATE TABLE peer_runs (
  id TEXT NOT NULL,
  store_id TEXT NOT NULL,
  boot_count INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  checksum INTEGER NOT NULL,
  PRIMARY KEY (id, store_id)
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

CREATE VIEW entries AS
WITH RECURSIVE byte_values(bytes) AS MATERIALIZED (VALUES (x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff')),
records AS MATERIALIZED (
  SELECT block, (((instr((SELECT bytes FROM byte_values), substr(block, 2 + 0, 1)) - 1) << 48) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 1, 1)) - 1) << 40) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 2, 1)) - 1) << 32) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 3, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 4, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 5, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, 2 + 6, 1)) - 1) << 0)) AS record, (((instr((SELECT bytes FROM byte_values), substr(block, 9 + 0, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, 9 + 1, 1)) - 1) << 0)) AS piece,
    (((instr((SELECT bytes FROM byte_values), substr(block, 11 + 0, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, 11 + 1, 1)) - 1) << 0)) AS pieces, (((instr((SELECT bytes FROM byte_values), substr(block, 13 + 0, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, 13 + 1, 1)) - 1) << 0)) AS items,
    (((instr((SELECT bytes FROM byte_values), substr(block, 15 + 0, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, 15 + 1, 1)) - 1) << 0)) AS bytes
  FROM log WHERE substr(block, 1, 1) = x'01'
),
items AS (
  SELECT block, record, pieces, items, 0 AS item, 21 AS at FROM records WHERE items > 0
  UNION ALL
  SELECT block, record, pieces, items, item + 1, at + (((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 0, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 1, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 2, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 3, 1)) - 1) << 0))
  FROM items WHERE item + 1 < items
),
wholes AS MATERIALIZED (
  SELECT record, CAST(group_concat(part, '') AS BLOB) AS whole FROM (
    SELECT record, substr(block, 21, bytes) AS part FROM records WHERE pieces > 1
    ORDER BY record, piece)
  GROUP BY record
),
placed AS (
  SELECT items.record, (((instr((SELECT bytes FROM byte_values), substr(block, (4049 - (item + 1) * 21) + 0, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4049 - (item + 1) * 21) + 1, 1)) - 1) << 0)) AS partition,
    (((instr((SELECT bytes FROM byte_values), substr(block, (4051 - (item + 1) * 21) + 0, 1)) - 1) << 0)) AS flags,
    (((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 0, 1)) - 1) << 48) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 1, 1)) - 1) << 40) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 2, 1)) - 1) << 32) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 3, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 4, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 5, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4056 - (item + 1) * 21) + 6, 1)) - 1) << 0)) AS epoch, (((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 0, 1)) - 1) << 48) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 1, 1)) - 1) << 40) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 2, 1)) - 1) << 32) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 3, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 4, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 5, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4063 - (item + 1) * 21) + 6, 1)) - 1) << 0)) AS seq,
    CASE pieces WHEN 1 THEN substr(block, at, (((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 0, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 1, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 2, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 3, 1)) - 1) << 0))) ELSE substr(whole, at - 20, (((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 0, 1)) - 1) << 24) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 1, 1)) - 1) << 16) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 2, 1)) - 1) << 8) + ((instr((SELECT bytes FROM byte_values), substr(block, (4052 - (item + 1) * 21) + 3, 1)) - 1) << 0))) END AS entry
  FROM items LEFT JOIN wholes ON wholes.record = items.record
),
parts AS (
  SELECT placed.partition, seq, epoch, entry,
    CASE (instr((SELECT bytes FROM byte_values), substr(entry, 2, 1)) - 1) WHEN 1 THEN 'put' WHEN 2 THEN 'delete' ELSE 'unknown' END AS kind,
    (instr((SELECT bytes FROM byte_values), substr(entry, 3, 1)) - 1) & 1 AS created,
    (instr((SELECT bytes FROM byte_values), substr(entry, 4, 1)) - 1) AS idempotency_bytes,
    (instr((SELECT bytes FROM byte_values), substr(entry, 29, 1)) - 1) * 256 + (instr((SELECT bytes FROM byte_values), substr(entry, 30, 1)) - 1) AS key_bytes,
    (instr((SELECT bytes FROM byte_values), substr(entry, 31, 1)) - 1) AS content_type_bytes
  FROM placed JOIN replicas ON replicas.partition = placed.partition
  WHERE flags = 0 AND record >= replicas.first_record AND seq > replicas.base_seq
)
SELECT partition, seq, epoch, kind, created,
  CAST(substr(entry, 41, key_bytes) AS TEXT) AS key,
  CAST(substr(entry, 41 + key_bytes, content_type_bytes) AS TEXT) AS content_type,
  CAST(substr(entry, 41 + key_bytes + content_type_bytes, idempotency_bytes) AS TEXT) AS idempotency_key,
  CASE kind WHEN 'put' THEN CAST(substr(entry, 41 + key_bytes + content_type_bytes + idempotency_bytes,
    length(entry) - 44 - key_bytes - content_type_bytes - idempotency_bytes) AS TEXT) END AS value,
  length(entry) AS entry_bytes
FROM parts ORDER BY partition, seq;
