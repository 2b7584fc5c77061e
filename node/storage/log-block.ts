/**
 * What a row of the log's table holds: a block of fixed size, so that SQLite writes a new one over an old one
 * in place, one page and no other. A *record* is what has one number: some whole entries in one block, or a
 * *run*: entries of one transaction, large ones among them, that go on from block to block, in pieces.
 *
 *   block:  head | bytes of entries ... unused ... | last item | ... | first item
 *   head:   format u8 | record u56 | piece u16 | pieces u16 | items u16 | bytes u16 | checksum u32
 *   item:   partition u16 | flags u8 | entry's length u32 | epoch u56 | seq u56
 *
 * Items come in the order of their entries. The checksum is of the head before it and of the items: what was
 * in a block is known even where an entry is damaged, each of which has a checksum of its own. Later pieces
 * have no items.
 */
import { assert } from '../../core/assert.js';
import type { Entry } from '../../core/protocol/entry.js';
import { getUint16, getUint32, setUint16, setUint32 } from '../../core/protocol/big-endian.js';
import { checksum, checksumOn } from './checksum.js';
import { AmnesiacStore } from './storage-error.js';

/** With its row's header it fills a page of 4 KiB but for a few bytes. */
export const blockBytes = 4_048;
export const headBytes = 20;
export const itemBytes = 21;
export const blockFormat = 1;
const checksumAt = 16;
/** For entries and their items. */
const roomBytes = blockBytes - headBytes;
/** Kept for the next transactions. */
const sparesMax = 64;
/** All of them are kept as long as one entry of the run counts. */
const runBlocksMax = 8;
/** They have to fit into its first block. */
const runItemsMax = 96;
/** The entry was cut off; it counts for nothing. */
const flagCut = 1;

export interface BlockHead {
  record: number;
  /** Of `pieces`, counted from 0. */
  piece: number;
  pieces: number;
  items: number;
  /** Of entries in this block. */
  bytes: number;
}

export interface BlockItem {
  partition: number;
  epoch: number;
  seq: number;
  length: number;
  /** Where its bytes begin among the bytes of the record's entries. */
  at: number;
  isCut: boolean;
}

function setUint56(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  bytes[at] = high >>> 16;
  setUint16(bytes, at + 1, high & 0xffff);
  setUint32(bytes, at + 3, value >>> 0);
}

function getUint56(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) * 0x1_0000 + getUint16(bytes, at + 1)) * 0x1_0000_0000 + getUint32(bytes, at + 3);
}

function itemAt(index: number): number {
  return blockBytes - (index + 1) * itemBytes;
}

function sumOf(block: Uint8Array, items: number): number {
  return checksumOn(block.subarray(blockBytes - items * itemBytes), checksum(block.subarray(0, checksumAt)));
}

function setHead(block: Uint8Array, head: BlockHead): void {
  block[0] = blockFormat;
  setUint56(block, 1, head.record);
  setUint16(block, 8, head.piece);
  setUint16(block, 10, head.pieces);
  setUint16(block, 12, head.items);
  setUint16(block, 14, head.bytes);
  setUint32(block, checksumAt, sumOf(block, head.items));
}

function setItem(block: Uint8Array, index: number, partition: number, entry: Entry): void {
  const at = itemAt(index);
  setUint16(block, at, partition);
  block[at + 2] = 0;
  setUint32(block, at + 3, entry.bytes.length);
  setUint56(block, at + 7, entry.epoch);
  setUint56(block, at + 14, entry.seq);
}

/** Fills one block with entries, and goes on filling it after it was written. */
export class BlockBuilder {
  private block: Uint8Array = new Uint8Array(blockBytes);
  /** Blocks of the transaction under way that are full, and what such blocks were made of before. */
  private readonly full: Uint8Array[] = [];
  private readonly spare: Uint8Array[] = [];
  private items = 0;
  private bytes = 0;

  fits({ bytes }: Entry): boolean {
    return this.bytes + bytes.length + (this.items + 1) * itemBytes <= roomBytes;
  }

  add(partition: number, entry: Entry): void {
    assert(this.fits(entry), 'a block is not filled beyond its size');
    this.block.set(entry.bytes, headBytes + this.bytes);
    setItem(this.block, this.items, partition, entry);
    this.items += 1;
    this.bytes += entry.bytes.length;
  }

  /** To be called before it is written. */
  seal(record: number): Uint8Array {
    setHead(this.block, { record, piece: 0, pieces: 1, items: this.items, bytes: this.bytes });
    return this.block;
  }

  /** Begins another; the one before is left to whoever writes it, until {@link recycle}. */
  clear(): void {
    this.full.push(this.block);
    this.block = this.spare.pop() ?? new Uint8Array(blockBytes);
    this.items = 0;
    this.bytes = 0;
  }

  /** The transaction has ended: nobody looks at its blocks any more. */
  recycle(): void {
    for (const block of this.full) if (this.spare.length < sparesMax) this.spare.push(block);
    this.full.length = 0;
  }
}

/** An entry and whose it is. */
interface PlacedEntry {
  partition: number;
  entry: Entry;
}

/** No two of its size share a block: those of one transaction are written as a run. */
export function isLarge({ bytes }: Entry): boolean {
  return bytes.length + itemBytes > roomBytes / 2;
}

