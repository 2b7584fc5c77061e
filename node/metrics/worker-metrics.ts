/** Everything that a worker measures. `docs/monitoring.md` is generated from this list. */
import { batchBuckets, latencyBuckets } from '../../core/distribution.js';
import { counter, gauge, histogram, perPartition } from '../../platform/metrics/declaration.js';
import { processMetrics } from '../../platform/metrics/process-metrics.js';
import { streamMetrics } from '../../platform/stream/stream-metrics.js';

export const requestMethods = ['GET', 'HEAD', 'PUT', 'DELETE'] as const;
export const codeClasses = ['2xx', '3xx', '4xx', '5xx'] as const;
export const failureReasons = [
  'no_quorum',
  'moving',
  'unavailable',
  'overloaded',
  'disk_full',
  'outcome_unknown',
] as const;
export const writePhases = ['queue', 'local_fsync', 'first_backup', 'reply'] as const;
const directions = ['sent', 'received'] as const;

/** What clients see. */
export const requestMetrics = {
  requests: counter(
    'kvorum_requests_total',
    'Requests for keys by method and HTTP status code, on the worker that the client spoke to. 5xx and 429 are ' +
      'the cluster’s fault; 4xx otherwise the client’s.',
    { method: [...requestMethods, 'other'], code: ['200', '404', '429', '500', '503', '504', '507'] },
  ),
  requestSeconds: histogram(
    'kvorum_request_seconds',
    'From a request that was read whole to its reply, by method and class of the status code: what clients wait ' +
      'for, with routing, forwarding and retries within the cluster.',
    latencyBuckets,
    { method: requestMethods, class: codeClasses },
  ),
  inFlight: gauge(
    'kvorum_requests_in_flight',
    'Requests for keys that wait for their answer. Rising while the rate of requests does not: something is stuck.',
  ),
  connections: gauge('kvorum_connections', 'Connections of clients that are open.'),
  failures: counter(
    'kvorum_quorum_failures_total',
    'Requests that were answered without a quorum, by what was asked and why. no_quorum, unavailable: too few ' +
      'replicas were reached in time; outcome_unknown: a write may or may not have been applied; moving: a planned ' +
      'move took too long; overloaded, disk_full: refused at once.',
    { operation: ['read', 'write'], reason: failureReasons },
  ),
  forwards: counter(
    'kvorum_forwards_total',
    'Requests passed on to the worker that can answer. About 1 - 1/workers of all, unless clients know the ring.',
  ),
  forwardsBroken: counter(
    'kvorum_forwards_broken_total',
    'Forwards whose stream ended before the answer. Above 0: workers or the network between them fail.',
  ),
  repeated: counter(
    'kvorum_attempts_repeated_total',
    'Attempts repeated within the cluster, unseen by clients: failovers and moves show as a burst.',
  ),
  overloaded: counter(
    'kvorum_requests_overloaded_total',
    'Requests refused with 429 because too many were in flight on this worker.',
  ),
  expired: counter(
    'kvorum_requests_expired_total',
    'Requests that ran into their deadline. Each was a client that waited in vain.',
  ),
};

