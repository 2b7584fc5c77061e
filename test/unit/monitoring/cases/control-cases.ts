/** Does it repair itself? */
import { growing, observed, of, steady } from './alert-case.js';
import type { AlertCases } from './alert-case.js';

const controller = { instance: 'kv-operator-0' };
const other = { instance: 'kv-operator-1' };
const primaries = (instance: string) => of('kvorum_primaries', { instance });
const leader = (labels: { instance: string }) => of('kvorum_controller_leader', labels);
const halted = of('kvorum_controller_halted', controller);
const lost = of('kvorum_controller_workers_lost_total', controller);
const failed = of('kvorum_controller_reconfigurations_total', {
  kind: 'move',
  result: 'failed',
  ...controller,
});
const known = of('kvorum_ring_version', { component: 'worker', instance: 'kv-worker-0' });
const newest = of('kvorum_cluster_ring_version', controller);
const unanswered = of('kvorum_controller_ring_writes_total', { result: 'unknown', ...controller });
const conflicts = of('kvorum_controller_ring_writes_total', { result: 'conflict', ...controller });
const passes = (result: string) => of('kvorum_controller_reconciles_total', { result, ...controller });
const calls = (result: string) =>
  of('kvorum_controller_api_requests_total', { method: 'GET', result, ...controller });
const build = (instance: string, version: string) => of('kvorum_build_info', { instance, version });

export const controlCases: Record<string, AlertCases> = {
  KvorumControllerDown: {
    fires: {
      series: {
        [primaries('kv-worker-0')]: steady(2),
        [primaries('kv-worker-1')]: steady(2),
        [leader(controller)]: steady(0),
      },
      at: '2m',
      summary: 'No controller of shop/kv leads',
      description:
        '2 workers answer and serve their keys, but the next loss of a worker would not be repaired.',
    },
    silent: {
      series: {
        [primaries('kv-worker-0')]: steady(2),
        [leader(controller)]: steady(0),
        [leader(other)]: steady(1),
      },
      at: '2m',
    },
  },
  KvorumControllerHalted: {
    fires: {
      series: { [halted]: '0 1 1' },
      at: '2m',
      summary: 'The controller of shop/kv waits for a person',
      description:
        'It changes nothing any more, failovers included. Its status and its log say what it found.',
    },
    silent: { series: { [halted]: '1 0 0' }, at: '2m' },
  },
  KvorumSeveralControllers: {
    fires: {
      series: { [leader(controller)]: steady(1), [leader(other)]: steady(1) },
      at: '3m',
      summary: 'Several controllers of shop/kv lead at once',
      description: '2 take themselves for the leader. They slow each other down, and can do no other harm.',
    },
    silent: { series: { [leader(controller)]: steady(1), [leader(other)]: '0 1 0 0' }, at: '3m' },
  },
  KvorumWorkersLostOften: {
    fires: {
      series: { [lost]: '0+1x6 6+0x30' },
      at: '30m',
      summary: 'Workers of shop/kv are lost again and again',
      description: 'Workers were declared dead 6 times within an hour.',
    },
    silent: { series: { [lost]: '0+1x3 3+0x30' }, at: '30m' },
  },
  KvorumFailoverSlow: {
    fires: {
      series: observed('kvorum_controller_failover_seconds', {
        below: 10,
        above: 20,
        share: 0,
        labels: controller,
      }),
      at: '5m',
      summary: 'Failovers of shop/kv are slow',
      description: 'One failed-over partition in ten was without a primary for more than 19s.',
    },
    silent: {
      series: observed('kvorum_controller_failover_seconds', {
        below: 10,
        above: 20,
        share: 0.95,
        labels: controller,
      }),
      at: '5m',
    },
  },
  KvorumReconfigurationsFailing: {
    fires: {
      series: { [failed]: growing(2) },
      at: '16m',
      summary: 'Reconfigurations of shop/kv fail',
      description: '10 of them failed within 5 minutes; each is tried again.',
    },
    silent: { series: { [failed]: '0 2+0x30' }, at: '16m' },
  },
  KvorumRingBehind: {
    fires: {
      series: { [known]: steady(40), [newest]: '40 41+0x20' },
      at: '9m',
      labels: { component: 'worker', instance: 'kv-worker-0' },
      summary: 'kv-worker-0 of shop/kv does not hear of new rings',
      description: 'It knows version 40, which was replaced more than 2 minutes ago.',
    },
    // A minute behind all the time, as when a lot is moved.
    silent: { series: { [known]: '39+1x30', [newest]: '40+1x30' }, at: '20m' },
  },
  KvorumRingStoreFailing: {
    fires: {
      series: { [unanswered]: growing(1), [conflicts]: growing(9) },
      at: '11m',
      summary: 'The controller of shop/kv cannot store its decisions',
      description:
        '5 changes of the ring document got no answer within 5 minutes. Without one no failover succeeds.',
    },
    silent: { series: { [unanswered]: '0 1+0x30', [conflicts]: growing(9) }, at: '11m' },
  },
  KvorumReconcileFailing: {
    fires: {
      series: { [passes('failed')]: growing(2), [passes('done')]: growing(6) },
      at: '16m',
      summary: 'The operator of shop/kv cannot do what is asked for',
      description: '10 passes over its objects broke off within 5 minutes.',
    },
    silent: { series: { [passes('failed')]: steady(3), [passes('later')]: growing(6) }, at: '16m' },
  },
  KvorumApiServerFailing: {
    fires: {
      series: {
        [calls('unanswered')]: growing(2),
        [calls('failed')]: growing(1),
        [calls('done')]: growing(9),
      },
      at: '16m',
      summary: 'The API server fails the operator of shop/kv',
      description: '15 requests were refused, failed or got no answer within 5 minutes.',
    },
    silent: { series: { [calls('unanswered')]: growing(1), [calls('conflict')]: growing(9) }, at: '16m' },
  },
  KvorumRolloutStuck: {
    fires: {
      series: { [build('kv-worker-0', '0.1.0')]: steady(1), [build('kv-worker-1', '0.2.0')]: steady(1) },
      at: '61m',
      summary: 'A rollout of shop/kv does not come to its end',
      description: '2 versions run side by side.',
    },
    silent: {
      series: { [build('kv-worker-0', '0.1.0')]: '1+0x50 _x10', [build('kv-worker-1', '0.2.0')]: steady(1) },
      at: '61m',
    },
  },
};
