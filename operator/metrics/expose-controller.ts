/** The controller's view of the cluster, and the controller itself, as series. */
import { statusOf } from '../../core/control/cluster-status.js';
import type { ClusterStatus, WorkerStatus } from '../../core/control/cluster-status.js';
import { orderKinds } from '../../core/control/control-measurements.js';
import { repairsOf } from '../../core/control/repairs.js';
import type { Repairs } from '../../core/control/repairs.js';
import type { Sight } from '../../core/control/sight.js';
import { ProgressEstimate } from '../../core/picture/progress-estimate.js';
import type { Metrics } from '../../platform/metrics/metrics.js';
import { clusterMetrics, controllerMetrics } from './controller-metrics.js';
import type { OperatorMeasurements } from './operator-measurements.js';

export interface ShownController {
  /** Null while another one leads. */
  sight: () => Sight | null;
  isLeader: () => boolean;
  measurements: OperatorMeasurements;
  /** Monotonic milliseconds. */
  now: () => number;
}

interface Seen {
  at: number;
  status: ClusterStatus | null;
  repairs: Repairs;
  heartbeatAges: (readonly [worker: string, seconds: number])[];
  halted: boolean;
}

/** All series of one scrape come from one look. */
const freshForMs = 1_000;
/** The pace of repairs is told from looks this far apart, whether or not somebody asks. */
const paceEveryMs = 5_000;
const noRepairs: Repairs = { missing: 0, misplaced: 0, joining: 0, damaged: 0 };

export function exposeController(metrics: Metrics, shown: ShownController): void {
  let seen: Seen | null = null;
  const look = () => {
    if (seen === null || shown.now() - seen.at > freshForMs) seen = see(shown);
    return seen;
  };
  exposeCluster(metrics, look);
  exposeRepairs(metrics, shown, look);
  exposeReconfigurations(metrics, shown.measurements);
  exposeProgram(metrics, shown, look);
}

function see({ sight, now }: ShownController): Seen {
  const found = sight();
  if (found === null)
    return { at: now(), status: null, repairs: noRepairs, heartbeatAges: [], halted: false };
  const workers = found.workers.all();
  return {
    at: now(),
    status: statusOf(found),
    repairs: found.view === null ? noRepairs : repairsOf(found.view),
    heartbeatAges: workers.map(({ id, heardAt }) => [id, (found.now - heardAt) / 1_000]),
    halted: found.halted !== '',
  };
}

function exposeCluster(metrics: Metrics, look: () => Seen): void {
  metrics.gauge(clusterMetrics.ringVersion, () => look().status?.ringVersion ?? 0);
  metrics.gauge(clusterMetrics.epoch, () => look().status?.epochCounter ?? 0);
  metrics.gauge(clusterMetrics.partitions, () => {
    const counts = look().status?.partitions;
    return [
      [{ state: 'fully_replicated' }, counts?.fullyReplicated ?? 0],
      [{ state: 'under_replicated' }, counts?.underReplicated ?? 0],
      [{ state: 'without_quorum' }, counts?.withoutQuorum ?? 0],
    ];
  });
  metrics.gauge(clusterMetrics.moving, () => look().status?.partitions.moving ?? 0);
  metrics.gauge(clusterMetrics.workers, () => {
    const counts = new Map<string, number>();
    for (const { state } of look().status?.workers ?? []) counts.set(state, (counts.get(state) ?? 0) + 1);
    return [...counts].map(([state, count]) => [{ state }, count] as const);
  });
  metrics.gauge(clusterMetrics.heartbeatAge, () =>
    look().heartbeatAges.map(([worker, seconds]) => [{ worker }, seconds] as const),
  );
  const each = (of: (worker: WorkerStatus) => number) => () =>
    look().status?.workers.map((worker) => [{ worker: worker.id }, of(worker)] as const) ?? [];
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

function exposeRepairs(metrics: Metrics, { measurements, now }: ShownController, look: () => Seen): void {
  metrics.gauge(clusterMetrics.damaged, () => look().repairs.damaged);
  metrics.gauge(clusterMetrics.missing, () => look().repairs.missing);
  metrics.gauge(clusterMetrics.misplaced, () => look().repairs.misplaced);
  metrics.gauge(clusterMetrics.joining, () => look().repairs.joining);
  const pace = new ProgressEstimate();
  const secondsLeft = () => {
    const { missing, misplaced } = look().repairs;
    const remainingMs = pace.remainingMs(now(), missing + misplaced);
    if (missing + misplaced === 0) return 0;
    return remainingMs === null ? NaN : remainingMs / 1_000;
  };
  if (metrics.enabled) setInterval(secondsLeft, paceEveryMs).unref();
  metrics.gauge(clusterMetrics.repairLeft, secondsLeft);
  metrics.total(clusterMetrics.placed, () => [
    [{ kind: 'missing' }, measurements.control.missingPlaced],
    [{ kind: 'misplaced' }, measurements.control.misplacedPlaced],
  ]);
}

function exposeReconfigurations(metrics: Metrics, { control }: OperatorMeasurements): void {
  metrics.histogram(controllerMetrics.failover, () => control.failover);
  metrics.histogram(controllerMetrics.reconfiguration, () =>
    orderKinds.map((kind) => [{ kind }, control.reconfiguration[kind]] as const),
  );
  metrics.total(controllerMetrics.reconfigurations, () =>
    orderKinds.flatMap((kind) => [
      [{ kind, result: 'done' }, control.done[kind]] as const,
      [{ kind, result: 'failed' }, control.failed[kind]] as const,
    ]),
  );
  metrics.total(controllerMetrics.suspected, () => control.suspected);
  metrics.total(controllerMetrics.lost, () => control.lost);
}

function exposeProgram(metrics: Metrics, shown: ShownController, look: () => Seen): void {
  const { measurements } = shown;
  const byResult = (counts: Record<string, number>) =>
    Object.entries(counts).map(([result, count]) => [{ result }, count] as const);
  metrics.total(controllerMetrics.ringWrites, () => byResult(measurements.ringWrites));
  metrics.histogram(controllerMetrics.ringWrite, () => measurements.ringWrite);
  metrics.gauge(controllerMetrics.leader, () => (shown.isLeader() ? 1 : 0));
  metrics.total(controllerMetrics.leaderChanges, () => measurements.leaderChanges);
  metrics.gauge(controllerMetrics.halted, () => (look().halted ? 1 : 0));
  metrics.total(controllerMetrics.reconciles, () => byResult(measurements.reconciles));
  metrics.histogram(controllerMetrics.reconcile, () => measurements.reconcile);
  metrics.total(controllerMetrics.apiRequests, () =>
    [...measurements.apiRequests.values()].map(
      ({ method, result, count }) => [{ method, result }, count] as const,
    ),
  );
  metrics.histogram(controllerMetrics.apiRequest, () => measurements.apiRequest);
  metrics.total(controllerMetrics.watchEnds, () => measurements.watchEnds);
}
