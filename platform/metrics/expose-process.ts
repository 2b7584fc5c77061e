/** The process as series: what runs, how late its timers are, how busy its main thread is, what it logged. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Distribution, latencyBuckets } from '../../core/distribution.js';
import { msToBeat } from '../beat.js';
import { processMetrics } from './process-metrics.js';
import type { LogCounts } from '../logger.js';
import type { Metrics } from './metrics.js';

/** Samples enough for a quantile over minutes; each wakes a process that may be idle. */
const probeMs = 500;

export function exposeProcess(metrics: Metrics, logged: LogCounts): void {
  metrics.collectRuntime();
  const version = packageVersion();
  metrics.gauge(processMetrics.build, () => [[{ version, node: process.versions.node }, 1]]);
  const delays = new Distribution(latencyBuckets);
  metrics.histogram(processMetrics.eventLoopDelay, () => delays);
  if (metrics.enabled) probeEventLoop(delays);
  metrics.total(processMetrics.eventLoopActive, () => performance.eventLoopUtilization().active / 1_000);
  metrics.total(processMetrics.logged, () =>
    Object.entries(logged).map(([level, count]) => [{ level }, count] as const),
  );
}

function probeEventLoop(delays: Distribution): void {
  const waitMs = msToBeat(probeMs);
  const expected = performance.now() + waitMs;
  const timer = setTimeout(() => {
    delays.record(Math.max(0, performance.now() - expected) / 1_000);
    probeEventLoop(delays);
  }, waitMs);
  timer.unref();
}

/** Of the package that this program came in; beside the compiled tree. */
function packageVersion(): string {
  const file = path.resolve(import.meta.dirname, '../../../package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}
