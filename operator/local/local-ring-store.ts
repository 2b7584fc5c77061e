/**
 * The ring document in a file. Compare-and-swap under a lock that all controllers on this file share; a new
 * state becomes true by an atomic rename and is durable before anyone is told of it.
 *
 *   lock ▶ read, compare the revision ▶ write beside, fsync ▶ rename ▶ fsync the folder ▶ unlock
 */
import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { formatRing, RingJsonError, ringOf } from '../../core/ring/ring-json.js';
import { crc32 } from '../../platform/crc32.js';
import { ProcessLock } from '../../platform/process-lock.js';
import { randomId } from '../../platform/random.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { LoadResult, Revision, RingStore, SwapResult } from '../ports.js';

const lockRetryMs = 10;

interface Stored {
  revision: Revision;
  record: RingRecord;
}

export class LocalRingStore implements RingStore {
  private readonly lockFile: string;
  /** Read again and again, and mostly as it was read or written last: nobody has to look at it anew then. */
  private parsed: { text: string; stored: Stored } | null = null;
  /** One after the other: calls of one process are never at the file together. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly file: string,
    /** How long to wait for another controller's swap. */
    private readonly lockWaitMs: number,
  ) {
    this.lockFile = `${file}.lock`;
  }

  load(done: (result: LoadResult) => void): void {
    const failed = (reason: string): LoadResult => ({ status: 'failed', reason });
    this.run(() => this.loadLocked(), failed, done);
  }

  swap(expected: Revision | null, record: RingRecord, done: (result: SwapResult) => void): void {
    const unknown = (reason: string): SwapResult => ({ status: 'unknown', reason });
    this.run(() => this.swapLocked(expected, record), unknown, done);
  }

  private run<T>(work: () => Promise<T>, failed: (reason: string) => T, done: (result: T) => void): void {
    const outcome = this.last.then(async () => {
      try {
        return await this.locked(work);
      } catch (error) {
        return failed(error instanceof Error ? error.message : String(error));
      }
    });
    this.last = outcome;
    // Outside the chain: what goes wrong in the receiver is not this store's to catch.
    void outcome.then((result) => setImmediate(done, result));
  }

  private async locked<T>(work: () => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + this.lockWaitMs;
    for (;;) {
      const lock = ProcessLock.tryAcquire(this.lockFile);
      if (lock !== null) {
        try {
          return await work();
        } finally {
          lock.release();
        }
      }
      if (performance.now() > giveUpAt) throw new Error('another controller holds the lock of the ring file');
      await new Promise((resolve) => setTimeout(resolve, lockRetryMs));
    }
  }

  private async loadLocked(): Promise<LoadResult> {
    const stored = await this.read();
    if (stored === null) return { status: 'absent' };
    // The one who renamed the file may have died before the folder was on disk; nobody may act on what could
    // vanish.
    await this.syncFolder();
    return { status: 'loaded', ...stored };
  }

  private async swapLocked(expected: Revision | null, record: RingRecord): Promise<SwapResult> {
    const stored = await this.read();
    if ((stored?.revision ?? null) !== expected) return { status: 'conflict' };
    const revision = `${record.version}-${randomId()}`;
    const text = formatStored(revision, record);
    const beside = `${this.file}.new`;
    const handle = await open(beside, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, this.file);
    await this.syncFolder();
    this.parsed = { text, stored: { revision, record } };
    return { status: 'swapped', revision };
  }

  /** Null if there is no file. Throws on any other trouble. */
  private async read(): Promise<Stored | null> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      if (this.parsed?.text !== text) this.parsed = { text, stored: parseStored(text) };
      return this.parsed.stored;
    } catch (error) {
      if (!(error instanceof RingJsonError)) throw error;
      throw new Error(`${this.file} is damaged: ${error.message}`, { cause: error });
    }
  }

  private async syncFolder(): Promise<void> {
    const folder = await open(path.dirname(this.file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

function formatStored(revision: Revision, record: RingRecord): string {
  const ring = formatRing(record);
  const head = `"revision": ${JSON.stringify(revision)}, "checksum": ${checksumOf(ring)}`;
  return `{ ${head}, "ring":\n${ring}\n}\n`;
}

/**
 * Of the content, whatever the layout: a person may look at the file through a formatter, a flipped bit
 * shows.
 */
function checksumOf(formatted: string): number {
  return crc32(new TextEncoder().encode(formatted));
}

/** Throws RingJsonError. */
function parseStored(text: string): Stored {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new RingJsonError('it is not JSON');
  }
  if (typeof document !== 'object' || document === null) throw new RingJsonError('it is not an object');
  const { revision, checksum, ring } = document as Record<string, unknown>;
  if (typeof revision !== 'string' || revision === '') throw new RingJsonError('it has no revision');
  const record = ringOf(ring);
  if (checksum !== checksumOf(formatRing(record))) throw new RingJsonError('its checksum differs');
  return { revision, record };
}
