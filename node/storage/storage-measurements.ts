/**
 * What the storage threads count for people to look at, in memory that they share with the main thread: a
 * number costs them an addition, and nobody a message. Each number has one thread that writes it.
 */
import { batchBuckets, Distribution, latencyBuckets } from '../../core/distribution.js';

const totalNames = ['scrubRows', 'scrubRounds', 'scrubLastWallMs', 'scrubDamage'] as const;
type TotalName = (typeof totalNames)[number];

export class StorageMeasurements {
  /** Entries of one transaction of the log. */
  readonly commitEntries: Distribution;
  readonly commitSeconds: Distribution;
  readonly applySeconds: Distribution;
  private readonly totals: Float64Array;

  constructor(readonly memory = new SharedArrayBuffer(bytesInAll())) {
    let offset = 0;
    const place = (bounds: readonly number[]) => {
      const placed = new Distribution(bounds, memory, offset);
      offset += Distribution.bytesFor(bounds);
      return placed;
    };
    this.commitEntries = place(batchBuckets);
    this.commitSeconds = place(latencyBuckets);
    this.applySeconds = place(latencyBuckets);
    this.totals = new Float64Array(memory, offset, totalNames.length);
  }

  get(name: TotalName): number {
    return this.totals[totalNames.indexOf(name)] ?? 0;
  }

  set(name: TotalName, value: number): void {
    this.totals[totalNames.indexOf(name)] = value;
  }
}

function bytesInAll(): number {
  const distributions = [batchBuckets, latencyBuckets, latencyBuckets].map((bounds) =>
    Distribution.bytesFor(bounds),
  );
  return distributions.reduce(
    (sum, bytes) => sum + bytes,
    totalNames.length * Float64Array.BYTES_PER_ELEMENT,
  );
}
