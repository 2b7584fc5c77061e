/**
 * One entry of a partition's log: the bytes on the wire are the bytes on the disk.
 *
 *   0 format version u8 (1) | 1 kind u8 | 2 flags u8 | 3 idempotency key length u8 | 4 epoch f64 | 12 seq f64
 *   | 20 log time f64 28 key length u16 | 30 content type length u8 | 31 reserved u8 | 32 value length u32 |
 *   36 request digest u32 40 key, content type, idempotency key, value | checksum u32 (CRC-32 of everything
 *   before it)
 *
 * Numbers are big-endian. An entry carries its own answer (created or replaced), so that a repeated request
 * with the same idempotency key is answered from the log as from the table.
 */
import { assert } from '../assert.js';
import {
  getFloat64,
  getUint16,
  getUint32,
  getWhole,
  setFloat64,
  setUint16,
  setUint32,
} from './big-endian.js';
import { cut } from './slab.js';
import { WireError } from './wire.js';
import type { Version, WriteOperation } from './operation.js';

export type Checksum = (bytes: Uint8Array) => number;

export const entryKinds = { put: 1, delete: 2 } as const;
export type EntryKind = keyof typeof entryKinds;

export const entryHeaderBytes = 40;
const formatVersion = 1;
const flagCreated = 1;

/** A log entry as the machines hold it; everything else is read from `bytes` when needed. */
export interface Entry {
  epoch: number;
  seq: number;
  bytes: Uint8Array;
}

export interface EntryContent {
  kind: EntryKind;
  version: Version;
  /** Milliseconds since 1970: never below the entry before it. */
  logTime: number;
  /** The key was absent before this entry. */
  created: boolean;
  key: Uint8Array;
  contentType: string;
  idempotencyKey: string;
  /** Of the request that the idempotency key stands for (`requestDigest`). */
  digest: number;
  value: Uint8Array;
}

/** Tells two requests with one idempotency key apart. */
export function requestDigest(operation: WriteOperation, checksum: Checksum): number {
  const rest = `${operation.type} ${JSON.stringify(operation.precondition)} ${operation.contentType}`;
  const head = new Uint8Array(operation.key.length + rest.length);
  head.set(operation.key);
  writeAscii(head, operation.key.length, rest);
  return (checksum(head) ^ Math.imul(checksum(operation.value), 0x9e3779b1)) >>> 0;
}

function writeAscii(target: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index += 1) target[at + index] = text.charCodeAt(index);
}

function readAscii(source: Uint8Array, at: number, length: number): string {
  let text = '';
  for (let index = at; index < at + length; index += 1) text += String.fromCharCode(source[index] ?? 0);
  return text;
}

export function encodeEntry(content: EntryContent, checksum: Checksum): Entry {
  const { key, contentType, idempotencyKey, value, version } = content;
  assert(key.length > 0 && key.length <= 0xffff, 'key length fits the entry');
  assert(contentType.length <= 255 && idempotencyKey.length <= 255, 'texts fit the entry');
  const length = entryHeaderBytes + key.length + contentType.length + idempotencyKey.length + value.length;
  const bytes = cut(length + 4);
  bytes[0] = formatVersion;
  bytes[1] = entryKinds[content.kind];
  bytes[2] = content.created ? flagCreated : 0;
  bytes[3] = idempotencyKey.length;
  setFloat64(bytes, 4, version.epoch);
  setFloat64(bytes, 12, version.seq);
  setFloat64(bytes, 20, content.logTime);
  setUint16(bytes, 28, key.length);
  bytes[30] = contentType.length;
  bytes[31] = 0;
  setUint32(bytes, 32, value.length);
  setUint32(bytes, 36, content.digest);
  let at = entryHeaderBytes;
  bytes.set(key, at);
  writeAscii(bytes, (at += key.length), contentType);
  writeAscii(bytes, (at += contentType.length), idempotencyKey);
  bytes.set(value, at + idempotencyKey.length);
  setUint32(bytes, length, checksum(bytes.subarray(0, length)));
  return { epoch: version.epoch, seq: version.seq, bytes };
}

/**
 * Checks lengths, kind and checksum; throws `WireError`. Entries from a peer or a disk pass through here
 * once.
 */
export function parseEntry(bytes: Uint8Array, checksum: Checksum): Entry {
  if (bytes.length < entryHeaderBytes + 5) throw new WireError('entry too short');
  if (bytes[0] !== formatVersion) throw new WireError(`entry format ${bytes[0]} is not known`);
  if (bytes[1] !== entryKinds.put && bytes[1] !== entryKinds.delete)
    throw new WireError(`entry kind ${bytes[1]}`);
  const texts = (bytes[3] ?? 0) + (bytes[30] ?? 0);
  const length = entryHeaderBytes + getUint16(bytes, 28) + texts + getUint32(bytes, 32);
  if (bytes.length !== length + 4 || getUint16(bytes, 28) === 0)
    throw new WireError('entry lengths do not add up');
  if (checksum(bytes.subarray(0, length)) !== getUint32(bytes, length))
    throw new WireError('entry checksum differs');
  const epoch = getWhole(bytes, 4);
  const seq = getWhole(bytes, 12);
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq) || epoch < 1 || seq < 1) {
    throw new WireError('entry position is not a position');
  }
  return { epoch, seq, bytes };
}

/** The parts of an entry that was parsed before; byte fields share its memory. */
export function entryContent(entry: Entry): EntryContent {
  const { bytes } = entry;
  const contentTypeAt = entryHeaderBytes + getUint16(bytes, 28);
  const idempotencyAt = contentTypeAt + (bytes[30] ?? 0);
  const valueAt = idempotencyAt + (bytes[3] ?? 0);
  return {
    kind: bytes[1] === entryKinds.put ? 'put' : 'delete',
    version: { epoch: entry.epoch, seq: entry.seq },
    logTime: getFloat64(bytes, 20),
    created: ((bytes[2] ?? 0) & flagCreated) !== 0,
    key: bytes.subarray(entryHeaderBytes, contentTypeAt),
    contentType: readAscii(bytes, contentTypeAt, bytes[30] ?? 0),
    idempotencyKey: readAscii(bytes, idempotencyAt, bytes[3] ?? 0),
    digest: getUint32(bytes, 36),
    value: bytes.subarray(valueAt, valueAt + getUint32(bytes, 32)),
  };
}

export function entryKey({ bytes }: Entry): Uint8Array {
  return bytes.subarray(entryHeaderBytes, entryHeaderBytes + getUint16(bytes, 28));
}

export function isDelete({ bytes }: Entry): boolean {
  return bytes[1] !== entryKinds.put;
}

export function entryLogTime({ bytes }: Entry): number {
  return getFloat64(bytes, 20);
}
