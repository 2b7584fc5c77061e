/** Counts and times what the operator asks of the API server, whoever asks. */
import type { Timers } from '../ports.js';
import type { ApiReply, ApiRequest, ApiTransport, WatchHandler } from './api-transport.js';
import type { OperatorMeasurements } from '../metrics/operator-measurements.js';

export class MeasuredTransport implements ApiTransport {
  constructor(
    private readonly inner: ApiTransport,
    private readonly timers: Pick<Timers, 'now'>,
    private readonly measured: OperatorMeasurements,
  ) {}

  async request(request: ApiRequest): Promise<ApiReply> {
    const startedAt = this.timers.now();
    const reply = await this.inner.request(request);
    this.measured.apiAnswered(request.method, resultOf(reply), this.timers.now() - startedAt);
    return reply;
  }

  watch(path: string, query: Record<string, string>, handler: WatchHandler): () => void {
    return this.inner.watch(path, query, {
      event: (event) => handler.event(event),
      ended: (status, reason) => {
        this.measured.watchEnds += 1;
        handler.ended(status, reason);
      },
    });
  }
}

function resultOf(reply: ApiReply): string {
  if (reply.type !== 'refused') return reply.type;
  if (reply.status === 404) return 'not_found';
  if (reply.status === 409) return 'conflict';
  return reply.status >= 500 ? 'failed' : 'refused';
}
