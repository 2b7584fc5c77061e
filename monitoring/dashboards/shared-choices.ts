/** What both dashboards have at their top, and the failovers that both mark. */
import { chosenCluster, clusterLabels, quantileOf, selectWithin } from '../promql.js';
import type { Annotation, Variable } from './dashboard.js';
import { heatMap } from './panel.js';
import type { Panel, Query } from './panel.js';

export const select = selectWithin(chosenCluster);

/** Grafana puts at least four scrapes into it. */
export const window = '$__rate_interval';

export const clusterVariables: readonly Variable[] = [
  { name: 'namespace', label: 'Namespace', query: 'label_values(kvorum_primaries, namespace)' },
  {
    name: 'cluster',
    label: 'Cluster',
    query: 'label_values(kvorum_primaries{namespace="$namespace"}, cluster)',
  },
];

const reconfigured = select('kvorum_controller_reconfigurations_total', 'kind="failover",result="done"');
const lost = select('kvorum_controller_workers_lost_total');

export const failoverAnnotations: readonly Annotation[] = [
  {
    name: 'Failovers',
    color: 'red',
    expr: `round(sum by (${clusterLabels}) (increase(${reconfigured}[${window}]))) > 0`,
    title: 'Failover of partitions of {{cluster}}',
  },
  {
    name: 'Workers lost',
    color: 'orange',
    expr: `round(sum by (${clusterLabels}) (increase(${lost}[${window}]))) > 0`,
    title: 'A worker of {{cluster}} was declared dead',
  },
];

export function perSecond(metric: string, labels: string, matchers = ''): string {
  return `sum by (${labels}) (rate(${select(metric, matchers)}[${window}]))`;
}

/** Median, 90, 99 and 99.9 in a hundred. */
export function quantiles(histogram: string, matchers = ''): Query[] {
  return [0.5, 0.9, 0.99, 0.999].map((quantile) => ({
    expr: quantileOf(select, quantile, histogram, { labels: '', window, matchers }),
    legend: `p${quantile * 100}`,
  }));
}

export function quorumHeatMap(matchers = ''): Panel {
  return heatMap({
    title: 'Quorum latency',
    description:
      'How long writes took from their acceptance to being durable on a quorum. Two bands: some writes wait for something that others do not.',
    queries: [
      {
        expr: `sum by (le) (increase(${select('kvorum_quorum_write_seconds_bucket', matchers)}[${window}]))`,
        legend: '{{le}}',
        format: 'heatmap',
      },
    ],
    unit: 's',
  });
}
