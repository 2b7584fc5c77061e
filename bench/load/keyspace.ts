/**
 * The keys of a workload, who writes which, and what was acknowledged last for each: so that a sample can be
 * read back and compared. Every key is written by one client only, hence its last value is known.
 */
import type { Connection } from '../wire/connection.js';

const keyBytes = 24;
/** Sent and not acknowledged: either value may be there. */
const unknown = 0xffffffff;

export class Keyspace {
  private readonly stamps: Uint32Array;
  private readonly filling: Buffer;
  private nextStamp = 1;
  private readonly stride: number;

  constructor(
    readonly keys: number,
    readonly valueBytes: number,
  ) {
    this.stamps = new Uint32Array(keys);
    this.stride = strideOver(keys);
    this.filling = Buffer.alloc(valueBytes);
    for (let at = 0; at < valueBytes; at += 1) this.filling[at] = Math.floor(Math.random() * 256);
  }

  key(index: number): string {
    const prefix = `${this.valueBytes}/`;
    return prefix + String(index).padStart(keyBytes - prefix.length, '0');
  }

  /** One that this client alone writes. */
  randomOwnKey(client: number, clients: number): number {
    const own = Math.ceil((this.keys - client) / clients);
    return Math.floor(Math.random() * own) * clients + client;
  }

  randomKey(): number {
    return Math.floor(Math.random() * this.keys);
  }

  /** All of them, each once, for places from 0 on. */
  scattered(place: number): number {
    return (place * this.stride) % this.keys;
  }

  /** To be filled by `write`; each client needs one of its own. */
  newValue(): Buffer {
    return Buffer.from(this.filling);
  }

  async write(connection: Connection, index: number, value: Buffer): Promise<void> {
    const stamp = this.nextStamp;
    this.nextStamp += 1;
    this.stamps[index] = unknown;
    stampValue(value, index, stamp);
    await connection.put(this.key(index), value);
    this.stamps[index] = stamp;
  }

  /**
   * Reads up to `size` keys that were written and compares them byte for byte; nobody may be writing.
   * Returns how many were compared; throws on the first that differs.
   */
  async checkSample(connection: Connection, size: number): Promise<number> {
    let compared = 0;
    const step = Math.max(1, Math.floor(this.keys / size));
    for (let at = 0; at < this.keys && compared < size; at += step) {
      const stamp = this.stamps[at] ?? 0;
      if (stamp === 0 || stamp === unknown) continue;
      const wanted = this.newValue();
      stampValue(wanted, at, stamp);
      const found = await connection.get(this.key(at));
      if (found === null || !wanted.equals(found)) {
        throw new Error(
          `${this.key(at)} was acknowledged and is ${found === null ? 'absent' : 'another value'}`,
        );
      }
      compared += 1;
    }
    return compared;
  }
}

/** Near the golden ratio of them, and without a common divisor, so that steps of it meet all. */
function strideOver(keys: number): number {
  const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
  let stride = Math.max(1, Math.round(keys * 0.618));
  while (commonDivisor(stride, keys) !== 1) stride += 1;
  return stride;
}

function stampValue(value: Buffer, index: number, stamp: number): void {
  value.writeUInt32LE(index, 0);
  value.writeUInt32LE(stamp, 4);
}