/** What a worker does as primary and as backup. */
export const replicationMetrics = {
  quorumWrite: histogram(
    'kvorum_quorum_write_seconds',
    'From a primary’s accepting a write to its being durable on a quorum. The one number that says how fast ' +
      'writes are; its phases say why.',
    latencyBuckets,
  ),
  phases: histogram(
    'kvorum_quorum_write_phase_seconds',
    'Parts of a write on its primary. queue: accepted to handed out; local_fsync: handed out to durable here; ' +
      'first_backup: handed out to durable on the first backup (at the same time as local_fsync: the slower of the ' +
      'two makes the quorum); reply: quorum to answered.',
    latencyBuckets,
    { phase: writePhases },
  ),
  uncommitted: gauge(
    'kvorum_uncommitted_entries',
    'Writes that this worker handed out as primary and that no quorum holds yet.',
  ),
  uncommittedBytes: gauge('kvorum_uncommitted_bytes', 'Bytes of those writes.'),
  oldestUncommitted: gauge(
    'kvorum_oldest_uncommitted_seconds',
    'Age of the oldest of them. Above a second: a partition of this primary has no quorum just now.',
  ),
  lagEntries: gauge(
    'kvorum_slowest_replica_lag_entries',
    'Committed entries that the slowest voter (the third of three) is not known to hold, of the partition where ' +
      'that is most. Clients do not wait for it, but until it is level the loss of one more worker costs the quorum.',
  ),
  lagSeconds: gauge(
    'kvorum_slowest_replica_lag_seconds',
    'For how long that voter has been behind, of the partition where that is longest; exact to 50 ms.',
  ),
  reads: counter(
    'kvorum_reads_total',
    'Reads answered here, by what gave the right to. lease: at once; round: after asking a quorum; replica: ' +
      'by any replica, since the client allowed it. Many by round: leases are lost, or nobody read for a while.',
    { path: ['lease', 'round', 'replica'] },
  ),
  primaries: gauge('kvorum_primaries', 'Partitions that this worker serves as primary.'),
  replicas: gauge('kvorum_replicas', 'Replicas that this worker holds.'),
  leases: gauge(
    'kvorum_leases_held',
    'Partitions that this worker may read without asking. Below kvorum_primaries under reads: backups are slow.',
  ),
  clockJumps: counter(
    'kvorum_clock_jumps_total',
    'Times that all leases were dropped because wall clock and monotonic clock came apart: the machine was ' +
      'suspended, or its clock was set.',
  ),
  fences: counter(
    'kvorum_fences_total',
    'Fences answered: partitions for which this worker promised an epoch, and whole requests refused as stale. ' +
      'Each failover and each move fences.',
    { result: ['promised', 'refused'] },
  ),
  epochsStarted: counter(
    'kvorum_epochs_started_total',
    'Epochs that this worker began to lead, served in the end or not.',
  ),
  epochsServed: counter('kvorum_epochs_served_total', 'Epochs in which this worker served as primary.'),
  stepDowns: counter(
    'kvorum_step_downs_total',
    'Times that this worker ceased to lead a partition. Without a failover or a move to explain it: trouble.',
  ),
  catchUpBytes: counter(
    'kvorum_catch_up_bytes_total',
    'Bytes of log sent to replicas that were behind, or received by this one.',
    { direction: directions },
  ),
  copyBytes: counter('kvorum_copy_bytes_total', 'Bytes of full copies of partitions, before framing.', {
    direction: directions,
  }),
  copiesUnderWay: gauge('kvorum_copies_under_way', 'Full copies of partitions that are being made.', {
    direction: directions,
  }),
  copies: counter(
    'kvorum_copies_total',
    'Full copies received, by what became of them. Many given up: the network or the disk is too slow.',
    { result: ['taken_over', 'given_up'] },
  ),
  damaged: gauge(
    'kvorum_damaged_replicas',
    'Replicas in which damage was found and that wait for a copy from a peer. Above 0 for long: nobody can ' +
      'give one.',
  ),
  ringVersion: gauge(
    'kvorum_ring_version',
    'Version of the newest ring known here. Workers differ for moments; for longer, one is cut off.',
  ),
  controllers: gauge(
    'kvorum_controllers_connected',
    'Controllers with a stream to this worker. 0: nobody would choose a new primary.',
  ),
  leaving: gauge('kvorum_leaving', '1 while this worker is stopping and hands its primaries over.'),
};

