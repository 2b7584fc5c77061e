/** Latencies in buckets one percent apart: bounded memory, however long the run, and cheap to add to. */
const perBucket = Math.log(1.01);
/** Up to more than a minute. */
const buckets = 1_820;

export class LatencyHistogram {
  private readonly counts = new Uint32Array(buckets);
  private total = 0;

  get count(): number {
    return this.total;
  }

  add(millis: number): void {
    const micros = Math.max(1, millis * 1_000);
    const bucket = Math.min(buckets - 1, Math.round(Math.log(micros) / perBucket));
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
  }

  addAll(other: LatencyHistogram): void {
    for (const [bucket, count] of other.counts.entries())
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    this.total += other.total;
  }

  /** In milliseconds, within one percent; 0 if nothing was added. `share`: 0.99 for p99. */
  quantileMillis(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.total));
    for (let bucket = 0; bucket < buckets && this.total > 0; bucket += 1) {
      left -= this.counts[bucket] ?? 0;
      if (left <= 0) return Math.exp(bucket * perBucket) / 1_000;
    }
    return 0;
  }
}
