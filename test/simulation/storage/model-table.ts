/**
 * A model of the key-value table: rows and remembered replies of each partition, stages of copies, and copies
 * being read. Every change is a step that can be done again, so that the page cache can be taken apart after
 * a loss of power.
 */
import { present } from '../present.js';
import { entryContent } from '../../../core/protocol/entry.js';
import type { Entry } from '../../../core/protocol/entry.js';
import type { Limits } from '../../../core/limits.js';
import {
  boolean,
  bytes,
  decode,
  encode,
  list,
  position,
  struct,
  ascii,
  u32,
  WireError,
} from '../../../core/protocol/wire.js';
import type { RememberedReply } from '../../../node/worker/ports.js';
import type { StagedChunk } from './storage-engine.js';

export interface ModelRow {
  key: Uint8Array;
  epoch: number;
  seq: number;
  contentType: string;
  value: Uint8Array;
  damaged: boolean;
}

export interface ModelReply extends RememberedReply {
  idempotencyKey: string;
  logTime: number;
}

export interface ModelContents {
  rows: Map<string, ModelRow>;
  /** In the order of their log positions. */
  replies: Map<string, ModelReply>;
}

export interface ModelTablePartition extends ModelContents {
  appliedSeq: number;
  /** Of the copy that it came from; 0 if from none. */
  copyNumber: number;
  stage: (ModelContents & { number: number; atSeq: number; nextChunk: number; complete: boolean }) | null;
}

export interface ModelTableState {
  storeId: string;
  partitions: Map<number, ModelTablePartition>;
}

const packedCodec = struct({
  rows: list(
    struct({
      key: bytes(4_096),
      epoch: position,
      seq: position,
      contentType: ascii(255),
      value: bytes(24 * 1024 * 1024),
      damaged: boolean,
    }),
    1_000_000,
  ),
  replies: list(
    struct({
      idempotencyKey: ascii(255),
      epoch: position,
      seq: position,
      created: boolean,
      isPut: boolean,
      digest: u32,
      logTime: position,
    }),
    1_000_000,
  ),
});

export function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

export function emptyPartition(): ModelTablePartition {
  return { rows: new Map(), replies: new Map(), appliedSeq: 0, copyNumber: 0, stage: null };
}

export function copyTable(state: ModelTableState): ModelTableState {
  return {
    storeId: state.storeId,
    partitions: new Map(
      [...state.partitions].map(([number, partition]) => [
        number,
        {
          ...copyContents(partition),
          appliedSeq: partition.appliedSeq,
          copyNumber: partition.copyNumber,
          stage: partition.stage && { ...partition.stage, ...copyContents(partition.stage) },
        },
      ]),
    ),
  };
}

export function copyContents(contents: ModelContents): ModelContents {
  return { rows: new Map(contents.rows), replies: new Map(contents.replies) };
}

export function partitionOfTable(state: ModelTableState, partition: number): ModelTablePartition {
  let found = state.partitions.get(partition);
  if (found === undefined) {
    found = emptyPartition();
    state.partitions.set(partition, found);
  }
  return found;
}

export function applyEntry(partition: ModelTablePartition, entry: Entry, limits: Limits): void {
  const content = entryContent(entry);
  const key = keyText(content.key);
  if (content.kind === 'delete') {
    partition.rows.delete(key);
  } else {
    partition.rows.set(key, {
      key: content.key,
      epoch: entry.epoch,
      seq: entry.seq,
      contentType: content.contentType,
      value: content.value,
      damaged: false,
    });
  }
  partition.appliedSeq = entry.seq;
  if (content.idempotencyKey !== '') {
    partition.replies.delete(content.idempotencyKey);
    partition.replies.set(content.idempotencyKey, {
      idempotencyKey: content.idempotencyKey,
      version: content.version,
      created: content.created,
      kind: content.kind,
      digest: content.digest,
      logTime: content.logTime,
    });
  }
  prune(partition, content.logTime, limits);
}

function prune(partition: ModelTablePartition, logTime: number, limits: Limits): void {
  for (const [key, reply] of partition.replies) {
    const tooMany = partition.replies.size > limits.idempotencyKeysPerPartitionMax;
    if (!tooMany && reply.logTime >= logTime - limits.idempotencyMs) break;
    partition.replies.delete(key);
  }
}

/** Some of the contents, from the front; `rowsFrom` and `repliesFrom` count what was packed before. */
export function packContents(
  contents: { rows: ModelRow[]; replies: ModelReply[] },
  rowsFrom: number,
  bytesMax: number,
): { rows: Uint8Array; next: number; last: boolean } {
  const chosen: ModelRow[] = [];
  let size = 0;
  let next = rowsFrom;
  for (; next < contents.rows.length && size < bytesMax; next += 1) {
    const row = present(contents.rows[next]);
    chosen.push(row);
    size += row.value.length + row.key.length + 64;
  }
  const last = next >= contents.rows.length;
  const replies = last ? contents.replies : [];
  const packed = encode(packedCodec, {
    rows: chosen,
    replies: replies.map((reply) => ({
      idempotencyKey: reply.idempotencyKey,
      epoch: reply.version.epoch,
      seq: reply.version.seq,
      created: reply.created,
      isPut: reply.kind === 'put',
      digest: reply.digest,
      logTime: reply.logTime,
    })),
  });
  return { rows: packed, next, last };
}

export function stageChunk(partition: ModelTablePartition, chunk: StagedChunk): 'staged' | 'malformed' {
  if (chunk.chunk === 0) {
    partition.stage = {
      number: chunk.number,
      atSeq: chunk.atSeq,
      nextChunk: 0,
      complete: false,
      rows: new Map(),
      replies: new Map(),
    };
  }
  const stage = partition.stage;
  if (stage?.number !== chunk.number || stage.nextChunk !== chunk.chunk) return 'malformed';
  try {
    const packed = decode(packedCodec, chunk.rows);
    if (packed.rows.some((row) => row.damaged)) return 'malformed';
    for (const row of packed.rows) stage.rows.set(keyText(row.key), row);
    for (const { epoch, seq, isPut, ...reply } of packed.replies) {
      const kind = isPut ? 'put' : 'delete';
      stage.replies.set(reply.idempotencyKey, { ...reply, kind, version: { epoch, seq } });
    }
  } catch (error) {
    if (error instanceof WireError) return 'malformed';
    throw error;
  }
  stage.nextChunk += 1;
  stage.complete = chunk.last;
  return 'staged';
}

/** The stage becomes the table, if it is the one that is meant. */
export function adoptStage(partition: ModelTablePartition, stageNumber: number): void {
  const stage = partition.stage;
  if (stage?.number !== stageNumber) return;
  partition.rows = stage.rows;
  partition.replies = stage.replies;
  partition.appliedSeq = stage.atSeq;
  partition.copyNumber = stageNumber;
  partition.stage = null;
}
