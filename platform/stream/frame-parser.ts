/**
 * Cuts the bytes of a TCP stream into frames.
 *
 *   preamble: 'KVRM' | format version u16 | purpose u16        once, in each direction
 *   frame:    length u32 | payload                             a frame of length 0 says only that the sender
 *   is alive
 *
 * Each payload is a copy that nobody writes to, and so is what is kept of a chunk that ends within a frame:
 * chunks come in a buffer that is used again. Nothing is allocated for a length that is claimed, only for
 * bytes that came.
 */
import { getUint32 } from '../../core/protocol/big-endian.js';
import { cut, cutCopy } from '../../core/protocol/slab.js';
import { WireError } from '../../core/protocol/wire.js';

export const streamFormatVersion = 1;
export const purposes = { stream: 1, probe: 2 } as const;
export type Purpose = keyof typeof purposes;

const magic = [0x4b, 0x56, 0x52, 0x4d] as const;
const preambleBytes = 8;
const lengthBytes = 4;

export function preamble(purpose: Purpose): Uint8Array {
  return Uint8Array.of(...magic, 0, streamFormatVersion, 0, purposes[purpose]);
}

export class FrameParser {
  /** Of the other side; null until its preamble is complete. */
  purpose: Purpose | null = null;
  private readonly chunks: Uint8Array[] = [];
  private buffered = 0;
  /** Consumed bytes of the first chunk. */
  private consumed = 0;
  /** Of the frame whose length was read; -1 between frames. */
  private payloadBytes = -1;
  private readonly head = new Uint8Array(preambleBytes);

  /** `frameBytesMax` may be raised later: before a handshake, hardly anything is accepted. */
  constructor(public frameBytesMax: number) {}

  /**
   * Gives each frame that is complete to `onFrame`, until it returns false. Throws WireError; the stream is
   * over then.
   */
  push(chunk: Uint8Array, onFrame: (payload: Uint8Array) => boolean): void {
    const from = this.isBetweenFrames ? this.takeFromChunk(chunk, onFrame) : 0;
    if (from === chunk.length) return;
    this.chunks.push(from === 0 ? chunk : chunk.subarray(from));
    this.buffered += chunk.length - from;
    this.takeFrames(onFrame);
    this.keepRest();
  }

  private get isBetweenFrames(): boolean {
    return this.purpose !== null && this.buffered === 0 && this.payloadBytes < 0;
  }

  /** The frames that lie in one chunk, as nearly all do; answers where what is left of it begins. */
  private takeFromChunk(chunk: Uint8Array, onFrame: (payload: Uint8Array) => boolean): number {
    let at = 0;
    while (chunk.length - at >= lengthBytes) {
      const length = this.checked(getUint32(chunk, at));
      const end = at + lengthBytes + length;
      if (end > chunk.length) break;
      const isGoingOn = onFrame(cutCopy(chunk.subarray(at + lengthBytes, end)));
      at = end;
      if (!isGoingOn) return chunk.length;
    }
    return at;
  }

  private takeFrames(onFrame: (payload: Uint8Array) => boolean): void {
    if (this.purpose === null) {
      if (this.buffered < preambleBytes) return;
      this.purpose = this.readPreamble();
    }
    for (;;) {
      if (this.payloadBytes < 0) {
        if (this.buffered < lengthBytes) return;
        this.payloadBytes = this.readLength();
      }
      if (this.buffered < this.payloadBytes) return;
      const payload = cut(this.payloadBytes);
      this.consumeInto(payload, payload.length);
      this.payloadBytes = -1;
      if (!onFrame(payload)) return;
    }
  }

  /** The rest of the newest chunk, of which its owner will make use again. */
  private keepRest(): void {
    const last = this.chunks.length - 1;
    const rest = this.chunks[last];
    if (rest === undefined) return;
    const from = last === 0 ? this.consumed : 0;
    this.chunks[last] = cutCopy(rest.subarray(from));
    if (last === 0) this.consumed = 0;
  }

  private readPreamble(): Purpose {
    this.consumeInto(this.head, preambleBytes);
    const view = new DataView(this.head.buffer);
    if (magic.some((byte, index) => this.head[index] !== byte)) throw new WireError('not a kvorum stream');
    const version = view.getUint16(4);
    if (version !== streamFormatVersion) throw new WireError(`stream format ${version} is not known`);
    const code = view.getUint16(6);
    if (code === purposes.stream) return 'stream';
    if (code === purposes.probe) return 'probe';
    throw new WireError(`stream purpose ${code} is not known`);
  }

  private readLength(): number {
    this.consumeInto(this.head, lengthBytes);
    return this.checked(getUint32(this.head, 0));
  }

  private checked(length: number): number {
    if (length > this.frameBytesMax) {
      throw new WireError(`a frame of ${length} bytes is over ${this.frameBytesMax}`);
    }
    return length;
  }

  /** Moves `count` bytes, which are there, to `target`. */
  private consumeInto(target: Uint8Array, count: number): void {
    let done = 0;
    let finished = 0;
    while (done < count) {
      const chunk = this.chunks[finished];
      if (chunk === undefined) break;
      const taken = Math.min(count - done, chunk.length - this.consumed);
      target.set(chunk.subarray(this.consumed, this.consumed + taken), done);
      done += taken;
      this.consumed += taken;
      if (this.consumed === chunk.length) {
        finished += 1;
        this.consumed = 0;
      }
    }
    if (finished > 0) this.chunks.splice(0, finished);
    this.buffered -= count;
  }
}
