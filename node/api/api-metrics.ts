/**
 * What the REST interface measures, counted with a few additions for each request and turned into series when
 * somebody asks for the metrics.
 */
import { Distribution, latencyBuckets } from '../../core/distribution.js';
import type { NotAppliedReason, ReadOutcome, WriteOutcome } from '../../core/protocol/operation.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { CoordinatorCounts } from '../coordinator/coordinator.js';
import { codeClasses, requestMethods, requestMetrics } from '../metrics/worker-metrics.js';
import type { failureReasons } from '../metrics/worker-metrics.js';
import { RequestCounts } from './request-counts.js';

type FailureReason = (typeof failureReasons)[number];

/** Null: an answer to the client's own fault. */
const reasonOf: Record<NotAppliedReason, FailureReason | null> = {
  noQuorum: 'no_quorum',
  moving: 'moving',
  moved: 'unavailable',
  unavailable: 'unavailable',
  overloaded: 'overloaded',
  full: 'disk_full',
  idempotencyConflict: null,
};

export class ApiMetrics {
  private readonly requests = new RequestCounts();
  private readonly seconds = requestMethods.map(() =>
    codeClasses.map(() => new Distribution(latencyBuckets)),
  );
  private readonly failures = { read: new Map<string, number>(), write: new Map<string, number>() };

  constructor(private readonly metrics: Metrics) {
    metrics.total(requestMetrics.requests, () =>
      this.requests.all().map(({ method, code, count }) => [{ method, code }, count] as const),
    );
    metrics.histogram(requestMetrics.requestSeconds, () => this.distributions());
    metrics.total(requestMetrics.failures, () => this.failureCounts());
  }

  /** A request that was answered without being performed. */
  refused(method: string, status: number): void {
    this.requests.count(method, status);
  }

  /** `tookMs`: from the request's having been read whole. */
  answered(method: string, status: number, tookMs: number): void {
    if (!this.metrics.enabled) return;
    this.requests.count(method, status);
    const row = requestMethods.indexOf(method as (typeof requestMethods)[number]);
    this.seconds[row]?.[Math.floor(status / 100) - 2]?.record(tookMs / 1_000);
  }

  /** Counts the outcomes that are no answer. */
  outcome(operation: 'read' | 'write', outcome: WriteOutcome | ReadOutcome): void {
    if (outcome.type !== 'notApplied' && outcome.type !== 'unknown') return;
    const reason = outcome.type === 'unknown' ? 'outcome_unknown' : reasonOf[outcome.reason];
    if (reason === null) return;
    const counts = this.failures[operation];
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }

  private *distributions() {
    for (const [row, method] of requestMethods.entries())
      for (const [column, codeClass] of codeClasses.entries()) {
        const distribution = this.seconds[row]?.[column];
        if (distribution !== undefined) yield [{ method, class: codeClass }, distribution] as const;
      }
  }

  private *failureCounts() {
    for (const operation of ['read', 'write'] as const)
      for (const [reason, count] of this.failures[operation]) yield [{ operation, reason }, count] as const;
  }
}

/** The coordinator's own numbers as series. */
export function exposeCoordinator(metrics: Metrics, counts: CoordinatorCounts): void {
  metrics.gauge(requestMetrics.inFlight, () => counts.inFlight);
  metrics.total(requestMetrics.forwards, () => counts.forwarded);
  metrics.total(requestMetrics.forwardsBroken, () => counts.forwardsBroken);
  metrics.total(requestMetrics.repeated, () => counts.retried);
  metrics.total(requestMetrics.overloaded, () => counts.overloaded);
  metrics.total(requestMetrics.expired, () => counts.expired);
}