/** Entries of one record, one after the other over as many blocks as they fill. */
export class RunBuilder {
  private entries: PlacedEntry[] = [];
  private bytes = 0;

  /** One entry always does. */
  fits({ bytes }: Entry): boolean {
    const items = this.entries.length + 1;
    if (items === 1) return true;
    return items <= runItemsMax && this.bytes + bytes.length + items * itemBytes <= runBlocksMax * roomBytes;
  }

  add(partition: number, entry: Entry): void {
    assert(this.fits(entry), 'a run is not made longer than it may be');
    this.entries.push({ partition, entry });
    this.bytes += entry.bytes.length;
  }

  /** Its blocks, in the order of their pieces. The next run begins. */
  seal(record: number): Uint8Array[] {
    const { entries, bytes } = this;
    this.entries = [];
    this.bytes = 0;
    assert(entries.length > 0, 'a run has entries');
    const first = roomBytes - entries.length * itemBytes;
    const pieces = 1 + Math.ceil((bytes - first) / roomBytes);
    assert(pieces <= 0xffff, 'a large entry has a few pieces');
    // One piece of memory: it is posted as one.
    const memory = new Uint8Array(pieces * blockBytes);
    const blocks = Array.from({ length: pieces }, (_, piece) =>
      memory.subarray(piece * blockBytes, (piece + 1) * blockBytes),
    );
    spread(entries, blocks, first);
    blocks.forEach((block, piece) => {
      const from = piece === 0 ? 0 : first + (piece - 1) * roomBytes;
      const length = Math.min(bytes - from, piece === 0 ? first : roomBytes);
      setHead(block, { record, piece, pieces, items: piece === 0 ? entries.length : 0, bytes: length });
    });
    return blocks;
  }
}

/** Items go into the first block, which has room for `first` bytes beside them. */
function spread(entries: readonly PlacedEntry[], blocks: readonly Uint8Array[], first: number): void {
  let piece = 0;
  let used = 0;
  entries.forEach(({ partition, entry }, index) => {
    const [head] = blocks;
    if (head !== undefined) setItem(head, index, partition, entry);
    for (let from = 0; from < entry.bytes.length;) {
      const room = piece === 0 ? first : roomBytes;
      const part = entry.bytes.subarray(from, from + room - used);
      blocks[piece]?.set(part, headBytes + used);
      from += part.length;
      used += part.length;
      if (used === room) {
        piece += 1;
        used = 0;
      }
    }
  });
}

/** @throws AmnesiacStore if head or items are damaged: nobody knows then whose entries it held */
export function readHead(block: unknown): BlockHead {
  // Damage to the row's header can make anything of a blob.
  if (!(block instanceof Uint8Array) || !isSound(block))
    throw new AmnesiacStore('a block of the log is damaged');
  return {
    record: getUint56(block, 1),
    piece: getUint16(block, 8),
    pieces: getUint16(block, 10),
    items: getUint16(block, 12),
    bytes: getUint16(block, 14),
  };
}

function isSound(block: Uint8Array): boolean {
  const items = getUint16(block, 12);
  return (
    block.length === blockBytes &&
    block[0] === blockFormat &&
    items * itemBytes <= roomBytes &&
    getUint32(block, checksumAt) === sumOf(block, items)
  );
}

export function readItems(block: Uint8Array, { items }: BlockHead): BlockItem[] {
  let at = 0;
  return Array.from({ length: items }, (_, index) => {
    const from = itemAt(index);
    const length = getUint32(block, from + 3);
    const item: BlockItem = {
      partition: getUint16(block, from),
      epoch: getUint56(block, from + 7),
      seq: getUint56(block, from + 14),
      length,
      at,
      isCut: ((block[from + 2] ?? 0) & flagCut) !== 0,
    };
    at += length;
    return item;
  });
}

/**
 * The bytes of an entry, out of no more than the pieces it is in, for which `block` is asked; null if one of
 * them is not there. They may share memory with a block.
 */
export function entryBytes(
  head: BlockHead,
  { at, length }: BlockItem,
  block: (piece: number) => Uint8Array | null,
): Uint8Array | null {
  const first = roomBytes - head.items * itemBytes;
  const pieceOf = (byte: number) => (byte < first ? 0 : 1 + Math.floor((byte - first) / roomBytes));
  const from = pieceOf(at);
  const blocks: Uint8Array[] = [];
  for (let piece = from; piece <= pieceOf(at + length - 1); piece += 1) {
    const found = block(piece);
    if (found === null) return null;
    blocks.push(found);
  }
  const skip = from === 0 ? at : (at - first) % roomBytes;
  return bytesOf(blocks).subarray(skip, skip + length);
}

/** Marks the partition's entries after `seq` as cut off, in the record's first block. */
export function cutItems(block: Uint8Array, record: number, partition: number, seq: number): void {
  const head = readHead(block);
  assert(head.record === record && head.piece === 0, 'the first block of a record names its entries');
  readItems(block, head).forEach((item, index) => {
    const from = itemAt(index) + 2;
    if (item.partition === partition && item.seq > seq) block[from] = (block[from] ?? 0) | flagCut;
  });
  setHead(block, head);
}

/** What blocks hold of entries, one after the other. */
function bytesOf(blocks: readonly Uint8Array[]): Uint8Array {
  const parts = blocks.map((block) => block.subarray(headBytes, headBytes + getUint16(block, 14)));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
