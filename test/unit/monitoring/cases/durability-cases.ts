/** Is data safe? */
import { growing, of, steady } from './alert-case.js';
import type { AlertCases } from './alert-case.js';

const controller = { instance: 'kv-operator-0' };
const worker = { instance: 'kv-worker-0' };
const partitions = of('kvorum_cluster_partitions', { state: 'under_replicated', ...controller });
const missing = of('kvorum_cluster_replicas_missing', controller);
const misplaced = of('kvorum_cluster_replicas_misplaced', controller);
const copied = of('kvorum_copy_bytes_total', { direction: 'received', ...worker });
const caughtUp = of('kvorum_catch_up_bytes_total', { direction: 'received', ...worker });
const lag = of('kvorum_slowest_replica_lag_seconds', worker);
const found = of('kvorum_scrub_damage_total', worker);
const damaged = of('kvorum_cluster_damaged_replicas', controller);
const started = of('process_start_time_seconds', { component: 'worker', ...worker });
const looked = of('kvorum_scrub_last_round_timestamp_seconds', { component: 'worker', ...worker });

export const durabilityCases: Record<string, AlertCases> = {
  KvorumUnderReplicated: {
    fires: {
      series: { [partitions]: '0 12+0x20' },
      at: '17m',
      summary: 'Keys of shop/kv have too few copies',
      description:
        '12 partitions are served, but would not survive the next loss of a worker as they should.',
    },
    silent: { series: { [partitions]: '0 12+0x13 0 12 12' }, at: '17m' },
  },
  KvorumRepairStalled: {
    fires: {
      series: {
        [missing]: steady(7),
        [misplaced]: steady(1),
        [copied]: steady(5_000),
        [caughtUp]: steady(100),
      },
      at: '31m',
      summary: 'Repair of shop/kv stands still',
      description: '8 replicas are to be made or moved, but nothing was copied for 15 minutes.',
    },
    silent: {
      series: {
        [missing]: steady(7),
        [misplaced]: steady(0),
        [copied]: steady(5_000),
        [caughtUp]: growing(10),
      },
      at: '31m',
    },
  },
  KvorumReplicaLagging: {
    fires: {
      series: { [lag]: '0+60x20' },
      at: '10m',
      labels: worker,
      summary: 'A replica does not keep up with kv-worker-0 of shop/kv',
      description:
        'The slowest replica of a partition has been behind for 10m 0s: what was written since lies on a bare majority of disks.',
    },
    silent: { series: { [lag]: steady(30) }, at: '10m' },
  },
  KvorumDamageFound: {
    fires: {
      series: { [found]: '0 0 1 1' },
      at: '3m',
      labels: worker,
      summary: 'Damaged data on kv-worker-0 of shop/kv',
      description:
        'Damage was found in its table (1 times within an hour): its disk or memory is not to be trusted.',
    },
    silent: { series: { [found]: '0 0 1+0x100' }, at: '90m' },
  },
  KvorumDamageUnrepaired: {
    fires: {
      series: { [damaged]: steady(2) },
      at: '31m',
      summary: 'Damaged replicas of shop/kv are not repaired',
      description: '2 replicas are damaged, and no sound one gave them a copy.',
    },
    silent: { series: { [damaged]: '2+0x25 0+0x10' }, at: '31m' },
  },
  KvorumScrubOverdue: {
    fires: {
      series: { [started]: `${-15 * 86_400}+0x120`, [looked]: `${-15 * 86_400}+0x120` },
      at: '61m',
      labels: { component: 'worker', ...worker },
      summary: 'kv-worker-0 of shop/kv has not looked for damage for two weeks',
      description:
        'It has been running for 15d 1h 1m 0s; its last look through all checksums ended more than 14 days ago, or never.',
    },
    silent: {
      series: { [started]: `${-15 * 86_400}+0x120`, [looked]: `${-13 * 86_400}+0x120` },
      at: '61m',
    },
  },
};
