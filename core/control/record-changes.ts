/**
 * The changes of the ring record that make no configuration: where workers are, the wished replication
 * factor, and who learns. Each waits in the document's line and is made only if it still fits when its turn
 * comes.
 */
import type { RingRecord } from '../ring/ring-record.js';
import { withMembers } from './membership.js';
import { withLearner } from './plan-replacement.js';
import type { LearnerChange } from './plan-replacement.js';
import type { RingDocument } from './ring-document.js';
import type { WorkerDirectory } from './worker-facts.js';

interface Surroundings {
  note(message: string, fields: Record<string, string | number | boolean>): void;
  isBusy(partition: number): boolean;
  /** The record was changed. */
  changed(now: number): void;
}

export class RecordChanges {
  private readonly learning = new Set<number>();
  private membersChanging = false;

  constructor(
    private readonly replicationFactor: number,
    private readonly document: RingDocument,
    private readonly workers: WorkerDirectory,
    private readonly around: Surroundings,
  ) {}

  /** A learner of this partition is about to be added or dropped. */
  isChanging(partition: number): boolean {
    return this.learning.has(partition);
  }

  get count(): number {
    return this.learning.size;
  }

  updateMembers(record: RingRecord): void {
    const { workers, replicationFactor } = this;
    if (this.membersChanging || withMembers(record, workers, replicationFactor) === null) return;
    this.membersChanging = true;
    this.document.queue({
      apply: (current) => withMembers(current, workers, replicationFactor),
      done: (outcome, _record, now) => {
        this.membersChanging = false;
        if (outcome === 'swapped') this.around.changed(now);
      },
    });
  }

  changeLearner(record: RingRecord, change: LearnerChange): void {
    const { partition, learner, action, reason } = change;
    const epoch = record.partitions[partition]?.epoch ?? 0;
    this.learning.add(partition);
    this.document.queue({
      apply: (current) => (this.around.isBusy(partition) ? null : withLearner(current, change, epoch)),
      done: (outcome, _record, now) => {
        this.learning.delete(partition);
        if (outcome !== 'swapped') return;
        const message = action === 'add' ? 'learner added' : 'learner dropped';
        this.around.note(message, { partition, worker: learner.id, reason });
        this.around.changed(now);
      },
    });
  }
}
