/**
 * `/v1/kv/{key}` without a transport: a checked head and a body in, a reply out. What reads and writes
 * sockets stands before it.
 */
import type { KvorumError } from '../../core/errors.js';
import type { Limits } from '../../core/limits.js';
import type {
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { LatencyHistory } from '../../core/picture/latency-history.js';
import type { Clock } from '../../platform/clock.js';
import type { ApiMetrics } from './api-metrics.js';
import { kvMethods, parseCall } from './kv-call.js';
import type { KvCall } from './kv-call.js';
import { readReply, writeReply } from './kv-reply.js';
import { errorReply } from './reply.js';
import type { Reply } from './reply.js';
import type { RequestHead } from './http/request-head.js';

/** Who answers: the coordinator, or a test's own. `done` is called exactly once. */
export interface Store {
  write(operation: WriteOperation, done: (outcome: WriteOutcome) => void): void;
  read(operation: ReadOperation, done: (outcome: ReadOutcome) => void): void;
}

export class KvEndpoint {
  constructor(
    private readonly store: Store,
    readonly limits: Limits,
    private readonly clock: Clock,
    private readonly metrics: ApiMetrics,
    private readonly latency: LatencyHistory,
  ) {}

  /** Throws `KvorumError` if the request can be refused before its body is read. */
  accept(head: RequestHead): KvCall {
    return parseCall(head, this.limits);
  }

  /** The reply to a request that was not performed. */
  refuse(method: string, error: KvorumError): Reply {
    const reply = errorReply(error);
    if (reply.status === 405) reply.headers.push('Allow', kvMethods.join(', '));
    this.metrics.refused(method, reply.status);
    return reply;
  }

  /** `value` is the whole body; it must not change afterwards. */
  perform(method: string, call: KvCall, value: Uint8Array, respond: (reply: Reply) => void): void {
    const startedAt = this.clock.now();
    if (call.type === 'read') {
      this.store.read(call.operation, (outcome) => {
        const reply = readReply(call, outcome);
        this.metrics.outcome('read', outcome);
        this.metrics.answered(method, reply.status, this.clock.now() - startedAt);
        respond(reply);
      });
      return;
    }
    call.operation.value = value;
    this.store.write(call.operation, (outcome) => {
      const reply = writeReply(call, outcome);
      this.metrics.outcome('write', outcome);
      const tookMs = this.clock.now() - startedAt;
      this.metrics.answered(method, reply.status, tookMs);
      if (outcome.type === 'applied') this.latency.acknowledged(this.clock.wall(), tookMs);
      else if (reply.status >= 500) this.latency.failed(this.clock.wall());
      respond(reply);
    });
  }
}
