/**
 * What the program around the controller counts for people to look at: the ring document, the API server, the
 * passes over its objects, who leads.
 */
import { ControlMeasurements } from '../../core/control/control-measurements.js';
import { Distribution, latencyBuckets } from '../../core/distribution.js';

export type RingWriteResult = 'swapped' | 'conflict' | 'unknown';
export type ReconcileResult = 'done' | 'later' | 'failed';

const msPerSecond = 1_000;

export class OperatorMeasurements {
  readonly control = new ControlMeasurements();
  readonly ringWrites: Record<RingWriteResult, number> = { swapped: 0, conflict: 0, unknown: 0 };
  readonly ringWrite = new Distribution(latencyBuckets);
  readonly reconciles: Record<ReconcileResult, number> = { done: 0, later: 0, failed: 0 };
  readonly reconcile = new Distribution(latencyBuckets);
  /** By method and result. */
  readonly apiRequests = new Map<string, { method: string; result: string; count: number }>();
  readonly apiRequest = new Distribution(latencyBuckets);
  watchEnds = 0;
  leaderChanges = 0;

  ringWritten(result: RingWriteResult, tookMs: number): void {
    this.ringWrites[result] += 1;
    this.ringWrite.record(tookMs / msPerSecond);
  }

  reconciled(result: ReconcileResult, tookMs: number): void {
    this.reconciles[result] += 1;
    this.reconcile.record(tookMs / msPerSecond);
  }

  apiAnswered(method: string, result: string, tookMs: number): void {
    const key = `${method} ${result}`;
    const known = this.apiRequests.get(key) ?? { method, result, count: 0 };
    known.count += 1;
    this.apiRequests.set(key, known);
    this.apiRequest.record(tookMs / msPerSecond);
  }
}
