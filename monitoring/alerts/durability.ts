/** Is data safe? Whether every key has its copies, and whether these are sound. */
import { select, theCluster, theProcess } from '../alert.js';
import type { AlertGroup } from '../alert.js';
import { clusterLabels } from '../promql.js';

const greatest = (metric: string, matchers?: string) =>
  `max by (${clusterLabels}) (${select(metric, matchers)})`;
const copied = ['kvorum_copy_bytes_total', 'kvorum_catch_up_bytes_total']
  .map((metric) => `sum by (${clusterLabels}) (increase(${select(metric, 'direction="received"')}[15m]))`)
  .join(' + ');

export const durabilityAlerts: AlertGroup = {
  name: 'kvorum-durability',
  about: 'is data safe',
  alerts: [
    {
      name: 'KvorumUnderReplicated',
      severity: 'warning',
      holdsFor: '15m',
      expr: `${greatest('kvorum_cluster_partitions', 'state="under_replicated"')} > 0`,
      meaning: 'keys are served but have had too few copies for long',
      summary: `Keys of ${theCluster} have too few copies`,
      description:
        '{{ $value }} partitions are served, but would not survive the next loss of a worker as they should.',
    },
    {
      name: 'KvorumRepairStalled',
      severity: 'warning',
      holdsFor: '15m',
      expr:
        `${greatest('kvorum_cluster_replicas_missing')} + ${greatest('kvorum_cluster_replicas_misplaced')} > 0 ` +
        `and ${copied} == 0`,
      meaning: 'replicas are to be made or moved, and nothing is copied',
      summary: `Repair of ${theCluster} stands still`,
      description: '{{ $value }} replicas are to be made or moved, but nothing was copied for 15 minutes.',
    },
    {
      name: 'KvorumReplicaLagging',
      severity: 'warning',
      holdsFor: '5m',
      expr: `${select('kvorum_slowest_replica_lag_seconds')} > 30`,
      meaning: 'the slowest replica of some keys is more than 30 s behind',
      summary: `A replica does not keep up with ${theProcess}`,
      description:
        'The slowest replica of a partition has been behind for {{ $value | humanizeDuration }}: what was written since lies on a bare majority of disks.',
    },
    {
      name: 'KvorumDamageFound',
      severity: 'warning',
      holdsFor: '0s',
      expr: `increase(${select('kvorum_scrub_damage_total')}[1h]) > 0`,
      meaning: 'data on a disk did not match its checksum; it is copied anew from a sound replica',
      summary: `Damaged data on ${theProcess}`,
      description:
        'Damage was found in its table ({{ $value | humanize }} times within an hour): its disk or memory is not to be trusted.',
    },
    {
      name: 'KvorumDamageUnrepaired',
      severity: 'critical',
      holdsFor: '30m',
      expr: `${greatest('kvorum_cluster_damaged_replicas')} > 0`,
      meaning: 'damaged replicas could not be copied anew',
      summary: `Damaged replicas of ${theCluster} are not repaired`,
      description: '{{ $value }} replicas are damaged, and no sound one gave them a copy.',
    },
    {
      name: 'KvorumScrubOverdue',
      severity: 'warning',
      holdsFor: '1h',
      expr:
        `time() - ${select('process_start_time_seconds', 'component="worker"')} > 14 * 86400 ` +
        `unless ${select('kvorum_scrub_last_round_timestamp_seconds')} > time() - 14 * 86400`,
      meaning: 'a worker has not looked through its table for two weeks',
      summary: `${theProcess} has not looked for damage for two weeks`,
      description:
        'It has been running for {{ $value | humanizeDuration }}; its last look through all checksums ended more than 14 days ago, or never.',
    },
  ],
};
