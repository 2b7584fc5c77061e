/**
 * Workers take turns at work that is heavy and can wait: a primary and its backups should not be slow at the
 * same time, since a write needs one of the backups only. The turns are spread evenly over the period, by the
 * wall clocks, which differ by little; if they do not, turns coincide, and nothing else is lost.
 */
import type { RingRecord, WorkerId } from '../ring/ring-record.js';

export class Turns {
  private ring: RingRecord | null = null;
  private place = 0;

  constructor(
    private readonly id: WorkerId,
    private readonly everyMs: number,
  ) {}

  /** A number that changes when this worker's turn comes, once in each period. */
  at(wall: number, ring: RingRecord | null): number {
    if (ring !== this.ring) this.take(ring);
    return Math.floor(wall / this.everyMs + this.place);
  }

  private take(ring: RingRecord | null): void {
    this.ring = ring;
    const members = Object.keys(ring?.members ?? {}).sort();
    this.place = Math.max(0, members.indexOf(this.id)) / Math.max(1, members.length);
  }
}
