/**
 * Bodies while they arrive: of a known length, or in chunks (RFC 9112 section 7.1). Both gather their bytes
 * in one buffer that grows with what has really come, never with what was announced, so that a lie about the
 * length costs nothing.
 */
import { KvorumError } from '../../../core/errors.js';
import { cutCopy } from '../../../core/protocol/slab.js';

/** What was gathered may not go beyond this; throws when it would. */
export interface BodyBudget {
  /** Throws `overloaded` if all bodies together would hold more than they may. */
  take(bytes: number): void;
}

export interface Body {
  /** Takes what belongs to the body; answers how many of the bytes that was. Throws `KvorumError`. */
  push(bytes: Buffer): number;
  readonly isWhole: boolean;
  /** Once it is whole. */
  value(): Uint8Array;
}

const capacityFirst = 16 * 1024;

class GatheredBytes {
  private bytes = new Uint8Array(0);
  length = 0;

  constructor(private readonly budget: BodyBudget) {}

  /** `lengthMax`: more than this will never come. */
  push(part: Buffer, lengthMax: number): void {
    const needed = this.length + part.length;
    if (needed > this.bytes.length) this.grow(needed, lengthMax);
    this.bytes.set(part, this.length);
    this.length = needed;
  }

  take(): Uint8Array {
    return this.length === this.bytes.length ? this.bytes : this.bytes.slice(0, this.length);
  }

  private grow(needed: number, lengthMax: number): void {
    const doubled = Math.max(needed, capacityFirst, 2 * this.bytes.length);
    const capacity = Math.max(needed, Math.min(doubled, lengthMax));
    this.budget.take(capacity - this.bytes.length);
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** A body that has arrived whole, with the head before it: as small ones do. Null if it has not. */
export function wholeBody(contentLength: number, unread: Buffer): Uint8Array | null {
  return unread.length < contentLength ? null : cutCopy(unread.subarray(0, contentLength));
}

export class SizedBody implements Body {
  private readonly gathered: GatheredBytes;

  constructor(
    private readonly contentLength: number,
    budget: BodyBudget,
  ) {
    this.gathered = new GatheredBytes(budget);
  }

  get isWhole(): boolean {
    return this.gathered.length === this.contentLength;
  }

  push(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.contentLength - this.gathered.length);
    this.gathered.push(bytes.subarray(0, taken), this.contentLength);
    return taken;
  }

  value(): Uint8Array {
    return this.gathered.take();
  }
}

/** Size and extensions; trailer fields. They carry nothing that is used here. */
const lineBytesMax = 256;
const trailerLinesMax = 32;
const chunkSize = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
const trailerField = /^[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*$/;

/**
 *   size --> data --> endOfData --> size ... --> trailer --> whole
 */
export class ChunkedBody implements Body {
  private readonly gathered: GatheredBytes;
  private stage: 'size' | 'data' | 'endOfData' | 'trailer' | 'whole' = 'size';
  /** Of a line that has not ended yet. */
  private line = '';
  private chunkBytesLeft = 0;
  private trailerLines = 0;

  constructor(
    private readonly lengthMax: number,
    budget: BodyBudget,
    private readonly tooLarge: () => KvorumError,
  ) {
    this.gathered = new GatheredBytes(budget);
  }

  get isWhole(): boolean {
    return this.stage === 'whole';
  }

  push(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && this.stage !== 'whole') {
      if (this.stage === 'data') at += this.pushData(bytes.subarray(at));
      else at += this.pushLine(bytes, at);
    }
    return at;
  }

  value(): Uint8Array {
    return this.gathered.take();
  }

  private pushData(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.chunkBytesLeft);
    this.gathered.push(bytes.subarray(0, taken), this.lengthMax);
    this.chunkBytesLeft -= taken;
    if (this.chunkBytesLeft === 0) this.stage = 'endOfData';
    return taken;
  }

  private pushLine(bytes: Buffer, from: number): number {
    const newline = bytes.indexOf(0x0a, from);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (this.line.length + end - from > lineBytesMax) throw malformed('a line in it is too long');
    this.line += bytes.toString('latin1', from, end);
    if (newline >= 0) {
      if (!this.line.endsWith('\r\n')) throw malformed('a line in it does not end in CRLF');
      const line = this.line.slice(0, -2);
      this.line = '';
      this.endLine(line);
    }
    return end - from;
  }

  private endLine(line: string): void {
    if (this.stage === 'endOfData') {
      if (line !== '') throw malformed('a chunk is longer than it says');
      this.stage = 'size';
    } else if (this.stage === 'size') {
      const match = chunkSize.exec(line);
      if (match === null) throw malformed('a chunk has no proper size');
      this.chunkBytesLeft = Number.parseInt(match[1] ?? '', 16);
      if (this.gathered.length + this.chunkBytesLeft > this.lengthMax) throw this.tooLarge();
      this.stage = this.chunkBytesLeft === 0 ? 'trailer' : 'data';
    } else if (line === '') {
      this.stage = 'whole';
    } else {
      this.trailerLines += 1;
      if (this.trailerLines > trailerLinesMax || !trailerField.test(line))
        throw malformed('its trailer is malformed or too long');
    }
  }
}

function malformed(why: string): KvorumError {
  return new KvorumError('malformed-request', `The chunked body is malformed: ${why}.`);
}
