/** The controller's view of the cluster as series; computed when somebody asks, at most once a second. */
import type { ClusterStatus } from '../../core/control/cluster-status.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import { clusterMetrics } from './controller-metrics.js';

const freshForMs = 1_000;

export function exposeStatus(metrics: Metrics, status: () => ClusterStatus, now: () => number): void {
  let known: { status: ClusterStatus; at: number } | null = null;
  const fresh = () => {
    if (known === null || now() - known.at > freshForMs) known = { status: status(), at: now() };
    return known.status;
  };
  metrics.gauge(clusterMetrics.ringVersion, () => fresh().ringVersion);
  metrics.gauge(clusterMetrics.epoch, () => fresh().epochCounter);
  metrics.gauge(clusterMetrics.partitions, () => {
    const { fullyReplicated, underReplicated, withoutQuorum } = fresh().partitions;
    return [
      [{ state: 'fully_replicated' }, fullyReplicated],
      [{ state: 'under_replicated' }, underReplicated],
      [{ state: 'without_quorum' }, withoutQuorum],
    ];
  });
  metrics.gauge(clusterMetrics.moving, () => fresh().partitions.moving);
  metrics.gauge(clusterMetrics.workers, () => {
    const counts = new Map<string, number>();
    for (const { state } of fresh().workers) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, count]) => [{ state }, count] as const);
  });
  const each = (of: (worker: ClusterStatus['workers'][number]) => number) => () =>
    fresh().workers.map((worker) => [{ worker: worker.id }, of(worker)] as const);
  metrics.gauge(
    clusterMetrics.workerPrimaries,
    each(({ primaries }) => primaries),
  );
  metrics.gauge(
    clusterMetrics.workerReplicas,
    each(({ replicas }) => replicas),
  );
  metrics.gauge(
    clusterMetrics.workerDiskFull,
    each(({ diskFull }) => (diskFull ? 1 : 0)),
  );
}
