/**
 * A client's write as spans, on the worker that the client spoke to: `write` as a whole, in it `route` (until
 * there is an answer, wherever the primary is) and `reply` (handing the answer to the connection).
 */
import type {
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { Attributes, Tracer } from '../../platform/traces/tracer.js';
import type { Store } from '../api/kv-endpoint.js';
import type { Clock } from '../worker/ports.js';

export class TracedStore implements Store {
  constructor(
    private readonly inner: Store,
    private readonly tracer: Tracer,
    private readonly clock: Clock,
  ) {}

  write(operation: WriteOperation, done: (outcome: WriteOutcome) => void): void {
    const { tracer, clock } = this;
    const startedAt = clock.now();
    const whole = tracer.start('write', 'server', operation.trace ?? '', startedAt);
    const route = tracer.start('route', 'client', whole.traceparent, startedAt);
    this.inner.write({ ...operation, trace: route.traceparent }, (outcome) => {
      const answeredAt = clock.now();
      const attributes = attributesOf(operation, outcome);
      const failure = failureOf(outcome);
      route.end(answeredAt, attributes, failure);
      const reply = tracer.start('reply', 'internal', whole.traceparent, answeredAt);
      done(outcome);
      const endedAt = clock.now();
      reply.end(endedAt, {});
      whole.end(endedAt, attributes, failure);
    });
  }

  read(operation: ReadOperation, done: (outcome: ReadOutcome) => void): void {
    this.inner.read(operation, done);
  }
}

/** Never the key or the value: they are somebody's data. */
export function attributesOf(operation: WriteOperation, outcome: WriteOutcome): Attributes {
  const attributes: Attributes = {
    'kvorum.operation': operation.type,
    'kvorum.value_bytes': operation.value.length,
    'kvorum.outcome': outcome.type === 'notApplied' ? outcome.reason : outcome.type,
  };
  if (outcome.type !== 'applied') return attributes;
  const { partition, version, acks } = outcome;
  const { epoch, seq } = version;
  return {
    ...attributes,
    'kvorum.partition': partition,
    'kvorum.epoch': epoch,
    'kvorum.seq': seq,
    'kvorum.acks': acks,
  };
}

export function failureOf(outcome: WriteOutcome): string {
  if (outcome.type === 'notApplied') return outcome.detail;
  return outcome.type === 'unknown' ? outcome.reason : '';
}
