/**
 * Everything that the controller measures: `kvorum_cluster_*` is the cluster as it sees it,
 * `kvorum_controller_*` is itself. Of several operators the one that leads sees a cluster; the others say 0.
 * `docs/monitoring.md` is generated from this list.
 */
import { orderKinds } from '../../core/control/control-measurements.js';
import { durationBuckets, latencyBuckets } from '../../core/distribution.js';
import { counter, gauge, histogram } from '../../platform/metrics/declaration.js';
import { processMetrics } from '../../platform/metrics/process-metrics.js';
import { streamMetrics } from '../../platform/stream/stream-metrics.js';

export const clusterMetrics = {
  ringVersion: gauge(
    'kvorum_cluster_ring_version',
    'Version of the ring document. Each change of the ring adds 1.',
  ),
  epoch: gauge('kvorum_cluster_epoch', 'Newest epoch that was given out.'),
  partitions: gauge(
    'kvorum_cluster_partitions',
    'Partitions by state; the states exclude each other. without_quorum: cannot be written now; ' +
      'under_replicated: served, but with fewer level replicas than asked for.',
    { state: ['fully_replicated', 'under_replicated', 'without_quorum'] },
  ),
  moving: gauge(
    'kvorum_cluster_partitions_moving',
    'Partitions that are being reconfigured or copied, in whatever state they are.',
  ),
  workers: gauge(
    'kvorum_cluster_workers',
    'Workers by state. suspected: silent, being probed; lost: counts as dead; leaving, draining: on request.',
    { state: ['starting', 'ready', 'suspected', 'lost', 'leaving', 'draining'] },
  ),
  heartbeatAge: gauge(
    'kvorum_cluster_worker_heartbeat_age_seconds',
    'Since when nothing was heard of that worker. Above 1.5 s it is suspected.',
    { worker: [] },
  ),
  workerPrimaries: gauge(
    'kvorum_cluster_worker_primaries',
    'Partitions that the ring gives to that worker as primary. Far apart for long: the balance is off.',
    { worker: [] },
  ),
  workerReplicas: gauge('kvorum_cluster_worker_replicas', 'Replicas that the ring gives to that worker.', {
    worker: [],
  }),
  workerDiskFull: gauge(
    'kvorum_cluster_worker_disk_full',
    '1 while that worker refuses writes for want of room.',
    {
      worker: [],
    },
  ),
  damaged: gauge(
    'kvorum_cluster_damaged_replicas',
    'Replicas in which a scrub or a read found damage and that were not replaced by a copy yet.',
  ),
  missing: gauge(
    'kvorum_cluster_replicas_missing',
    'Replicas to be made anew, since their workers or their stores are gone or there are too few.',
  ),
  misplaced: gauge(
    'kvorum_cluster_replicas_misplaced',
    'Replicas that are to move to another worker, for balance, zones or a drain.',
  ),
  joining: gauge('kvorum_cluster_replicas_joining', 'Replicas that are being filled just now.'),
  repairLeft: gauge(
    'kvorum_cluster_repair_seconds_left',
    'Estimate of how long it takes until no replica is missing or misplaced, from the pace of the last minutes. ' +
      '0: nothing to do; NaN: something to do, and nothing was done yet to tell the pace from.',
  ),
  placed: counter(
    'kvorum_cluster_replicas_placed_total',
    'Replicas that took their place, filled: one that was missing, or one that moved.',
    { kind: ['missing', 'misplaced'] },
  ),
};

export const controllerMetrics = {
  failover: histogram(
    'kvorum_controller_failover_seconds',
    'From the last sign of life of a primary to the ring naming another, by partition: how long its keys could not ' +
      'be written.',
    durationBuckets,
  ),
  reconfiguration: histogram(
    'kvorum_controller_reconfiguration_seconds',
    'From the order to reconfigure a partition to its new configuration, of those that were done. For moves, ' +
      'writes wait for a part of it.',
    durationBuckets,
    { kind: orderKinds },
  ),
  reconfigurations: counter(
    'kvorum_controller_reconfigurations_total',
    'Partitions reconfigured, by kind and result. What failed is tried again; failing for minutes is trouble.',
    { kind: orderKinds, result: ['done', 'failed'] },
  ),
  suspected: counter(
    'kvorum_controller_workers_suspected_total',
    'Times that a worker fell silent or its stream broke, and was probed. Often, without losses: the network or a ' +
      'machine is overloaded.',
  ),
  lost: counter('kvorum_controller_workers_lost_total', 'Times that a worker was declared dead.'),
  ringWrites: counter(
    'kvorum_controller_ring_writes_total',
    'Compare-and-swaps of the ring document, by result. conflict: another controller was first; unknown: no answer ' +
      'in time, so it is read again.',
    { result: ['swapped', 'conflict', 'unknown'] },
  ),
  ringWrite: histogram(
    'kvorum_controller_ring_write_seconds',
    'One compare-and-swap of the ring document. A failover needs two.',
    latencyBuckets,
  ),
  leader: gauge(
    'kvorum_controller_leader',
    '1 on the controller that decides; 0 on those that wait to. The sum is 1, for moments at a change 0.',
  ),
  leaderChanges: counter(
    'kvorum_controller_leader_changes_total',
    'Times that this process became the leader.',
  ),
  halted: gauge(
    'kvorum_controller_halted',
    '1 if the controller found something only a person can put right and decides nothing more; its status says what.',
  ),
  reconciles: counter(
    'kvorum_controller_reconciles_total',
    'Passes over the objects on Kubernetes, by result. later: something did not go through, tried again soon; ' +
      'failed: a pass that broke off. Locally there are none.',
    { result: ['done', 'later', 'failed'] },
  ),
  reconcile: histogram(
    'kvorum_controller_reconcile_seconds',
    'One pass over the objects on Kubernetes.',
    latencyBuckets,
  ),
  apiRequests: counter(
    'kvorum_controller_api_requests_total',
    'Requests to the API server by method and what came of them. unanswered: no reply in time; refused: 4xx other ' +
      'than 404 and 409; failed: 5xx.',
    {
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      result: ['done', 'conflict', 'not_found', 'refused', 'failed', 'unanswered'],
    },
  ),
  apiRequest: histogram(
    'kvorum_controller_api_request_seconds',
    'One request to the API server.',
    latencyBuckets,
  ),
  watchEnds: counter(
    'kvorum_controller_watch_ends_total',
    'Watches that ended and were taken up again. Each does every half minute; more, and the API server is unwell.',
  ),
};

export const controllerDeclarations = [
  clusterMetrics,
  controllerMetrics,
  streamMetrics,
  processMetrics,
].flatMap((group) => Object.values(group));
