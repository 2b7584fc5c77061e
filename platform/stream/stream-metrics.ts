/** What becomes of streams, counted. */
import { closeReasons } from './framed-stream.js';
import { refusals } from './handshake.js';
import type { CounterMetric, Metrics } from '../metrics.js';
import type { CloseReason } from './framed-stream.js';
import type { Refusal } from './handshake.js';

export class StreamMetrics {
  private readonly opened: CounterMetric;
  private readonly closed: CounterMetric;
  private readonly refused: CounterMetric;

  constructor(metrics: Metrics) {
    this.opened = metrics.counter('streams_opened_total', 'Streams whose handshake succeeded.');
    const reason = { reason: closeReasons };
    this.closed = metrics.counter('streams_closed_total', 'Streams that ended, by reason.', reason);
    const refusal = { reason: refusals };
    this.refused = metrics.counter('streams_refused_total', 'Handshakes refused, by reason.', refusal);
  }

  countOpened(): void {
    this.opened.add();
  }

  countClosed(reason: CloseReason): void {
    this.closed.add({ reason });
  }

  countRefused(reason: Refusal): void {
    this.refused.add({ reason });
  }
}
