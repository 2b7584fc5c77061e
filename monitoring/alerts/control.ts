/** Does it repair itself? The controller and what it depends on. */
import { select, theCluster, theProcess } from '../alert.js';
import type { AlertGroup } from '../alert.js';
import { clusterLabels, quantileOf } from '../promql.js';

const increaseOf = (metric: string, matchers: string, window: string) =>
  `sum by (${clusterLabels}) (increase(${select(metric, matchers)}[${window}]))`;
const failover = { labels: clusterLabels, window: '30m' };

export const controlAlerts: AlertGroup = {
  name: 'kvorum-control',
  about: 'does it repair itself',
  alerts: [
    {
      name: 'KvorumControllerDown',
      severity: 'critical',
      holdsFor: '1m',
      expr:
        `count by (${clusterLabels}) (${select('kvorum_primaries')}) ` +
        `unless on (${clusterLabels}) ${select('kvorum_controller_leader')} == 1`,
      meaning: 'workers answer, but no controller leads: the next failure would not be repaired',
      summary: `No controller of ${theCluster} leads`,
      description:
        '{{ $value }} workers answer and serve their keys, but the next loss of a worker would not be repaired.',
    },
    {
      name: 'KvorumControllerHalted',
      severity: 'critical',
      holdsFor: '30s',
      expr: `max by (${clusterLabels}) (${select('kvorum_controller_halted')}) == 1`,
      meaning:
        'the controller found what it must not decide alone, and changes nothing until a person has acted',
      summary: `The controller of ${theCluster} waits for a person`,
      description:
        'It changes nothing any more, failovers included. Its status and its log say what it found.',
    },
    {
      name: 'KvorumSeveralControllers',
      severity: 'warning',
      holdsFor: '2m',
      expr: `sum by (${clusterLabels}) (${select('kvorum_controller_leader')}) > 1`,
      meaning: 'two controllers take themselves for the leader; data is safe, repair is slowed',
      summary: `Several controllers of ${theCluster} lead at once`,
      description:
        '{{ $value }} take themselves for the leader. They slow each other down, and can do no other harm.',
    },
    {
      name: 'KvorumWorkersLostOften',
      severity: 'warning',
      holdsFor: '0s',
      expr: `${increaseOf('kvorum_controller_workers_lost_total', '', '1h')} > 4`,
      meaning: 'workers were declared dead more than four times in an hour',
      summary: `Workers of ${theCluster} are lost again and again`,
      description: 'Workers were declared dead {{ $value | humanize }} times within an hour.',
    },
    {
      name: 'KvorumFailoverSlow',
      severity: 'warning',
      holdsFor: '0s',
      expr: `${quantileOf(select, 0.9, 'kvorum_controller_failover_seconds', failover)} > 10`,
      meaning: 'a failover took more than ten seconds; five are usual',
      summary: `Failovers of ${theCluster} are slow`,
      description:
        'One failed-over partition in ten was without a primary for more than {{ $value | humanizeDuration }}.',
    },
    {
      name: 'KvorumReconfigurationsFailing',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${increaseOf('kvorum_controller_reconfigurations_total', 'result="failed"', '5m')} > 0`,
      meaning: 'failovers, moves or replacements fail again and again',
      summary: `Reconfigurations of ${theCluster} fail`,
      description: '{{ $value | humanize }} of them failed within 5 minutes; each is tried again.',
    },
    {
      name: 'KvorumRingBehind',
      severity: 'warning',
      holdsFor: '5m',
      expr:
        `${select('kvorum_ring_version')} < on (${clusterLabels}) group_left () ` +
        `max by (${clusterLabels}) (${select('kvorum_cluster_ring_version')} offset 2m)`,
      meaning: 'a worker has not heard of a ring that is minutes old',
      summary: `${theProcess} does not hear of new rings`,
      description: 'It knows version {{ $value }}, which was replaced more than 2 minutes ago.',
    },
    {
      name: 'KvorumRingStoreFailing',
      severity: 'critical',
      holdsFor: '5m',
      expr: `${increaseOf('kvorum_controller_ring_writes_total', 'result="unknown"', '5m')} > 0`,
      meaning: 'changes of the ring document get no answer: no failover succeeds without one',
      summary: `The controller of ${theCluster} cannot store its decisions`,
      description:
        '{{ $value | humanize }} changes of the ring document got no answer within 5 minutes. Without one no failover succeeds.',
    },
    {
      name: 'KvorumReconcileFailing',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${increaseOf('kvorum_controller_reconciles_total', 'result="failed"', '5m')} > 0`,
      meaning: 'the operator cannot bring the objects on Kubernetes to what is asked for',
      summary: `The operator of ${theCluster} cannot do what is asked for`,
      description: '{{ $value | humanize }} passes over its objects broke off within 5 minutes.',
    },
    {
      name: 'KvorumApiServerFailing',
      severity: 'warning',
      holdsFor: '10m',
      expr: `${increaseOf('kvorum_controller_api_requests_total', 'result=~"refused|failed|unanswered"', '5m')} > 5`,
      meaning: 'the API server of Kubernetes refuses or does not answer the operator',
      summary: `The API server fails the operator of ${theCluster}`,
      description: '{{ $value | humanize }} requests were refused, failed or got no answer within 5 minutes.',
    },
    {
      name: 'KvorumRolloutStuck',
      severity: 'warning',
      holdsFor: '1h',
      expr: `count by (${clusterLabels}) (count by (${clusterLabels}, version) (${select('kvorum_build_info')})) > 1`,
      meaning: 'processes of different versions have been running side by side for an hour',
      summary: `A rollout of ${theCluster} does not come to its end`,
      description: '{{ $value }} versions run side by side.',
    },
  ],
};
