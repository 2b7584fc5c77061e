/**
 * Where a key lies on the ring: a 64-bit hash of its bytes, whose top bits are the partition.
 *
 * The hash decides where data is, so it can never change for a cluster that holds any: it is the first half
 * of MurmurHash3_x86_128 (Austin Appleby, SMHasher), which needs only 32-bit arithmetic and so is fast in
 * JavaScript. It spreads keys evenly; it does not withstand someone who chooses keys to collide.
 */
import { assert } from '../assert.js';

/** The most partitions that a ring can have. */
export const partitionCountMax = 65_536;

/** A position on the ring, as two unsigned 32-bit halves. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

const openingBrace = 0x7b;
const closingBrace = 0x7d;

const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

/**
 * The hash of a key. Where the key has a tag, only the tag counts, so that an application can keep keys
 * together: the tag is what stands between the first `{` and the next `}`, unless that is empty (the rule of
 * Redis Cluster).
 */
export function hashKey(key: Uint8Array): Hash64 {
  const opening = indexOf(key, openingBrace, 0);
  if (opening === -1) return hashBytes(key, 0, key.length);
  const closing = indexOf(key, closingBrace, opening + 1);
  if (closing <= opening + 1) return hashBytes(key, 0, key.length);
  return hashBytes(key, opening + 1, closing);
}

/** Of a short array sooner found by looking than by calling a built-in. */
function indexOf(bytes: Uint8Array, byte: number, from: number): number {
  for (let at = from; at < bytes.length; at += 1) if (bytes[at] === byte) return at;
  return -1;
}

/**
 * The partition that a key belongs to; `partitionCount` is a power of two, at most {@link partitionCountMax}.
 */
export function partitionOf(key: Uint8Array, partitionCount: number): number {
  assert(isPartitionCount(partitionCount), 'partition count is not a power of two within its bounds');
  // The top 16 bits scaled down: for a power of two the same as taking the top bits, for one partition too.
  return ((hashKey(key).high >>> 16) * partitionCount) >>> 16;
}

/** Whether a ring may have this many partitions. */
export function isPartitionCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= partitionCountMax && (count & (count - 1)) === 0;
}

/** The first 64 bits of MurmurHash3_x86_128 of `bytes[start..end)`; no tags. */
export function hashBytes(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): Hash64 {
  let [h1, h2, h3, h4] = [seed | 0, seed | 0, seed | 0, seed | 0];
  let position = start;
  for (; position + 16 <= end; position += 16) {
    h1 = (Math.imul(rotate(h1 ^ scramble(word(bytes, position), c1, 15, c2), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 =
      (Math.imul(rotate(h2 ^ scramble(word(bytes, position + 4), c2, 16, c3), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 =
      (Math.imul(rotate(h3 ^ scramble(word(bytes, position + 8), c3, 17, c4), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 =
      (Math.imul(rotate(h4 ^ scramble(word(bytes, position + 12), c4, 18, c1), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  // An absent byte counts as zero, and a word of zeros changes nothing.
  if (position < end) h1 ^= scramble(lastWord(bytes, position, end), c1, 15, c2);
  if (position + 4 < end) h2 ^= scramble(lastWord(bytes, position + 4, end), c2, 16, c3);
  if (position + 8 < end) h3 ^= scramble(lastWord(bytes, position + 8, end), c3, 17, c4);
  if (position + 12 < end) h4 ^= scramble(lastWord(bytes, position + 12, end), c4, 18, c1);

  const length = end - start;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = ((h1 ^ length) + h2 + h3 + h4) | 0;
  const f1 = avalanche(h1);
  const f2 = avalanche(h2 + h1);
  const high = f1 + f2 + avalanche(h3 + h1) + avalanche(h4 + h1);
  return { high: high >>> 0, low: (f2 + high) >>> 0 };
}

function scramble(value: number, first: number, bits: number, second: number): number {
  return Math.imul(rotate(Math.imul(value, first), bits), second);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Makes every bit of the result depend on every bit of the value. */
function avalanche(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Four bytes, the lowest first; the caller knows that they are there. */
function word(bytes: Uint8Array, position: number): number {
  return (
    byteAt(bytes, position) |
    (byteAt(bytes, position + 1) << 8) |
    (byteAt(bytes, position + 2) << 16) |
    (byteAt(bytes, position + 3) << 24)
  );
}

function lastWord(bytes: Uint8Array, position: number, end: number): number {
  if (position + 4 <= end) return word(bytes, position);
  let value = 0;
  for (let index = end - 1; index >= position; index -= 1) value = (value << 8) | byteAt(bytes, index);
  return value;
}

function byteAt(bytes: Uint8Array, position: number): number {
  return bytes[position] ?? 0;
}
