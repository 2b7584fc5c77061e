/** What becomes of streams, counted. */
import { counter } from '../metrics/declaration.js';
import { closeReasons } from './framed-stream.js';
import { refusals } from './handshake.js';
import type { CounterMetric, Metrics } from '../metrics/metrics.js';
import type { CloseReason, Traffic } from './framed-stream.js';
import type { Refusal } from './handshake.js';

export const streamMetrics = {
  opened: counter('kvorum_streams_opened_total', 'Streams between processes whose handshake succeeded.'),
  closed: counter(
    'kvorum_streams_closed_total',
    'Streams that ended, by reason. silent, failed: the network or the other machine; queueFull: the other side takes ' +
      'less than it is sent; malformed: it is no Kvorum of this version.',
    { reason: closeReasons },
  ),
  refused: counter(
    'kvorum_streams_refused_total',
    'Handshakes refused, by reason. Any but olderRun and wrongDirection: something is configured wrongly.',
    { reason: refusals },
  ),
  bytes: counter('kvorum_stream_bytes_total', 'Bytes on streams between processes of the cluster.', {
    direction: ['sent', 'received'],
  }),
};

export class StreamMetrics {
  readonly traffic: Traffic = { sent: 0, received: 0 };
  private readonly opened: CounterMetric;
  private readonly closed: CounterMetric;
  private readonly refused: CounterMetric;

  constructor(metrics: Metrics) {
    this.opened = metrics.counter(streamMetrics.opened);
    this.closed = metrics.counter(streamMetrics.closed);
    this.refused = metrics.counter(streamMetrics.refused);
    metrics.total(streamMetrics.bytes, () => [
      [{ direction: 'sent' }, this.traffic.sent],
      [{ direction: 'received' }, this.traffic.received],
    ]);
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
