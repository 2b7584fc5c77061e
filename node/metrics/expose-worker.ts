/** The worker's state as series, read from its parts when somebody asks. */
import { slowestLag } from '../../core/replication/replica-lag.js';
import type { Leader } from '../../core/replication/leader.js';
import type { Replica } from '../../core/replication/replica.js';
import type { WorkerId } from '../../core/ring/ring-record.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Worker } from '../worker/worker.js';
import { partitionMetrics, peerMetrics, replicationMetrics, storageMetrics } from './worker-metrics.js';

export interface ShownWorker {
  id: WorkerId;
  worker: Worker;
  peers: { loadOf(peer: WorkerId): { queuedBytes: number; silentForMs: number } | null };
  isLeaving: () => boolean;
  /** Monotonic milliseconds. */
  now: () => number;
}

export function exposeWorker(metrics: Metrics, shown: ShownWorker): void {
  const { worker } = shown;
  metrics.gauge(replicationMetrics.primaries, () => worker.leading);
  metrics.gauge(replicationMetrics.replicas, () => worker.inspect().length);
  metrics.gauge(replicationMetrics.leases, () => worker.leased);
  metrics.gauge(replicationMetrics.ringVersion, () => worker.ring()?.version ?? 0);
  metrics.gauge(replicationMetrics.controllers, () => worker.controllerCount);
  metrics.gauge(replicationMetrics.leaving, () => (shown.isLeaving() ? 1 : 0));
  metrics.gauge(storageMetrics.diskFull, () => (worker.isDiskFull() ? 1 : 0));
  exposeMeasured(metrics, worker);
  exposeReplicas(metrics, shown);
  exposePartitions(metrics, worker);
  exposePeers(metrics, shown);
}

function exposeMeasured(metrics: Metrics, { measured }: Worker): void {
  metrics.histogram(replicationMetrics.quorumWrite, () => measured.quorumWrite);
  metrics.histogram(replicationMetrics.phases, () => [
    [{ phase: 'queue' }, measured.queue],
    [{ phase: 'local_fsync' }, measured.localFsync],
    [{ phase: 'first_backup' }, measured.firstBackup],
    [{ phase: 'reply' }, measured.reply],
  ]);
  metrics.total(replicationMetrics.reads, () => [
    [{ path: 'lease' }, measured.readsByLease],
    [{ path: 'round' }, measured.readsByRound],
    [{ path: 'replica' }, measured.readsByReplica],
  ]);
  metrics.total(replicationMetrics.clockJumps, () => measured.clockJumps);
  metrics.total(replicationMetrics.fences, () => [
    [{ result: 'promised' }, measured.fencesPromised],
    [{ result: 'refused' }, measured.fencesRefused],
  ]);
  metrics.total(replicationMetrics.epochsStarted, () => measured.epochsStarted);
  metrics.total(replicationMetrics.epochsServed, () => measured.epochsServed);
  metrics.total(replicationMetrics.stepDowns, () => measured.stepDowns);
  metrics.total(replicationMetrics.catchUpBytes, () => [
    [{ direction: 'sent' }, measured.catchUpBytesSent],
    [{ direction: 'received' }, measured.catchUpBytesReceived],
  ]);
  metrics.total(replicationMetrics.copyBytes, () => [
    [{ direction: 'sent' }, measured.copyBytesSent],
    [{ direction: 'received' }, measured.copyBytesReceived],
  ]);
  metrics.total(replicationMetrics.copies, () => [
    [{ result: 'taken_over' }, measured.copiesTakenOver],
    [{ result: 'given_up' }, measured.copiesGivenUp],
  ]);
}

function exposeReplicas(metrics: Metrics, { worker, now }: ShownWorker): void {
  const sum = (of: (replica: Replica) => number) => () =>
    worker.inspect().reduce((total, replica) => total + of(replica), 0);
  const most = (of: (replica: Replica, leader: Leader) => number) => () =>
    worker.inspect().reduce((greatest, replica) => {
      const { leader } = replica;
      return leader?.active === true ? Math.max(greatest, of(replica, leader)) : greatest;
    }, 0);
  metrics.gauge(
    replicationMetrics.uncommitted,
    sum(({ leader }) => leader?.pending.length ?? 0),
  );
  metrics.gauge(
    replicationMetrics.uncommittedBytes,
    sum(({ leader }) => leader?.pendingBytes ?? 0),
  );
  metrics.gauge(
    replicationMetrics.oldestUncommitted,
    most((_, { pending }) => (pending[0] === undefined ? 0 : (now() - pending[0].acceptedAt) / 1_000)),
  );
  metrics.gauge(
    replicationMetrics.lagEntries,
    most((replica, leader) => slowestLag(replica, leader).entries),
  );
  metrics.gauge(
    replicationMetrics.lagSeconds,
    most((replica, leader) => slowestLag(replica, leader).lagMs / 1_000),
  );
  metrics.gauge(
    replicationMetrics.damaged,
    sum(({ damaged }) => (damaged ? 1 : 0)),
  );
  const receiving = sum(({ receiver }) => ((receiver?.copy ?? null) === null ? 0 : 1));
  metrics.gauge(replicationMetrics.copiesUnderWay, () => [
    [{ direction: 'sent' }, worker.copiesSent],
    [{ direction: 'received' }, receiving()],
  ]);
  metrics.gauge(storageMetrics.applyLagEntries, sum(applyLag));
  metrics.gauge(
    storageMetrics.applyLagBytes,
    sum(({ tail }) => tail.reduce((bytes, entry) => bytes + entry.bytes.length, 0)),
  );
  metrics.gauge(
    storageMetrics.retained,
    sum(({ logBytes }) => logBytes),
  );
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
  metrics.gauge(partitionMetrics.replicaLag, () =>
    worker.inspect().flatMap((replica) => {
      const { leader, partition } = replica;
      if (leader?.active !== true) return [];
      return [[{ partition: String(partition) }, slowestLag(replica, leader).entries] as const];
    }),
  );
}

function exposePeers(metrics: Metrics, { id, worker, peers }: ShownWorker): void {
  const each = (of: (load: { queuedBytes: number; silentForMs: number } | null) => number) => () =>
    Object.keys(worker.ring()?.members ?? {})
      .filter((peer) => peer !== id)
      .map((peer) => [{ peer }, of(peers.loadOf(peer))] as const);
  metrics.gauge(
    peerMetrics.connected,
    each((load) => (load === null ? 0 : 1)),
  );
  metrics.gauge(
    peerMetrics.silence,
    each((load) => (load?.silentForMs ?? 0) / 1_000),
  );
  metrics.gauge(
    peerMetrics.queue,
    each((load) => load?.queuedBytes ?? 0),
  );
}

function applyLag({ commitSeq, lastSeq, appliedSeq }: Replica): number {
  return Math.max(0, Math.min(commitSeq, lastSeq) - appliedSeq);
}
