/** The controller's view of the cluster as metrics; computed when somebody asks, at most once a second. */
import type { ClusterStatus, PartitionCounts } from '../core/control/cluster-status.js';
import type { Metrics } from '../platform/metrics.js';

const freshForMs = 1_000;

const partitionGauges: Record<keyof PartitionCounts, [name: string, help: string]> = {
  total: ['partitions', 'Partitions of the cluster.'],
  fullyReplicated: ['partitions_fully_replicated', 'Partitions whose replicas are all there and level.'],
  underReplicated: ['partitions_under_replicated', 'Partitions that can be written but lack a replica.'],
  withoutQuorum: ['partitions_without_quorum', 'Partitions that cannot be written.'],
  moving: ['partitions_moving', 'Partitions being reconfigured or copied.'],
};

export function exposeStatus(metrics: Metrics, status: () => ClusterStatus, now: () => number): void {
  let known: { status: ClusterStatus; at: number } | null = null;
  const fresh = () => {
    if (known === null || now() - known.at > freshForMs) known = { status: status(), at: now() };
    return known.status;
  };
  for (const key of Object.keys(partitionGauges) as (keyof PartitionCounts)[]) {
    const [name, help] = partitionGauges[key];
    metrics.gaugeOf(name, help, () => fresh().partitions[key]);
  }
  metrics.gaugeOf('ring_version', 'Version of the ring document.', () => fresh().ringVersion);
  metrics.gaugeOf('workers', 'Workers that are known.', () => fresh().workers.length);
  metrics.gaugeOf('workers_ready', 'Workers that are there and well.', () => {
    return fresh().workers.filter((worker) => worker.state === 'ready').length;
  });
}
