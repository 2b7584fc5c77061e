/**
 * Counts of observed values in buckets, for a histogram that is read now and then and recorded into many
 * thousand times a second: one search and two additions, no allocation. It may lie in memory that threads
 * share; then one thread records and another reads.
 */

/** From less than the fastest write that was measured to the deadline of a request; seconds. */
export const latencyBuckets: readonly number[] = [
  0.0002, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1,
  2, 5, 10,
];
/** For what takes longer than a request: copies, failovers, repairs; seconds. */
export const durationBuckets: readonly number[] = [
  0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 20, 30, 60, 120, 300, 600,
];
/** Things that were done together. */
export const batchBuckets: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];

export class Distribution {
  /** Of each bucket, then of what is above the last bound, then the sum of all values. */
  private readonly cells: Float64Array;
  private readonly above: number;

  /** `memory`: what {@link Distribution.bytesFor} says, all 0 at first. */
  constructor(
    readonly bounds: readonly number[],
    memory: ArrayBufferLike = new ArrayBuffer(Distribution.bytesFor(bounds)),
    offset = 0,
  ) {
    this.above = bounds.length;
    this.cells = new Float64Array(memory, offset, bounds.length + 2);
  }

  static bytesFor(bounds: readonly number[]): number {
    return (bounds.length + 2) * Float64Array.BYTES_PER_ELEMENT;
  }

  /** `times` observations of the same value. */
  record(value: number, times = 1): void {
    const { bounds, cells, above } = this;
    let index = 0;
    while (index < above && value > (bounds[index] ?? Infinity)) index += 1;
    cells[index] = (cells[index] ?? 0) + times;
    cells[above + 1] = (cells[above + 1] ?? 0) + value * times;
  }

  get sum(): number {
    return this.cells[this.above + 1] ?? 0;
  }

  get count(): number {
    let count = 0;
    for (let index = 0; index <= this.above; index += 1) count += this.cells[index] ?? 0;
    return count;
  }

  /** How many were at most each bound, and at last how many there were. */
  cumulative(): number[] {
    const counts: number[] = [];
    let count = 0;
    for (let index = 0; index <= this.above; index += 1) {
      count += this.cells[index] ?? 0;
      counts.push(count);
    }
    return counts;
  }
}
