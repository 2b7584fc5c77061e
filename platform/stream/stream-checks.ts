/**
 * One timer for all streams of a process, whatever their number: each is asked in turn whether the other side
 * has been silent for too long, and whether it should say itself that it is alive.
 */
import { onBeats } from '../beat.js';

export interface CheckedStream {
  check(now: number, sinceCheckMs: number, late: boolean): void;
}

/** Signs of life go out with every second check, so one of them may be late before the silence counts. */
const checksPerSilence = 3;

export class StreamChecks {
  private readonly streams = new Set<CheckedStream>();
  private readonly checkMs: number;
  private stop: (() => void) | undefined;
  private checkedAt = 0;

  constructor(
    silentMs: number,
    private readonly now: () => number,
  ) {
    this.checkMs = silentMs / checksPerSilence;
  }

  add(stream: CheckedStream): void {
    this.streams.add(stream);
    if (this.stop !== undefined) return;
    this.checkedAt = this.now();
    this.stop = onBeats(() => this.check(), this.checkMs);
  }

  delete(stream: CheckedStream): void {
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    this.stop?.();
    this.stop = undefined;
  }

  private check(): void {
    const now = this.now();
    const sinceCheckMs = now - this.checkedAt;
    this.checkedAt = now;
    for (const stream of [...this.streams]) stream.check(now, sinceCheckMs, sinceCheckMs > 2 * this.checkMs);
  }
}
