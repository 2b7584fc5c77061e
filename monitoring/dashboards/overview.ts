/** The whole cluster. Its top row answers in colours: is it up, is data safe, is it fast? */
import { quantileOf } from '../promql.js';
import { dashboard } from './dashboard.js';
import type { Row } from './dashboard.js';
import { fine, lines, stat } from './panel.js';
import {
  clusterVariables,
  failoverAnnotations,
  perSecond,
  quantiles,
  quorumHeatMap,
  select,
  window,
} from './shared-choices.js';

const partitions = (state: string) => `max(${select('kvorum_cluster_partitions', `state="${state}"`)})`;
const requests = (matchers: string) => `sum(rate(${select('kvorum_requests_total', matchers)}[${window}]))`;

const answers: Row = {
  title: 'Is it up? Is data safe? Is it fast?',
  panels: [
    stat({
      title: 'Up: partitions without quorum',
      description: 'Above 0: their keys are neither read nor written.',
      queries: [{ expr: partitions('without_quorum') }],
      unit: 'none',
      steps: [fine, { value: 1, color: 'red' }],
    }),
    stat({
      title: 'Up: workers not ready',
      description: 'Starting, suspected, lost, leaving or draining. One is survived without notice.',
      queries: [{ expr: `sum(max by (state) (${select('kvorum_cluster_workers', 'state!="ready"')}))` }],
      unit: 'none',
      steps: [fine, { value: 1, color: 'orange' }, { value: 2, color: 'red' }],
    }),
    stat({
      title: 'Up: a controller leads',
      description: 'No: keys are served, but the next failure would not be repaired.',
      queries: [{ expr: `max(${select('kvorum_controller_leader')})` }],
      unit: 'none',
      steps: [
        { value: null, color: 'red' },
        { value: 1, color: 'green' },
      ],
      words: { 0: 'no', 1: 'yes' },
    }),
    stat({
      title: 'Safe: partitions lacking a copy',
      description: 'They are served, but have fewer level replicas than asked for.',
      queries: [{ expr: partitions('under_replicated') }],
      unit: 'none',
      steps: [fine, { value: 1, color: 'orange' }],
    }),
    stat({
      title: 'Fast: slowest write in a hundred',
      description: 'From its acceptance to being durable on a quorum.',
      queries: [{ expr: quantileOf(select, 0.99, 'kvorum_quorum_write_seconds', { labels: '', window }) }],
      unit: 's',
      steps: [fine, { value: 0.1, color: 'orange' }, { value: 0.5, color: 'red' }],
    }),
    stat({
      title: 'Fast: requests that fail',
      description: 'Share of the requests that are answered by 5xx.',
      queries: [{ expr: `${requests('code=~"5.."')} / ${requests('')}` }],
      unit: 'percentunit',
      steps: [fine, { value: 0.001, color: 'orange' }, { value: 0.01, color: 'red' }],
    }),
  ],
};

const latency: Row = {
  title: 'Requests',
  panels: [
    quorumHeatMap(),
    lines({
      title: 'Quorum latency, quantiles',
      description: 'The same as shares: p99 is what one write in a hundred exceeds.',
      queries: quantiles('kvorum_quorum_write_seconds'),
      unit: 's',
    }),
    lines({
      title: 'What a write waits for, p99',
      description:
        'queue: before it is handed out; local_fsync and first_backup run side by side, and the slower of the two makes the quorum; reply: until it is answered.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_quorum_write_phase_seconds', { labels: 'phase', window }),
          legend: '{{phase}}',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'What clients wait for, p99',
      description: 'With routing, forwarding and retries within the cluster.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_request_seconds', {
            labels: 'method',
            window,
            matchers: 'class="2xx"',
          }),
          legend: '{{method}}',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Requests per second',
      description: 'By method and status code.',
      queries: [{ expr: perSecond('kvorum_requests_total', 'method, code'), legend: '{{method}} {{code}}' }],
      unit: 'ops',
      stacked: true,
    }),
    lines({
      title: 'Requests without a quorum, per second',
      description: 'By reason. outcome_unknown: a write may or may not have been applied.',
      queries: [{ expr: perSecond('kvorum_quorum_failures_total', 'reason'), legend: '{{reason}}' }],
      unit: 'ops',
    }),
  ],
};

