/**
 * Tells when the cluster is whole again after something happened to it. It looks once in a while from the
 * disturbance on until then, and not at all while nothing is wrong.
 *
 *   quiet --(worker lost, failover, copy, quorum lost, new ring)--> disturbed --(all replicated)--> quiet
 */
import type { PartitionCounts } from '../../core/control/cluster-status.js';
import type { ControllerNote } from '../controller.js';
import type { Timers } from '../ports.js';
import { durationText, partitionsText } from './note-gatherer.js';
import type { TellEvent } from './note-gatherer.js';

const lookMs = 2_000;
const disturbing = new Set([
  'worker lost',
  'partitions without quorum',
  'learner added',
  'ring created',
  'reconfiguration begins',
]);

export class RecoveryWatch {
  private disturbedAt: number | null = null;

  constructor(
    private readonly timers: Timers,
    /** Null while this process does not know. */
    private readonly counts: () => PartitionCounts | null,
    private readonly tell: TellEvent,
  ) {}

  note({ message, fields }: ControllerNote): void {
    if (this.disturbedAt !== null || !disturbing.has(message)) return;
    // Primaries that are handed over leave everything replicated.
    if (fields.kind === 'move') return;
    this.disturbedAt = this.timers.now();
    this.lookLater();
  }

  private lookLater(): void {
    this.timers.after(lookMs, () => this.look());
  }

  private look(): void {
    const counts = this.counts();
    if (counts === null || this.disturbedAt === null) {
      this.disturbedAt = null;
      return;
    }
    if (counts.total === 0 || counts.fullyReplicated < counts.total || counts.moving > 0) {
      this.lookLater();
      return;
    }
    const tookMs = this.timers.now() - this.disturbedAt;
    this.disturbedAt = null;
    const subject = counts.total === 1 ? 'The partition is' : `All ${partitionsText(counts.total)} are`;
    this.tell('Normal', 'FullyReplicated', `${subject} fully replicated, after ${durationText(tookMs)}`);
  }
}
