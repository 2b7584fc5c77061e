/**
 * A row of the table and a remembered reply: their checksums, and how a full copy packs them. The checksum
 * names the partition, so that a row in the wrong place does not pass for sound.
 */
import { crc32 } from 'node:zlib';
import {
  ascii,
  bytes,
  position,
  struct,
  tagged,
  time,
  u32,
  word,
  boolean,
} from '../../core/protocol/wire.js';
import type { Codec, Decoded } from '../../core/protocol/wire.js';
import { checksumOn } from './checksum.js';

export interface StoredRow {
  key: Uint8Array;
  epoch: number;
  seq: number;
  contentType: string;
  value: Uint8Array;
  checksum: number;
}

export interface StoredReply {
  idempotencyKey: string;
  epoch: number;
  seq: number;
  kind: 'put' | 'delete';
  created: boolean;
  digest: number;
  logTime: number;
  checksum: number;
}

const head = new Uint8Array(20);
const headView = new DataView(head.buffer);

function startChecksum(partition: number, epoch: number, seq: number, extra: number): number {
  headView.setUint16(0, partition);
  headView.setFloat64(2, epoch);
  headView.setFloat64(10, seq);
  headView.setUint16(18, extra);
  return crc32(head);
}

export function rowChecksum(partition: number, row: Omit<StoredRow, 'checksum'>): number {
  const start = startChecksum(partition, row.epoch, row.seq, row.key.length);
  const text = row.contentType === '' ? start : crc32(row.contentType, start);
  return checksumOn(row.value, checksumOn(row.key, text));
}

export function replyChecksum(partition: number, reply: Omit<StoredReply, 'checksum'>): number {
  const start = startChecksum(partition, reply.epoch, reply.seq, reply.created ? 1 : 0);
  const text = `${reply.kind} ${reply.digest} ${reply.logTime} ${reply.idempotencyKey}`;
  return crc32(text, start);
}

const keyBytesMax = 0xffff;
const valueBytesMax = 0x4000_0000;

const record = tagged({
  row: struct({
    key: bytes(keyBytesMax),
    epoch: position,
    seq: position,
    contentType: ascii(255),
    value: bytes(valueBytesMax),
    checksum: u32,
  }),
  reply: struct({
    idempotencyKey: ascii(255),
    epoch: position,
    seq: position,
    kind: word(['put', 'delete']),
    created: boolean,
    digest: u32,
    logTime: time,
    checksum: u32,
  }),
});

/** One record of a copy; a chunk is a sequence of them, to its end. */
export type CopyRecord = Decoded<typeof record>;
export const copyRecordCodec: Codec<CopyRecord> = record;
