/**
 * A write as spans on its primary: `commit` from its arrival there to its outcome, in it `queue` (until it
 * was handed out) and `replicate` (until a quorum held it durably: the own disk and the first backup).
 */
import type {
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { Tracer } from '../../platform/traces/tracer.js';
import type { Clock, LocalReplicas } from '../worker/ports.js';
import { attributesOf, failureOf } from './traced-store.js';

export class TracedReplicas implements LocalReplicas {
  constructor(
    private readonly inner: LocalReplicas,
    private readonly tracer: Tracer,
    private readonly clock: Clock,
  ) {}

  write(
    partition: number,
    epoch: number,
    operation: WriteOperation,
    done: (outcome: WriteOutcome) => void,
  ): void {
    const { tracer, clock } = this;
    const commit = tracer.start('commit', 'server', operation.trace ?? '', clock.now());
    this.inner.write(partition, epoch, operation, (outcome) => {
      const times = outcome.type === 'applied' ? outcome.times : undefined;
      if (times !== undefined) {
        const { acceptedAt, handedOutAt, quorumAt } = times;
        tracer.start('queue', 'internal', commit.traceparent, acceptedAt).end(handedOutAt, {});
        tracer.start('replicate', 'internal', commit.traceparent, handedOutAt).end(quorumAt, {});
      }
      commit.end(clock.now(), attributesOf(operation, outcome), failureOf(outcome));
      done(outcome);
    });
  }

  read(
    partition: number,
    epoch: number,
    operation: ReadOperation,
    done: (outcome: ReadOutcome) => void,
  ): void {
    this.inner.read(partition, epoch, operation, done);
  }

  ring(): RingRecord | null {
    return this.inner.ring();
  }
}
