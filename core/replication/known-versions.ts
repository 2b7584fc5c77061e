/**
 * Versions of keys in two halves of plain memory, without an object for any of them: a primary remembers
 * hundreds of thousands, and the garbage collector sees a few arrays.
 *
 * What is put goes into the young half; when that is full, the old one is forgotten as a whole and becomes
 * the young one. A half is records in the order they came in, and an index of buckets of eight places, found
 * by the hash of the key. A bucket that is full forgets one of its records: so a key is in one half at most,
 * or what was forgotten in the young one would be found in the old as it was before.
 *
 *     record   length of the key u16 | epoch f64 | seq f64 (0: the key is absent) | key
 *
 * Terms of leaders are kept apart by the hash alone: of one key each term has another.
 */
import type { Version } from '../protocol/operation.js';

const epochAt = 2;
const seqAt = 10;
const headBytes = 18;
const bucketPlaces = 8;
/** A place in the index: the hash, and where the record begins, counted from 1; 0 if there is none. */
const placeWords = 2;
/** Memory for each bucket, index included: with keys of 24 bytes half of its places are taken. */
const bytesPerBucket = 256;

export class KnownVersions {
  private young: Half;
  private old: Half;

  constructor(bytesMax: number) {
    const buckets = Math.max(1, Math.floor(bytesMax / 2 / bytesPerBucket));
    this.young = new Half(buckets);
    this.old = new Half(buckets);
  }

  /** Null for a key that is absent; undefined if nothing is known of it. */
  get(term: number, key: string): Version | null | undefined {
    const hash = hashOf(term, key);
    const found = this.young.get(hash, key);
    return found === undefined ? this.old.get(hash, key) : found;
  }

  put(term: number, key: string, version: Version | null): void {
    const hash = hashOf(term, key);
    if (this.young.replace(hash, key, version)) return;
    this.old.forget(hash, key);
    if (this.young.add(hash, key, version)) return;
    [this.young, this.old] = [this.old, this.young];
    this.young.clear();
    this.young.add(hash, key, version);
  }
}

class Half {
  private readonly index: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly numbers: DataView;
  private end = 0;

  constructor(private readonly buckets: number) {
    this.index = new Int32Array(buckets * bucketPlaces * placeWords);
    this.bytes = new Uint8Array(buckets * bytesPerBucket - this.index.byteLength);
    this.numbers = new DataView(this.bytes.buffer);
  }

  get(hash: number, key: string): Version | null | undefined {
    const at = this.recordAt(this.placeOf(hash, key));
    if (at < 0) return undefined;
    const seq = this.numbers.getFloat64(at + seqAt);
    return seq === 0 ? null : { epoch: this.numbers.getFloat64(at + epochAt), seq };
  }

  /** False if it does not know the key. */
  replace(hash: number, key: string, version: Version | null): boolean {
    const at = this.recordAt(this.placeOf(hash, key));
    if (at < 0) return false;
    this.setVersion(at, version);
    return true;
  }

  forget(hash: number, key: string): void {
    const place = this.placeOf(hash, key);
    if (place >= 0) this.index[place + 1] = 0;
  }

  /** A key that it does not know. False if there is no room: a key longer than all of it stays unknown. */
  add(hash: number, key: string, version: Version | null): boolean {
    const at = this.end;
    if (at + headBytes + key.length > this.bytes.length) return false;
    this.numbers.setUint16(at, key.length);
    this.setVersion(at, version);
    const { bytes } = this;
    for (let i = 0, to = at + headBytes; i < key.length; i += 1, to += 1) bytes[to] = key.charCodeAt(i);
    this.end += headBytes + key.length;
    const place = this.freePlace(hash);
    this.index[place] = hash;
    this.index[place + 1] = at + 1;
    return true;
  }

  clear(): void {
    this.index.fill(0);
    this.end = 0;
  }

  private setVersion(at: number, version: Version | null): void {
    this.numbers.setFloat64(at + epochAt, version?.epoch ?? 0);
    this.numbers.setFloat64(at + seqAt, version?.seq ?? 0);
  }

  private recordAt(place: number): number {
    return place < 0 ? -1 : (this.index[place + 1] ?? 0) - 1;
  }

  private placeOf(hash: number, key: string): number {
    const { index } = this;
    const from = this.bucketOf(hash);
    for (let place = from; place < from + bucketPlaces * placeWords; place += placeWords) {
      if (index[place] === hash && this.isRecordOf(this.recordAt(place), key)) return place;
    }
    return -1;
  }

  private isRecordOf(at: number, key: string): boolean {
    const { bytes, numbers } = this;
    if (at < 0 || numbers.getUint16(at) !== key.length) return false;
    for (let i = 0, from = at + headBytes; i < key.length; i += 1, from += 1) {
      if (bytes[from] !== key.charCodeAt(i)) return false;
    }
    return true;
  }

  /** In a bucket that is full, the place of one that the hash chooses. */
  private freePlace(hash: number): number {
    const from = this.bucketOf(hash);
    for (let place = from; place < from + bucketPlaces * placeWords; place += placeWords) {
      if (this.index[place + 1] === 0) return place;
    }
    return from + (hash & (bucketPlaces - 1)) * placeWords;
  }

  private bucketOf(hash: number): number {
    return ((hash >>> 3) % this.buckets) * bucketPlaces * placeWords;
  }
}

/**
 * Every step can be undone, hence two terms never share the hash of a key. Whoever chooses keys that meet in
 * one bucket makes it forget some of them, no more.
 */
function hashOf(term: number, key: string): number {
  let hash = Math.imul(term, 0x85ebca6b);
  for (let i = 0; i < key.length; i += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash | 0;
}