const replication: Row = {
  title: 'Partitions and replicas',
  panels: [
    lines({
      title: 'Partitions by state',
      description: 'All of them should be fully replicated.',
      queries: [{ expr: `max by (state) (${select('kvorum_cluster_partitions')})`, legend: '{{state}}' }],
      unit: 'none',
      stacked: true,
    }),
    lines({
      title: 'Workers by state',
      description:
        'suspected: silent and being probed; lost: counts as dead; leaving and draining: on request.',
      queries: [{ expr: `max by (state) (${select('kvorum_cluster_workers')})`, legend: '{{state}}' }],
      unit: 'none',
      stacked: true,
    }),
    lines({
      title: 'Lag of the slowest replica',
      description:
        'For how long the slowest replica of any partition has been behind, by the primary that writes to it.',
      queries: [{ expr: select('kvorum_slowest_replica_lag_seconds'), legend: '{{instance}}' }],
      unit: 's',
    }),
    lines({
      title: 'Time since the last heartbeat',
      description: 'Above 1.5 s a worker is probed, and then failed over.',
      queries: [
        {
          expr: `max by (worker) (${select('kvorum_cluster_worker_heartbeat_age_seconds')})`,
          legend: '{{worker}}',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Replicas to be made or moved',
      description: 'missing: their worker or its disk is gone; misplaced: for balance, zones or a drain.',
      queries: [
        { expr: `max(${select('kvorum_cluster_replicas_missing')})`, legend: 'missing' },
        { expr: `max(${select('kvorum_cluster_replicas_misplaced')})`, legend: 'misplaced' },
        { expr: `max(${select('kvorum_cluster_replicas_joining')})`, legend: 'being filled' },
      ],
      unit: 'none',
    }),
    lines({
      title: 'Time until all is in its place',
      description: 'Estimated from the pace of the last minutes; 0: nothing to do.',
      queries: [{ expr: `max(${select('kvorum_cluster_repair_seconds_left')})`, legend: 'left' }],
      unit: 's',
    }),
    lines({
      title: 'Bytes received to fill replicas, per second',
      description: 'Full copies and the log after them; throttled, so that clients keep their share.',
      queries: [
        {
          expr: perSecond('kvorum_copy_bytes_total', 'instance', 'direction="received"'),
          legend: 'copy {{instance}}',
        },
        {
          expr: perSecond('kvorum_catch_up_bytes_total', 'instance', 'direction="received"'),
          legend: 'log {{instance}}',
        },
      ],
      unit: 'Bps',
    }),
    lines({
      title: 'Primaries by worker',
      description: 'Far apart for long: the balance is off.',
      queries: [{ expr: select('kvorum_primaries'), legend: '{{instance}}' }],
      unit: 'none',
    }),
  ],
};

const control: Row = {
  title: 'Controller',
  panels: [
    lines({
      title: 'Failovers: partitions per minute',
      description: 'Partitions that were given another primary because theirs was gone.',
      queries: [
        {
          expr: `60 * ${perSecond('kvorum_controller_reconfigurations_total', 'kind, result')}`,
          legend: '{{kind}} {{result}}',
        },
      ],
      unit: 'none',
    }),
    lines({
      title: 'Duration of failovers',
      description: 'From the last sign of life of a primary to the ring naming another.',
      queries: quantiles('kvorum_controller_failover_seconds').slice(0, 3),
      unit: 's',
    }),
    lines({
      title: 'Ring document: time to change it, p99',
      description: 'A failover needs two changes of it.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_controller_ring_write_seconds', { labels: '', window }),
          legend: 'p99',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Errors per second',
      description:
        'Of changes of the ring document, passes over Kubernetes’ objects, and requests to its API server.',
      queries: [
        {
          expr: perSecond('kvorum_controller_ring_writes_total', 'result', 'result!="swapped"'),
          legend: 'ring: {{result}}',
        },
        {
          expr: perSecond('kvorum_controller_reconciles_total', 'result', 'result!="done"'),
          legend: 'pass: {{result}}',
        },
        {
          expr: perSecond(
            'kvorum_controller_api_requests_total',
            'result',
            'result=~"refused|failed|unanswered"',
          ),
          legend: 'API: {{result}}',
        },
      ],
      unit: 'ops',
    }),
  ],
};

const resources: Row = {
  title: 'Resources',
  panels: [
    lines({
      title: 'Disk left',
      description: 'When nothing is left, writes are refused (507).',
      queries: [
        {
          expr: `${select('kvorum_disk_free_bytes')} / ${select('kvorum_disk_size_bytes')}`,
          legend: '{{instance}}',
        },
      ],
      unit: 'percentunit',
      max: 1,
    }),
    lines({
      title: 'Commits to the disk, p99',
      description: 'One fsync serves all writes that wait for it.',
      queries: [
        {
          expr: quantileOf(select, 0.99, 'kvorum_log_fsync_seconds', { labels: 'instance', window }),
          legend: '{{instance}}',
        },
      ],
      unit: 's',
    }),
    lines({
      title: 'Processor',
      description: 'Cores in use, all threads of a process together.',
      queries: [{ expr: perSecond('process_cpu_seconds_total', 'instance'), legend: '{{instance}}' }],
      unit: 'none',
    }),
    lines({
      title: 'Memory',
      description: 'Resident memory of each process.',
      queries: [{ expr: select('process_resident_memory_bytes'), legend: '{{instance}}' }],
      unit: 'bytes',
    }),
    lines({
      title: 'Busy main thread',
      description: 'Near 1: this process takes no more load.',
      queries: [
        { expr: perSecond('kvorum_event_loop_active_seconds_total', 'instance'), legend: '{{instance}}' },
      ],
      unit: 'percentunit',
      max: 1,
    }),
    lines({
      title: 'Damage found',
      description: 'Since the process started. Any: its disk or its memory is not to be trusted.',
      queries: [{ expr: select('kvorum_scrub_damage_total'), legend: '{{instance}}' }],
      unit: 'none',
    }),
  ],
};

export const overview = dashboard({
  uid: 'kvorum',
  title: 'Kvorum',
  description: 'A Kvorum cluster as a whole.',
  variables: clusterVariables,
  annotations: failoverAnnotations,
  rows: [answers, latency, replication, control, resources],
});
