/**
 * What the controller notes, in sentences for people: a failover of 64 partitions is one event, not 64.
 * Things of one kind that happen one soon after the other are told together.
 */
import type { ControllerNote } from '../controller.js';
import type { Timers } from '../ports.js';

export type EventType = 'Normal' | 'Warning';
export type TellEvent = (type: EventType, reason: string, text: string) => void;

interface Gathered {
  count: number;
  tookMs: number;
  reasons: Set<string>;
  workers: Set<string>;
}

/** What happens for long is told in fewer sentences. */
const gatherMs = { prompt: 1_000, patient: 10_000 };
const promptKinds = new Set(['first', 'failover']);
const reasonsMax = 3;
const workersMax = 16;

export class NoteGatherer {
  private readonly gathered = new Map<string, Gathered>();

  constructor(
    private readonly timers: Pick<Timers, 'after'>,
    private readonly tell: TellEvent,
  ) {}

  note({ message, fields }: ControllerNote): void {
    const worker = String(fields.worker ?? '');
    const awayMs = Number(fields.awayMs ?? 0);
    switch (message) {
      case 'worker lost':
        return this.tell('Warning', 'WorkerLost', `${worker} is lost: ${String(fields.evidence)}`);
      case 'worker back':
        return this.tell('Normal', 'WorkerBack', `${worker} is back after ${durationText(awayMs)}`);
      case 'ring created':
        return this.tell('Normal', 'RingCreated', 'The ring was created');
      case 'partitions without quorum': {
        const count = Number(fields.count);
        const subject = `${partitionsText(count)} ${count === 1 ? 'has' : 'have'}`;
        return this.tell('Warning', 'QuorumLost', `${subject} too few workers: ${String(fields.reason)}`);
      }
      case 'partitions reconfigured':
        return this.gather(String(fields.kind), {
          count: Number(fields.count),
          tookMs: Number(fields.tookMs),
        });
      case 'learner added':
        return this.gather('copy', { count: 1, tookMs: 0 }, String(fields.reason), worker);
      default:
    }
  }

  private gather(
    kind: string,
    { count, tookMs }: Pick<Gathered, 'count' | 'tookMs'>,
    reason = '',
    worker = '',
  ): void {
    let known = this.gathered.get(kind);
    if (known === undefined) {
      known = { count: 0, tookMs: 0, reasons: new Set(), workers: new Set() };
      this.gathered.set(kind, known);
      this.timers.after(gatherMs[promptKinds.has(kind) ? 'prompt' : 'patient'], () =>
        this.tellGathered(kind),
      );
    }
    known.count += count;
    known.tookMs = Math.max(known.tookMs, tookMs);
    // For how long someone is away differs from one to the next, and says no more than the time of the event.
    const why = reason.replace(/ for \d+ s$/, '');
    if (why !== '' && known.reasons.size < reasonsMax) known.reasons.add(why);
    if (worker !== '' && known.workers.size < workersMax) known.workers.add(worker);
  }

  /** Tells at once what is still being gathered. */
  flush(): void {
    for (const kind of [...this.gathered.keys()]) this.tellGathered(kind);
  }

  private tellGathered(kind: string): void {
    const gathered = this.gathered.get(kind);
    if (gathered === undefined) return;
    this.gathered.delete(kind);
    const { count, tookMs, reasons, workers } = gathered;
    const partitions = partitionsText(count);
    switch (kind) {
      case 'failover':
        return this.tell('Warning', 'Failover', `Failover of ${partitions} in ${Math.round(tookMs)} ms`);
      case 'first':
        return this.tell('Normal', 'PartitionsReady', `${partitions} got their first configuration`);
      case 'move':
        return this.tell('Normal', 'PrimariesMoved', `The primaries of ${partitions} were handed over`);
      case 'replace':
        return this.tell('Normal', 'ReplicasReplaced', `A replica of ${partitions} was replaced`);
      case 'copy': {
        const why = [...reasons].join(', ');
        const to = [...workers].join(', ');
        return this.tell('Normal', 'CopyBegun', `Copying ${partitions} to ${to}: ${why}`);
      }
      default:
    }
  }
}

export function partitionsText(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`;
}

/** `850 ms`, `12.3 s`, `4 min`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  return `${Math.round(durationMs / 60_000)} min`;
}
