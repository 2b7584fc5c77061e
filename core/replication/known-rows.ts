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

/** What one leader knows, by key. */
export interface Term {
  young: Map<string, KnownRow>;
  old: Map<string, KnownRow>;
}

export class KnownRows {
  /** Those with anything in their young half. */
  private readonly learning = new Set<Term>();
  /** Those with anything in their old half. */
  private ageing: Term[] = [];
  private youngBytes = 0;

  constructor(private readonly bytesMax: number) {}

  newTerm(): Term {
    return { young: new Map(), old: new Map() };
  }

  get({ young, old }: Term, key: string): KnownRow | undefined {
    return young.get(key) ?? old.get(key);
  }

  /** The table shows this now. `row` is asked for if the key is one that is read. */
  applied(term: Term, key: string, version: Version | null, row: () => Row): void {
    const isRead = (this.get(term, key)?.row ?? null) !== null;
    this.put(term, key, version, isRead && version !== null ? row() : null);
  }

  /** The table has shown this, and the overlay has nothing newer. */
  read(term: Term, key: string, row: Row | null): void {
    const known = this.get(term, key);
    const isKnown = known?.row === row && (row !== null || known.version === null);
    if (!isKnown) this.put(term, key, row?.version ?? null, row);
  }

  /** The old half may know the same key: it is not asked, and ends before the young one does. */
  private put(term: Term, key: string, version: Version | null, row: Row | null): void {
    const isSmall =
      row !== null && row.value.length <= Math.min(valueBytesMax, valueShareMax * this.bytesMax);
    const known = { version, row: isSmall ? row : null };
    const { young } = term;
    if (young.size === 0) this.learning.add(term);
    const before = young.get(key);
    if (before !== undefined) this.youngBytes -= sizeOf(key, before);
    young.set(key, known);
    this.youngBytes += sizeOf(key, known);
    if (this.youngBytes > this.bytesMax / 2) this.age();
  }

  private age(): void {
    for (const term of this.ageing) term.old = new Map();
    this.ageing = [...this.learning];
    this.learning.clear();
    for (const term of this.ageing) {
      term.old = term.young;
      term.young = new Map();
    }
    this.youngBytes = 0;
  }
}

function sizeOf(key: string, { row }: KnownRow): number {
  const keyBytes = bytesPerKey + key.length;
  if (row === null) return keyBytes;
  return keyBytes + bytesPerRow + row.value.length + bytesPerTextCharacter * row.contentType.length;
}
