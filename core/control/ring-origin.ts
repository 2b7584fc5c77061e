/**
 * Where the ring comes from when the ring store has none: made for a new cluster, or adopted from the workers
 * of an old one.
 */
import type { WorkerReportOf } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import { Bootstrap } from './bootstrap.js';
import type { ClusterShape } from './bootstrap.js';
import type { Emit } from './control-event.js';
import type { RingDocument } from './ring-document.js';
import { RingRecovery } from './ring-recovery.js';
import type { WorkerDirectory } from './worker-facts.js';

export class RingOrigin {
  private readonly bootstrap: Bootstrap;
  private recovery: RingRecovery;

  constructor(
    private readonly options: ClusterShape & { limits: Limits },
    private readonly document: RingDocument,
    private readonly workers: WorkerDirectory,
    private readonly created: (now: number) => void,
    private readonly emit: Emit,
  ) {
    this.bootstrap = new Bootstrap(options, options.limits);
    this.recovery = new RingRecovery(options, emit);
  }

  answered(worker: WorkerId, reply: WorkerReportOf<'ringReply'>): void {
    this.recovery.answered(worker, reply);
  }

  /** Answers what is awaited. */
  step(now: number): string {
    if (!this.document.quiet) return 'the ring store';
    const first = this.bootstrap.step(this.workers, this.document.seen, now);
    if (first.type === 'create') return this.create(first.record, now);
    if (first.type === 'wait') return first.awaited;
    const found = this.recovery.step(this.workers, this.document.seen, now);
    return found.type === 'wait' ? found.awaited : this.create(found.record, now);
  }

  private create(record: RingRecord, now: number): string {
    const { version, epochCounter } = record;
    this.document.create(record, now, (outcome) => {
      if (outcome !== 'swapped') return;
      this.emit({ type: 'note', message: 'ring created', fields: { version, epochCounter } });
      // What was answered stands for this loss of the document alone.
      this.recovery = new RingRecovery(this.options, this.emit);
      this.created(now);
    });
    return 'the ring store';
  }
}
