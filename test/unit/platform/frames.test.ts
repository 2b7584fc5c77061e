/**
 * Whatever arrives on a stream is cut into the right frames or refused with a WireError; there is no third
 * outcome.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { u32, WireError } from '../../../core/protocol/wire.js';
import { peerFrameCodec, peerMessageCodec } from '../../../core/protocol/peer-message.js';
import { decode } from '../../../core/protocol/wire.js';
import { FrameParser, preamble } from '../../../platform/stream/frame-parser.js';
import { OutgoingFrames } from '../../../platform/stream/outgoing-frames.js';

const frameBytesMax = 100_000;

/** Cuts bytes at the given places. */
function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  const chunks = [...places, bytes.length].map((to) => {
    const chunk = bytes.subarray(from, to);
    from = to;
    return chunk;
  });
  return chunks;
}

/** Chunks come as they do from a socket: all in one buffer, each in the place of the one before. */
function parse(chunks: Uint8Array[]): Uint8Array[] {
  const parser = new FrameParser(frameBytesMax);
  const frames: Uint8Array[] = [];
  const shared = Buffer.alloc(Math.max(...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    shared.set(chunk);
    parser.push(shared.subarray(0, chunk.length), (payload) => frames.push(payload) > 0);
    shared.fill(0xee);
  }
  return frames;
}

/** What goes out, copied as a kernel does. */
function taken(outgoing: OutgoingFrames): Uint8Array {
  let copy = new Uint8Array(0);
  outgoing.take((bytes) => {
    copy = new Uint8Array(bytes);
    return true;
  });
  return copy;
}

function streamOf(payloads: readonly Uint8Array[]): Uint8Array {
  const outgoing = new OutgoingFrames();
  outgoing.raw(preamble('stream'));
  for (const payload of payloads) outgoing.frame(payload);
  return taken(outgoing);
}

const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('FrameParser', () => {
  it('gives back the frames however the bytes are cut', () => {
    fc.assert(
      fc.property(payloads, cuts, (sent, places) => {
        expect(parse(chunksOf(streamOf(sent), places))).toEqual(sent);
      }),
    );
  });

  it('gives frames memory of their own, which no other frame shares', () => {
    const bytes = streamOf([new Uint8Array(10).fill(7), new Uint8Array(10).fill(8)]);
    const [first, second] = parse([bytes]);
    bytes.fill(0);
    expect(first).toEqual(new Uint8Array(10).fill(7));
    first?.fill(9);
    expect(second).toEqual(new Uint8Array(10).fill(8));
  });

  it('gives frames or WireError for random and for mutated bytes', () => {
    let refused = 0;
    const attempt = (chunks: Uint8Array[]) => {
      try {
        for (const frame of parse(chunks)) decode(peerFrameCodec, frame);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        refused += 1;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), cuts, fc.boolean(), (noise, places, greet) => {
        const bytes = greet ? Uint8Array.of(...preamble('stream'), ...noise) : noise;
        attempt(chunksOf(bytes, places));
      }),
    );
    const outgoing = new OutgoingFrames();
    outgoing.raw(preamble('stream'));
    const entries = [new Uint8Array(50).fill(1), new Uint8Array(0)];
    const rest = {
      epoch: 3,
      previousSeq: 4,
      commitSeq: 4,
      allSeq: 1,
      round: 1,
      sentAt: 1.5,
      wantsLease: true,
    };
    for (let partition = 0; partition < 5; partition += 1) {
      outgoing.message(peerMessageCodec, { type: 'append', partition, entries, ...rest }, 1_000);
    }
    const valid = taken(outgoing);
    expect(parse([valid])).toHaveLength(1);
    const mutations = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(mutations, cuts, (changes, places) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        attempt(chunksOf(bytes, places));
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('refuses a length over the bound before any of it has come', () => {
    const parser = new FrameParser(1_000);
    const bytes = Uint8Array.of(...preamble('stream'), 0x7f, 0xff, 0xff, 0xff);
    expect(() => parser.push(bytes, () => true)).toThrow(/over 1000/);
  });

  it('refuses another format version and a stranger', () => {
    const other = preamble('stream');
    other[5] = 9;
    expect(() => parse([other])).toThrow(/format 9/);
    expect(() => parse([new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')])).toThrow(/not a kvorum stream/);
  });

  it('stops when the receiver has had enough', () => {
    const parser = new FrameParser(1_000);
    const seen: number[] = [];
    parser.push(streamOf([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]), (payload) => {
      seen.push(payload[0] ?? 0);
      return seen.length < 2;
    });
    expect(seen).toEqual([1, 2]);
  });
});

describe('OutgoingFrames', () => {
  it('puts the messages of a turn into one frame, and splits what is large', () => {
    const outgoing = new OutgoingFrames();
    outgoing.raw(preamble('stream'));
    for (let count = 0; count < 3; count += 1) outgoing.message(u32, count, 100);
    expect(parse([taken(outgoing)])).toHaveLength(1);
    outgoing.raw(preamble('stream'));
    for (let count = 0; count < 100_000; count += 1) outgoing.message(u32, count, 100);
    const frames = new FrameParser(1_000_000);
    let found = 0;
    frames.push(taken(outgoing), () => (found += 1) > 0);
    expect(found).toBe(2);
  });

  it('leaves bytes alone that are still to be written', () => {
    const outgoing = new OutgoingFrames();
    const held: Uint8Array[] = [];
    for (let count = 0; count < 3; count += 1) {
      outgoing.frame(new Uint8Array(20).fill(count));
      outgoing.take((bytes) => held.push(bytes) === 0);
    }
    expect(held.map((bytes) => bytes[10])).toEqual([0, 1, 2]);
  });

  it('leaves nothing of a message that cannot be encoded', () => {
    const outgoing = new OutgoingFrames();
    outgoing.raw(preamble('stream'));
    expect(() => outgoing.message(u32, -1, 100)).toThrow(WireError);
    outgoing.message(u32, 5, 100);
    expect(() => outgoing.message(u32, -1, 100)).toThrow(WireError);
    expect(() => outgoing.message(u32, 6, 2)).toThrow(/over 2/);
    const [frame] = parse([taken(outgoing)]);
    expect(frame).toEqual(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 5));
  });
});