/** The store on the disk. */
export const storageMetrics = {
  batch: histogram(
    'kvorum_log_commit_entries',
    'Entries made durable with one fsync. Growing batches are how throughput rises while the disk does not.',
    batchBuckets,
  ),
  fsync: histogram(
    'kvorum_log_fsync_seconds',
    'One commit of the log to the disk, its fsync included. Above 10 ms the disk bounds every write.',
    latencyBuckets,
  ),
  commitsHere: counter(
    'kvorum_log_commits_in_place_total',
    'Commits of the log that the main thread made itself. It does while the disk takes less than a millisecond.',
  ),
  queue: gauge('kvorum_log_queue_bytes', 'Bytes handed to the log that are not durable yet.'),
  retained: gauge(
    'kvorum_log_retained_bytes',
    'Bytes of entries kept in the log, for replicas that are behind and until the table is synced. Near ' +
      '64 MiB per partition: a replica has been away for long.',
  ),
  apply: histogram(
    'kvorum_apply_seconds',
    'One batch of committed entries written to the table, off the path of a write.',
    latencyBuckets,
  ),
  applyLagEntries: gauge(
    'kvorum_apply_lag_entries',
    'Committed entries that the table lacks; answered from memory meanwhile. At the bound (60,000) writes are ' +
      'refused as overloaded.',
  ),
  applyLagBytes: gauge('kvorum_apply_lag_bytes', 'Bytes of the entries kept in memory for the table.'),
  files: gauge(
    'kvorum_store_file_bytes',
    'Size of the files of the store. A write-ahead log (_wal) beyond 128 MiB: checkpoints do not keep up.',
    { file: ['log', 'log_wal', 'table', 'table_wal'] },
  ),
  diskFree: gauge(
    'kvorum_disk_free_bytes',
    'Room on the file system of the store that this process may use.',
  ),
  diskSize: gauge('kvorum_disk_size_bytes', 'Size of the file system of the store.'),
  diskFull: gauge(
    'kvorum_disk_full',
    '1 while writes are refused for want of room; primaries move to workers with room.',
  ),
  scrubRows: counter('kvorum_scrub_rows_total', 'Rows of the table whose checksum was proved.'),
  scrubRounds: counter('kvorum_scrub_rounds_total', 'Times that the whole table was looked through.'),
  scrubLast: gauge(
    'kvorum_scrub_last_round_timestamp_seconds',
    'When the whole table had last been looked through by this process; 0 if not yet.',
  ),
  scrubDamage: counter(
    'kvorum_scrub_damage_total',
    'Damage found in the table. Any: the disk or the memory of this machine is not to be trusted.',
  ),
};

/** Streams to the other workers. */
export const peerMetrics = {
  connected: gauge(
    'kvorum_peer_connected',
    '1 while there is a stream to that worker. Both ends say so: 0 on one alone is a matter of moments.',
    { peer: [] },
  ),
  silence: gauge(
    'kvorum_peer_silence_seconds',
    'Since when nothing came from that worker on its stream; 0 without a stream.',
    { peer: [] },
  ),
  queue: gauge(
    'kvorum_peer_queue_bytes',
    'Bytes that wait to be sent to that worker. Near 8 MiB: it takes less than it is sent, and is cut off soon.',
    { peer: [] },
  ),
};

/** Only with `--metrics-per-partition`. */
export const partitionMetrics = {
  primary: perPartition(gauge('kvorum_partition_primary', '1 on the worker that serves the partition.')),
  epoch: perPartition(gauge('kvorum_partition_epoch', 'Newest epoch that the replica here is synced in.')),
  committed: perPartition(
    counter(
      'kvorum_partition_committed_entries_total',
      'Entries of the partition that are known to be committed here. Its rate on the primary: writes per second.',
    ),
  ),
  applyLag: perPartition(
    gauge('kvorum_partition_apply_lag_entries', 'Committed entries that the table of the replica lacks.'),
  ),
  replicaLag: perPartition(
    gauge(
      'kvorum_partition_slowest_replica_lag_entries',
      'On the primary: committed entries that the slowest voter is not known to hold.',
    ),
  ),
};

export const workerDeclarations = [
  requestMetrics,
  replicationMetrics,
  storageMetrics,
  peerMetrics,
  partitionMetrics,
  streamMetrics,
  processMetrics,
].flatMap((group) => Object.values(group));
