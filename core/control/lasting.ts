/**
 * For how long conditions have held without a gap, counted over the controller's planning passes. A condition
 * that is not asked about in a pass has ended.
 */
export class Lasting {
  private readonly since = new Map<string, number>();
  private touched = new Set<string>();

  lastsMs(key: string, now: number): number {
    this.touched.add(key);
    const since = this.since.get(key) ?? now;
    this.since.set(key, since);
    return now - since;
  }

  /** Nothing was asked about in the last pass. */
  get isEmpty(): boolean {
    return this.since.size === 0;
  }

  /** Ends a pass. */
  sweep(): void {
    for (const key of this.since.keys()) {
      if (!this.touched.has(key)) this.since.delete(key);
    }
    this.touched = new Set();
  }
}
