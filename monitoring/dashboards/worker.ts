/** One worker, chosen at the top: what the controller thinks of it, what it serves and what it waits for. */
import { quantileOf } from '../promql.js';
import { dashboard } from './dashboard.js';
import type { Row } from './dashboard.js';
import { fine, heatMap, lines, stat } from './panel.js';
import {
  clusterVariables,
  failoverAnnotations,
  perSecond,
  quantiles,
  quorumHeatMap,
  select,
  window,
} from './shared-choices.js';

/** The worker's own series carry its name as `instance`, the controller's about it as `worker`. */
const own = 'instance="$worker"';
const about = 'worker="$worker"';

const answers: Row = {
  title: 'Is it up? Is data safe? Is it fast?',
  panels: [
    stat({
      title: 'Up: last heartbeat',
      description: 'Since when the controller has heard nothing of it. Above 1.5 s it is probed.',
      queries: [{ expr: `max(${select('kvorum_cluster_worker_heartbeat_age_seconds', about)})` }],
      unit: 's',
      steps: [fine, { value: 1.5, color: 'orange' }, { value: 5, color: 'red' }],
    }),
    stat({
      title: 'Up: primaries',
      description: 'Partitions that it serves. 0 after a restart, until some are moved back to it.',
      queries: [{ expr: select('kvorum_primaries', own) }],
      unit: 'none',
      steps: [{ value: null, color: 'blue' }],
    }),
    stat({
      title: 'Safe: lag of the slowest replica',
      description: 'Of what this worker writes as primary: for how long a voter has been behind.',
      queries: [{ expr: select('kvorum_slowest_replica_lag_seconds', own) }],
      unit: 's',
      steps: [fine, { value: 5, color: 'orange' }, { value: 30, color: 'red' }],
    }),
    stat({
      title: 'Safe: disk left',
      description: 'When nothing is left it refuses writes and hands its primaries over.',
      queries: [
        { expr: `${select('kvorum_disk_free_bytes', own)} / ${select('kvorum_disk_size_bytes', own)}` },
      ],
      unit: 'percentunit',
      steps: [
        { value: null, color: 'red' },
        { value: 0.05, color: 'orange' },
        { value: 0.15, color: 'green' },
      ],
    }),
    stat({
      title: 'Fast: slowest commit in a hundred',
      description: 'One commit of its log to the disk, the fsync included.',
      queries: [
        { expr: quantileOf(select, 0.99, 'kvorum_log_fsync_seconds', { labels: '', window, matchers: own }) },
      ],
      unit: 's',
      steps: [fine, { value: 0.02, color: 'orange' }, { value: 0.1, color: 'red' }],
    }),
    stat({
      title: 'Fast: busy main thread',
      description: 'Near 1: it takes no more load.',
      queries: [{ expr: `sum(rate(${select('kvorum_event_loop_active_seconds_total', own)}[${window}]))` }],
      unit: 'percentunit',
      steps: [fine, { value: 0.7, color: 'orange' }, { value: 0.95, color: 'red' }],
    }),
  ],
};

const requests: Row = {
  title: 'Requests',
  panels: [
    quorumHeatMap(own),
    lines({
      title: 'Quorum latency of its primaries, quantiles',
      description: 'p99 is what one write in a hundred exceeds.',
      queries: quantiles('kvorum_quorum_write_seconds', own),
      unit: 's',
    }),
    lines({
      title: 'What a write waits for, p99',
      description:
        'local_fsync above first_backup: the disk here is the slow one; below: the network or the others.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_quorum_write_phase_seconds', {
            labels: 'phase',
            window,
            matchers: own,
          }),
          legend: '{{phase}}',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Requests per second',
      description: 'Of clients that spoke to this worker.',
      queries: [
        { expr: perSecond('kvorum_requests_total', 'method, code', own), legend: '{{method}} {{code}}' },
        { expr: perSecond('kvorum_forwards_total', 'instance', own), legend: 'passed on' },
      ],
      unit: 'ops',
    }),
    lines({
      title: 'Reads per second',
      description:
        'lease: answered at once; round: after asking a quorum; replica: by any replica, as the client allowed.',
      queries: [{ expr: perSecond('kvorum_reads_total', 'path', own), legend: '{{path}}' }],
      unit: 'ops',
    }),
    lines({
      title: 'In flight',
      description: 'Rising while the rate of requests does not: something is stuck.',
      queries: [
        { expr: select('kvorum_requests_in_flight', own), legend: 'requests' },
        { expr: select('kvorum_uncommitted_entries', own), legend: 'writes without a quorum yet' },
        { expr: select('kvorum_connections', own), legend: 'connections' },
      ],
      unit: 'none',
    }),
  ],
};

