/**
 * What the REST interface measures. Totals that others keep as plain numbers are turned into series when
 * somebody asks for the metrics, so that counting costs nothing in between.
 */
import type { Metrics } from '../../platform/metrics.js';
import type { CoordinatorCounts } from '../coordinator/coordinator.js';
import { RequestCounts } from './request-counts.js';

const writeBucketsSeconds = [
  0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
];

export class ApiMetrics {
  readonly requests = new RequestCounts();
  private readonly total;
  private readonly quorumWrite;

  constructor(metrics: Metrics) {
    this.total = metrics.counter('requests_total', 'Requests for keys by method and HTTP status', {
      method: ['GET', 'HEAD', 'PUT', 'DELETE'],
      status: ['200', '503', '504'],
    });
    this.quorumWrite = metrics.histogram(
      'quorum_write_seconds',
      'From a write that was read whole to its being durable on a quorum',
      writeBucketsSeconds,
    );
  }

  writeSeconds(seconds: number): void {
    this.quorumWrite.observe(seconds);
  }

  /** Brings the series up to date; before every scrape. */
  update(): void {
    for (const { method, status, count } of this.requests.take())
      this.total.add({ method, status: String(status) }, count);
  }
}

/** The coordinator's own numbers as series. */
export function exposeCoordinator(metrics: Metrics, counts: CoordinatorCounts): void {
  metrics.gaugeOf(
    'requests_in_flight',
    'Requests for keys that wait for their answer',
    () => counts.inFlight,
  );
  const totals: [keyof CoordinatorCounts, string, string][] = [
    ['forwarded', 'forwards_total', 'Requests passed on to another worker'],
    ['forwardsBroken', 'forwards_broken_total', 'Forwards whose stream ended before the answer'],
    ['retried', 'attempts_repeated_total', 'Attempts repeated inside, unseen by the client'],
    ['overloaded', 'requests_overloaded_total', 'Requests refused because too many were in flight'],
    ['expired', 'requests_expired_total', 'Requests that ran into their deadline'],
  ];
  for (const [name, series, help] of totals) metrics.counterOf(series, help, () => counts[name]);
}
