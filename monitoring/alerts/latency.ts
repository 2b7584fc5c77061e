/** Is it fast? What requests wait for, one cause at a time. */
import { select, theCluster, theProcess } from '../alert.js';
import type { AlertGroup } from '../alert.js';
import { clusterLabels, processLabels, quantileOf } from '../promql.js';

const perCluster = { labels: clusterLabels, window: '5m' };
const perProcess = { labels: processLabels, window: '5m' };

export const latencyAlerts: AlertGroup = {
  name: 'kvorum-latency',
  about: 'is it fast',
  alerts: [
    {
      name: 'KvorumSlowQuorum',
      severity: 'critical',
      holdsFor: '5m',
      expr: `${quantileOf(select, 0.99, 'kvorum_quorum_write_seconds', perCluster)} > 0.5`,
      meaning: 'one write in a hundred takes more than half a second to a quorum',
      summary: `Writes to ${theCluster} are slow`,
      description:
        'One write in a hundred takes longer than {{ $value | humanizeDuration }} to be durable on a quorum.',
    },
    {
      name: 'KvorumSlowDisk',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${quantileOf(select, 0.99, 'kvorum_log_fsync_seconds', perProcess)} > 0.1`,
      meaning: 'a disk takes more than 100 ms to make a commit durable',
      summary: `The disk of ${theProcess} is slow`,
      description:
        'One commit in a hundred takes longer than {{ $value | humanizeDuration }} to be on the disk.',
    },
    {
      name: 'KvorumApplyLagging',
      severity: 'warning',
      holdsFor: '5m',
      expr: `${select('kvorum_apply_lag_entries')} > 30000`,
      meaning: 'the table of a worker is far behind its log; at 60,000 entries writes are refused',
      summary: `The table of ${theProcess} is far behind its log`,
      description:
        '{{ $value | humanize }} committed entries wait to be applied; at 60,000 writes are refused.',
    },
    {
      name: 'KvorumCheckpointLagging',
      severity: 'warning',
      holdsFor: '15m',
      expr: `${select('kvorum_store_file_bytes', 'file=~"log_wal|table_wal"')} > 512 * 1024 * 1024`,
      meaning: 'a write-ahead file is larger than 512 MiB, so that reads slow down and the disk fills',
      summary: `Checkpoints of ${theProcess} do not keep up`,
      description: 'Its file {{ $labels.file }} has grown to {{ $value | humanize1024 }}B.',
    },
    {
      name: 'KvorumOverloaded',
      severity: 'warning',
      holdsFor: '5m',
      expr: `rate(${select('kvorum_requests_overloaded_total')}[5m]) > 0`,
      meaning: 'a worker refuses requests because too many are in flight',
      summary: `${theProcess} refuses requests`,
      description:
        '{{ $value | humanize }} requests a second are answered by 429: more arrive than it can finish.',
    },
    {
      name: 'KvorumEventLoopLagging',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${quantileOf(select, 0.99, 'kvorum_event_loop_delay_seconds', perProcess)} > 0.2`,
      meaning: 'a process stands still at times; beyond 1.5 s others take it for dead',
      summary: `${theProcess} stands still at times`,
      description:
        'One timer in a hundred runs late by {{ $value | humanizeDuration }} or more; at 1.5 s others take it for dead.',
    },
    {
      name: 'KvorumClockJumps',
      severity: 'warning',
      holdsFor: '0s',
      expr: `increase(${select('kvorum_clock_jumps_total')}[1h]) > 0`,
      meaning:
        'a machine was suspended or its clock was set; leases were dropped, reads ask a quorum meanwhile',
      summary: `The clock of ${theProcess} jumps`,
      description:
        'It dropped all its leases {{ $value | humanize }} times within an hour: the machine was suspended, or its clock was set.',
    },
  ],
};