const replication: Row = {
  title: 'Replication',
  panels: [
    lines({
      title: 'Partitions',
      description:
        'That it serves as primary, that it may read without asking, and of which it holds a replica.',
      queries: [
        { expr: select('kvorum_primaries', own), legend: 'primary' },
        { expr: select('kvorum_leases_held', own), legend: 'with a lease' },
        { expr: select('kvorum_replicas', own), legend: 'replicas' },
      ],
      unit: 'none',
    }),
    lines({
      title: 'Fences and epochs per second',
      description: 'Each failover and each move fences and starts an epoch. Without either of them: trouble.',
      queries: [
        { expr: perSecond('kvorum_fences_total', 'result', own), legend: 'fence {{result}}' },
        { expr: perSecond('kvorum_epochs_started_total', 'instance', own), legend: 'epoch started' },
        { expr: perSecond('kvorum_step_downs_total', 'instance', own), legend: 'stepped down' },
      ],
      unit: 'ops',
    }),
    lines({
      title: 'Streams to others',
      description:
        '1: there is one. 0 for longer than moments: one of the two is down, or the network keeps them apart.',
      queries: [{ expr: select('kvorum_peer_connected', own), legend: '{{peer}}' }],
      unit: 'none',
    }),
    lines({
      title: 'Waiting to be sent',
      description: 'Near 8 MiB: that worker takes less than it is sent, and is cut off soon.',
      queries: [{ expr: select('kvorum_peer_queue_bytes', own), legend: '{{peer}}' }],
      unit: 'bytes',
    }),
    lines({
      title: 'Copies and catching up, per second',
      description: 'Bytes that fill replicas, here and elsewhere.',
      queries: [
        { expr: perSecond('kvorum_copy_bytes_total', 'direction', own), legend: 'copy {{direction}}' },
        { expr: perSecond('kvorum_catch_up_bytes_total', 'direction', own), legend: 'log {{direction}}' },
      ],
      unit: 'Bps',
    }),
    lines({
      title: 'Ring version',
      description: 'Known here, and the newest. Apart for longer than moments: this worker is cut off.',
      queries: [
        { expr: select('kvorum_ring_version', own), legend: 'here' },
        { expr: `max(${select('kvorum_cluster_ring_version')})`, legend: 'newest' },
      ],
      unit: 'none',
    }),
  ],
};

const storage: Row = {
  title: 'Storage',
  panels: [
    heatMap({
      title: 'Commits to the disk',
      description: 'How long each commit of the log took, its fsync included.',
      queries: [
        {
          expr: `sum by (le) (increase(${select('kvorum_log_fsync_seconds_bucket', own)}[${window}]))`,
          legend: '{{le}}',
          format: 'heatmap',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Entries in a commit',
      description: 'Growing batches are how throughput rises while the disk stays as it is.',
      queries: quantiles('kvorum_log_commit_entries', own).slice(0, 3),
      unit: 'none',
    }),
    lines({
      title: 'Table behind the log',
      description: 'Committed entries that are not applied yet. At 60,000 writes are refused.',
      queries: [{ expr: select('kvorum_apply_lag_entries', own), legend: 'entries' }],
      unit: 'none',
    }),
    lines({
      title: 'Files',
      description: 'A write-ahead file (wal) beyond 128 MiB: checkpoints do not keep up.',
      queries: [{ expr: select('kvorum_store_file_bytes', own), legend: '{{file}}' }],
      unit: 'bytes',
      stacked: true,
    }),
    lines({
      title: 'Scrub: rows per second',
      description: 'Rows whose checksums were proved.',
      queries: [{ expr: perSecond('kvorum_scrub_rows_total', 'instance', own), legend: 'rows' }],
      unit: 'ops',
    }),
    lines({
      title: 'Damage found',
      description: 'Any: the disk or the memory of this machine is not to be trusted.',
      queries: [{ expr: select('kvorum_scrub_damage_total', own), legend: 'since it started' }],
      unit: 'none',
    }),
  ],
};

const processRow: Row = {
  title: 'Process',
  panels: [
    lines({
      title: 'Processor',
      description: 'Cores in use, all threads together.',
      queries: [{ expr: perSecond('process_cpu_seconds_total', 'instance', own), legend: 'cores' }],
      unit: 'none',
    }),
    lines({
      title: 'Memory',
      description: 'Resident, and the part of it that JavaScript uses.',
      queries: [
        { expr: select('process_resident_memory_bytes', own), legend: 'resident' },
        { expr: select('nodejs_heap_size_used_bytes', own), legend: 'heap' },
      ],
      unit: 'bytes',
    }),
    lines({
      title: 'Late timers, p99',
      description: 'Above 50 ms the process stands still at times; above 1.5 s others take it for dead.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_event_loop_delay_seconds', {
            labels: '',
            window,
            matchers: own,
          }),
          legend: 'p99',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Warnings and errors in its log, per second',
      description: 'Errors are worth a look each.',
      queries: [
        {
          expr: perSecond('kvorum_messages_logged_total', 'level', `${own},level=~"warn|error"`),
          legend: '{{level}}',
        },
      ],
      unit: 'ops',
    }),
  ],
};

export const workerDashboard = dashboard({
  uid: 'kvorum-worker',
  title: 'Kvorum: a worker',
  description: 'One worker of a Kvorum cluster.',
  variables: [
    ...clusterVariables,
    {
      name: 'worker',
      label: 'Worker',
      query: 'label_values(kvorum_primaries{namespace="$namespace",cluster="$cluster"}, instance)',
    },
  ],
  annotations: failoverAnnotations,
  rows: [answers, requests, replication, storage, processRow],
});
