/**
 * What an alert consists of. From this one form come the rules file, the chart's PrometheusRule and the table
 * in docs/monitoring.md.
 */
import { anyCluster, selectWithin } from './promql.js';

/** critical: keys are, or are about to be, unserved or unsafe: wake someone. warning: look today. */
export type Severity = 'critical' | 'warning';

export interface Alert {
  /** Also the name of its page in docs/runbooks. */
  name: string;
  severity: Severity;
  /** PromQL; a series that it returns is an alert. */
  expr: string;
  /**
   * How long it has to stay true before somebody is told, as Prometheus writes durations; '0s' is at once.
   */
  holdsFor: string;
  /** For the table: fires when ... */
  meaning: string;
  /** One line; a template of Prometheus, with labels. */
  summary: string;
  /** What it means, with values; a template of Prometheus. */
  description: string;
}

export interface AlertGroup {
  /** Of the group in the rules file. */
  name: string;
  /** What the alerts of the group are about, for the table. */
  about: string;
  alerts: readonly Alert[];
}

export const select = selectWithin(anyCluster);

/** How texts name the cluster. */
export const theCluster = '{{ $labels.namespace }}/{{ $labels.cluster }}';
export const theProcess = `{{ $labels.instance }} of ${theCluster}`;
export const theWorker = `{{ $labels.worker }} of ${theCluster}`;
