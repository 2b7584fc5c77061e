/** The worker's state as series, read from its parts when somebody asks. */
import type { Replica } from '../../core/replication/replica.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Worker } from '../worker/worker.js';
import { partitionMetrics, replicationMetrics, storageMetrics } from './worker-metrics.js';

export function exposeWorker(metrics: Metrics, worker: Worker): void {
  const sum = (of: (replica: Replica) => number) => () => {
    let total = 0;
    for (const replica of worker.inspect()) total += of(replica);
    return total;
  };
  metrics.gauge(replicationMetrics.primaries, () => worker.leading);
  metrics.gauge(replicationMetrics.replicas, () => worker.inspect().length);
  metrics.gauge(replicationMetrics.ringVersion, () => worker.ring()?.version ?? 0);
  metrics.gauge(
    replicationMetrics.uncommitted,
    sum(({ leader }) => leader?.pending.length ?? 0),
  );
  metrics.gauge(
    replicationMetrics.uncommittedBytes,
    sum(({ leader }) => leader?.pendingBytes ?? 0),
  );
  metrics.gauge(
    replicationMetrics.damaged,
    sum(({ damaged }) => (damaged ? 1 : 0)),
  );
  metrics.gauge(storageMetrics.applyLagEntries, sum(applyLag));
  metrics.gauge(
    storageMetrics.retained,
    sum(({ logBytes }) => logBytes),
  );
  metrics.gauge(storageMetrics.diskFull, () => (worker.isDiskFull() ? 1 : 0));
  exposePartitions(metrics, worker);
}

function exposePartitions(metrics: Metrics, worker: Worker): void {
  const each = (of: (replica: Replica) => number) => () =>
    worker.inspect().map((replica) => [{ partition: String(replica.partition) }, of(replica)] as const);
  metrics.gauge(
    partitionMetrics.primary,
    each(({ leader }) => (leader?.active === true ? 1 : 0)),
  );
  metrics.gauge(
    partitionMetrics.epoch,
    each(({ syncedEpoch }) => syncedEpoch),
  );
  metrics.total(
    partitionMetrics.committed,
    each(({ commitSeq }) => commitSeq),
  );
  metrics.gauge(partitionMetrics.applyLag, each(applyLag));
}

function applyLag({ commitSeq, lastSeq, appliedSeq }: Replica): number {
  return Math.max(0, Math.min(commitSeq, lastSeq) - appliedSeq);
}
