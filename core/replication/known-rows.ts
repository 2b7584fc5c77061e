/**
 * What this worker's primaries know of keys without asking the table: versions of what was written lately,
 * and rows of what was read lately. Looking a key up costs more than all else that a primary does for a
 * write.
 *
 * It holds what the table shows or is about to show, never less: newer entries are found in a leader's
 * overlay first, and an entry that leaves the overlay, because the table shows it, replaces what is known
 * here. Each term of a leader begins with nothing known; what earlier terms knew is never found again and
 * goes with age.
 *
 * What was put here goes into the young half; when that is full, it becomes the old one, whose place it
 * takes. Taking the oldest key out of one map each time would search through all the places that were left
 * empty before it.
 */
import type { Row, Version } from '../protocol/operation.js';

/** Of a key that is absent both are null; of one whose value is not at hand the row alone is. */
export interface KnownRow {
  version: Version | null;
  row: Row | null;
}

/** What a key, and a row at hand, cost besides their own bytes, about. */
const bytesPerKey = 200;
const bytesPerRow = 300;
/** A text that was put together from characters may be held as such. */
const bytesPerTextCharacter = 32;
/** Larger values are read from the table each time: that costs little beside sending them. */
const valueBytesMax = 64 * 1024;
/** Of all that may be known, one value at most. */
const valueShareMax = 1 / 8;

export class KnownRows {
  private young = new Map<string, KnownRow>();
  private old: ReadonlyMap<string, KnownRow> = new Map();
  private youngBytes = 0;
  private terms = 0;

  constructor(private readonly bytesMax: number) {}

  /** For one leader: what it knows goes by this. */
  newTerm(): string {
    this.terms += 1;
    return String.fromCharCode(this.terms & 0xffff, Math.floor(this.terms / 0x10000) & 0xffff);
  }

  get(term: string, key: string): KnownRow | undefined {
    return this.find(term + key);
  }

  /** The table shows this now. `row` is asked for if the key is one that is read. */
  applied(term: string, key: string, version: Version | null, row: () => Row): void {
    const name = term + key;
    const isRead = (this.find(name)?.row ?? null) !== null;
    this.put(name, { version, row: isRead && version !== null ? row() : null });
  }

  /** The table has shown this, and the overlay has nothing newer. */
  read(term: string, key: string, row: Row | null): void {
    const name = term + key;
    const known = this.find(name);
    const isKnown = known?.row === row && (row !== null || known.version === null);
    if (isKnown) return;
    this.put(name, { version: row?.version ?? null, row });
  }

  private find(name: string): KnownRow | undefined {
    return this.young.get(name) ?? this.old.get(name);
  }

  /** The old half may know the same key: it is not asked, and ends before the young one does. */
  private put(name: string, { version, row }: KnownRow): void {
    const isSmall =
      row !== null && row.value.length <= Math.min(valueBytesMax, valueShareMax * this.bytesMax);
    const known = { version, row: isSmall ? row : null };
    const before = this.young.get(name);
    if (before !== undefined) this.youngBytes -= sizeOf(name, before);
    this.young.set(name, known);
    this.youngBytes += sizeOf(name, known);
    if (this.youngBytes <= this.bytesMax / 2) return;
    this.old = this.young;
    this.young = new Map();
    this.youngBytes = 0;
  }
}

function sizeOf(name: string, { row }: KnownRow): number {
  const keyBytes = bytesPerKey + name.length;
  if (row === null) return keyBytes;
  return keyBytes + bytesPerRow + row.value.length + bytesPerTextCharacter * row.contentType.length;
}
