import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Entry } from '../../core/protocol/entry.js';
import {
  BlockBuilder,
  blockBytes,
  cutItems,
  entryBytes,
  headBytes,
  isLarge,
  itemBytes,
  readHead,
  readItems,
  RunBuilder,
} from '../../node/storage/log-block.js';
import { entry, sized } from './entries.js';

interface Found {
  partition: number;
  epoch: number;
  seq: number;
  /** In base 64: quick to compare. */
  bytes: string;
}

/** What a record says, as whoever reads it finds it: with no more than the pieces of each entry. */
function found(blocks: readonly Uint8Array[]): Found[] {
  const [first = new Uint8Array(0)] = blocks;
  const head = readHead(first);
  return readItems(first, head).map((item) => {
    const bytes = entryBytes(head, item, (piece) => blocks[piece] ?? null);
    if (bytes === null) throw new Error(`a piece beyond the last was asked for, of entry ${item.seq}`);
    const { partition, epoch, seq } = item;
    return { partition, epoch, seq, bytes: Buffer.from(bytes).toString('base64') };
  });
}

function asFound(partition: number, { epoch, seq, bytes }: Entry): Found {
  return { partition, epoch, seq, bytes: Buffer.from(bytes).toString('base64') };
}

const recordNumber = fc.integer({ min: 1, max: 2 ** 53 - 1 });

describe('a block of the log', () => {
  it('gives back what went in, whatever the sizes', () => {
    const sizes = fc.array(fc.integer({ min: 100, max: 2_500 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sizes, recordNumber, (lengths, record) => {
        const builder = new BlockBuilder();
        const taken: Found[] = [];
        lengths.forEach((length, index) => {
          const one = sized(index + 1, length);
          if (!builder.fits(one)) return;
          builder.add(index, one);
          taken.push(asFound(index, one));
        });
        const block = builder.seal(record);
        expect(readHead(block)).toMatchObject({ record, piece: 0, pieces: 1 });
        expect(found([block])).toEqual(taken);
      }),
      { numRuns: 200 },
    );
  });

  it('holds an entry that just fits', () => {
    const most = blockBytes - headBytes - itemBytes;
    expect(new BlockBuilder().fits(sized(1, most))).toBe(true);
    expect(new BlockBuilder().fits(sized(1, most + 1))).toBe(false);
  });

  it('tells of every changed bit in its head and its items', () => {
    const builder = new BlockBuilder();
    builder.add(1, entry(5, 1));
    builder.add(2, entry(5, 2));
    const sound = builder.seal(7).slice();
    for (let at = 0; at < blockBytes; at += 1) {
      if (at >= headBytes && at < blockBytes - 2 * itemBytes) continue;
      const block = sound.slice();
      block[at] = (block[at] ?? 0) ^ 0x10;
      expect(() => readHead(block)).toThrow('damaged');
    }
    expect(() => readHead(new Uint8Array(blockBytes))).toThrow('damaged');
    expect(() => readHead(sound.subarray(1))).toThrow('damaged');
  });

  it('marks what was cut, of one partition alone', () => {
    const builder = new BlockBuilder();
    for (let seq = 1; seq <= 3; seq += 1)
      for (const partition of [1, 2]) builder.add(partition, entry(5, seq));
    const block = builder.seal(7);
    cutItems(block, 7, 1, 1);
    const head = readHead(block);
    const cut = readItems(block, head).filter(({ isCut }) => isCut);
    expect(cut.map(({ partition, seq }) => [partition, seq])).toEqual([
      [1, 2],
      [1, 3],
    ]);
  });
});

describe('a run of blocks', () => {
  it('gives back what went in, whatever the sizes, and wastes no block', () => {
    const size = fc.oneof(
      fc.integer({ min: 70, max: 700 }),
      fc.integer({ min: 2_000, max: 9_000 }),
      // Entries that end where a block does, or just beyond.
      fc.constantFrom(
        blockBytes - headBytes - itemBytes,
        blockBytes - headBytes,
        2 * (blockBytes - headBytes),
      ),
      fc.constant(70_000),
    );
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 20 }), recordNumber, (lengths, record) => {
        const builder = new RunBuilder();
        let taken: Found[] = [];
        let bytes = 0;
        const check = () => {
          const blocks = builder.seal(record);
          expect(blocks.every((block) => block.length === blockBytes)).toBe(true);
          blocks.forEach((block, piece) => {
            const items = piece === 0 ? taken.length : 0;
            expect(readHead(block)).toMatchObject({ record, piece, pieces: blocks.length, items });
          });
          expect(found(blocks)).toEqual(taken);
          const needed = (bytes + taken.length * itemBytes) / (blockBytes - headBytes);
          expect(blocks).toHaveLength(Math.ceil(needed));
          expect(taken.length === 1 || blocks.length <= 8).toBe(true);
          taken = [];
          bytes = 0;
        };
        lengths.forEach((length, index) => {
          const one = sized(index + 1, length);
          if (!builder.fits(one)) check();
          builder.add(index, one);
          taken.push(asFound(index, one));
          bytes += one.bytes.length;
        });
        check();
      }),
      { numRuns: 200 },
    );
  });

  it('is for entries of which no two share a block', () => {
    const half = (blockBytes - headBytes) / 2 - itemBytes;
    const builder = new BlockBuilder();
    builder.add(1, sized(1, half));
    expect([isLarge(sized(2, half)), builder.fits(sized(2, half))]).toEqual([false, true]);
    expect(isLarge(sized(1, half + 1))).toBe(true);
  });

  it('fills eight blocks, items and all, and no ninth', () => {
    const room = 8 * (blockBytes - headBytes) - 2 * itemBytes;
    const builder = new RunBuilder();
    builder.add(1, sized(1, room - 3_000));
    expect(builder.fits(sized(2, 3_001))).toBe(false);
    expect(builder.fits(sized(2, 3_000))).toBe(true);
    builder.add(1, sized(2, 3_000));
    const blocks = builder.seal(3);
    expect(blocks).toHaveLength(8);
    expect(found(blocks)).toHaveLength(2);
  });

  it('has no more entries than its first block has room for', () => {
    const builder = new RunBuilder();
    let count = 0;
    for (; builder.fits(sized(count + 1, 80)); count += 1) builder.add(1, sized(count + 1, 80));
    expect(count).toBe(96);
    expect(found(builder.seal(3))).toHaveLength(96);
    expect(builder.fits(sized(1, 80))).toBe(true);
  });
});
