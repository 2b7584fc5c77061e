/**
 * Where the entries of one partition stand in the log file: position in the partition -> record. Records grow
 * with the position, so each chunk keeps one base and 32-bit distances from it: 4 bytes an entry, instead of
 * an index in the file that every append would pay for. Nothing in here touches the file.
 */
import { assert } from '../../core/assert.js';

const chunkEntries = 512;
const distanceMax = 0xffff_fffe;
/** Stands for a position without a record. */
const hole = 0xffff_ffff;

interface Chunk {
  firstSeq: number;
  base: number;
  count: number;
  distances: Uint32Array;
}

export class EntryPlaces {
  private readonly chunks: Chunk[] = [];
  /** The last of them, which each append asks for. */
  private newest: Chunk | undefined;
  private last: number;

  /** Empty: the first entry comes right after `afterSeq`. */
  constructor(afterSeq: number) {
    this.last = afterSeq;
  }

  get lastSeq(): number {
    return this.last;
  }

  /** Adds the next position. */
  push(record: number): void {
    let chunk = this.newest;
    if (chunk?.count === chunkEntries || (chunk !== undefined && record - chunk.base > distanceMax)) {
      chunk = undefined;
    }
    if (chunk === undefined) {
      chunk = { firstSeq: this.last + 1, base: record, count: 0, distances: new Uint32Array(16) };
      this.add(chunk);
    }
    assert(record >= chunk.base, 'records grow');
    this.store(chunk, record - chunk.base);
  }

  /** Adds positions that have no record, up to `seq`. Happens only where an entry after a gap was let in. */
  skipTo(seq: number): void {
    while (this.last < seq) {
      const chunk = this.chunks.at(-1);
      if (chunk === undefined || chunk.count === chunkEntries) {
        const base = chunk === undefined ? 0 : chunk.base;
        this.add({ firstSeq: this.last + 1, base, count: 0, distances: new Uint32Array(16) });
      } else {
        this.store(chunk, hole);
      }
    }
  }

  private add(chunk: Chunk): void {
    this.chunks.push(chunk);
    this.newest = chunk;
  }

  private store(chunk: Chunk, distance: number): void {
    if (chunk.count === chunk.distances.length) {
      const wider = new Uint32Array(Math.min(chunkEntries, chunk.count * 4));
      wider.set(chunk.distances);
      chunk.distances = wider;
    }
    chunk.distances[chunk.count] = distance;
    chunk.count += 1;
    this.last += 1;
  }

  /** Records of up to `countMax` positions from `fromSeq` on; ends before a position without a record. */
  from(fromSeq: number, countMax: number): number[] {
    const found: number[] = [];
    let at = this.chunkOf(fromSeq);
    let seq = fromSeq;
    while (found.length < countMax && seq <= this.last) {
      const chunk = this.chunks[at];
      if (chunk === undefined || seq < chunk.firstSeq) break;
      const end = Math.min(chunk.count, seq - chunk.firstSeq + countMax - found.length);
      for (let index = seq - chunk.firstSeq; index < end; index += 1) {
        const distance = chunk.distances[index] ?? hole;
        if (distance === hole) return found;
        found.push(chunk.base + distance);
      }
      seq = chunk.firstSeq + end;
      at += 1;
    }
    return found;
  }

  /** Forgets all positions after `seq`; answers the records they were in, in order. */
  cutAfter(seq: number): number[] {
    const removed: number[] = [];
    while (this.last > seq) {
      const chunk = this.chunks.at(-1);
      if (chunk === undefined) break;
      while (chunk.count > 0 && this.last > seq) {
        chunk.count -= 1;
        this.last -= 1;
        const distance = chunk.distances[chunk.count] ?? hole;
        if (distance !== hole) removed.push(chunk.base + distance);
      }
      if (chunk.count > 0) break;
      this.chunks.pop();
      this.newest = this.chunks.at(-1);
    }
    this.last = Math.min(this.last, seq);
    return removed.reverse();
  }

  /** Forgets all positions up to `seq`; answers the records they were in, in order. */
  forgetThrough(seq: number): number[] {
    const removed: number[] = [];
    for (;;) {
      const chunk = this.chunks[0];
      if (chunk === undefined || chunk.firstSeq > seq) return removed;
      const gone = Math.min(chunk.count, seq - chunk.firstSeq + 1);
      for (let index = 0; index < gone; index += 1) {
        const distance = chunk.distances[index] ?? hole;
        if (distance !== hole) removed.push(chunk.base + distance);
      }
      if (gone < chunk.count) {
        chunk.distances = chunk.distances.slice(gone);
        chunk.firstSeq += gone;
        chunk.count -= gone;
        return removed;
      }
      this.chunks.shift();
      this.newest = this.chunks.at(-1);
    }
  }

  private chunkOf(seq: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.chunks[middle]?.firstSeq ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
