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
 * Rows that were put here go into the young half; when that is full, it becomes the old one, whose place it
 * takes. Taking the oldest key out of one map each time would search through all the places that were left
 * empty before it. Versions, of which there are many more, lie in plain memory ({@link KnownVersions}).
 */
import type { Row, Version } from '../protocol/operation.js';
import { KnownVersions } from './known-versions.js';

/** Of a key that is absent both are null; of one whose value is not at hand the row alone is. */
export interface KnownRow {
  version: Version | null;
  row: Row | null;
}

/** What a row costs besides its own bytes, about. */
const bytesPerRow = 500;
/** A text that was put together from characters may be held as such. */
const bytesPerTextCharacter = 32;
/** Larger values are read from the table each time: that costs little beside sending them. */
const valueBytesMax = 64 * 1024;
/** Of all rows that may be known, one value at most. */
const valueShareMax = 1 / 4;

/** What one leader knows, by key. */
export interface Term {
  /** Unlike that of any other. */
  number: number;
  young: Map<string, HeldRow>;
  old: Map<string, HeldRow>;
}

interface HeldRow {
  version: Version;
  row: Row;
}

export class KnownRows {
  private readonly versions: KnownVersions;
  private readonly rowBytesMax: number;
  /** Those with anything in their young half. */
  private readonly learning = new Set<Term>();
  /** Those with anything in their old half. */
  private ageing: Term[] = [];
  private youngBytes = 0;
  private terms = 0;

  /** Rows and versions may take half of it each. */
  constructor(bytesMax: number) {
    this.rowBytesMax = bytesMax / 2;
    this.versions = new KnownVersions(bytesMax / 2);
  }

  newTerm(): Term {
    this.terms += 1;
    return { number: this.terms, young: new Map(), old: new Map() };
  }

  get(term: Term, key: string): KnownRow | undefined {
    const known = rowIn(term, key);
    if (known !== undefined) return known;
    const version = this.versions.get(term.number, key);
    return version === undefined ? undefined : { version, row: null };
  }

  /** The table shows this now. `row` is asked for if the key is one that is read. */
  applied(term: Term, key: string, version: Version | null, row: () => Row): void {
    // Also beside a row: the version must not be older when the row is forgotten.
    this.versions.put(term.number, key, version);
    if (rowIn(term, key) !== undefined) this.putRow(term, key, version === null ? null : row());
  }

  /** The table has shown this, and the overlay has nothing newer. */
  read(term: Term, key: string, row: Row | null): void {
    if (row !== null && rowIn(term, key)?.row === row) return;
    if (!this.putRow(term, key, row)) this.versions.put(term.number, key, row?.version ?? null);
  }

  /** False if there is none, or too large a one: then no row of this key is known any more. */
  private putRow(term: Term, key: string, row: Row | null): boolean {
    const { young, old } = term;
    const before = young.get(key);
    if (before !== undefined) this.youngBytes -= sizeOf(key, before.row);
    if (row === null || row.value.length > Math.min(valueBytesMax, valueShareMax * this.rowBytesMax)) {
      young.delete(key);
      old.delete(key);
      return false;
    }
    if (young.size === 0) this.learning.add(term);
    young.set(key, { version: row.version, row });
    this.youngBytes += sizeOf(key, row);
    if (this.youngBytes > this.rowBytesMax / 2) this.age();
    return true;
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

function rowIn({ young, old }: Term, key: string): HeldRow | undefined {
  return young.get(key) ?? old.get(key);
}

function sizeOf(key: string, { contentType, value }: Row): number {
  return bytesPerRow + key.length + bytesPerTextCharacter * contentType.length + value.length;
}
