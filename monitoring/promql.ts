/**
 * How expressions name series. Every series carries the labels that scraping gives it: `namespace`,
 * `cluster`, `component` (worker or operator) and `instance` (the pod, or the worker's id), see
 * docs/monitoring.md.
 */

/**
 * What alerts are held to: whatever belongs to some cluster. The chart replaces this very text by the name of
 * its own release, so that two releases do not alert for each other.
 */
export const anyCluster = 'cluster!=""';

/** What dashboards are held to: the cluster that is chosen at their top. */
export const chosenCluster = 'namespace="$namespace",cluster="$cluster"';

/** The labels by which a cluster is told from others. */
export const clusterLabels = 'namespace, cluster';

/** The labels by which a process is told from others. */
export const processLabels = 'namespace, cluster, instance';

/** Age of what the controller last heard of each worker, by the label `worker`. */
export const workerHeartbeat = 'kvorum_cluster_worker_heartbeat_age_seconds';

export type Select = (metric: string, matchers?: string) => string;

/** Names series within a scope: `select('up', 'component="worker"')`. */
export function selectWithin(scope: string): Select {
  return (metric, matchers = '') => `${metric}{${matchers === '' ? scope : `${scope},${matchers}`}}`;
}

/** What a share `quantile` of observations stayed below, over `window`, per value of `labels`. */
export function quantileOf(
  select: Select,
  quantile: number,
  histogram: string,
  { labels, window, matchers = '' }: { labels: string; window: string; matchers?: string },
): string {
  const buckets = select(`${histogram}_bucket`, matchers);
  const by = labels === '' ? 'le' : `${labels}, le`;
  return `histogram_quantile(${quantile}, sum by (${by}) (rate(${buckets}[${window}])))`;
}
