/** Is it up? Whether keys are served, and whether every process is there. */
import { select, theCluster, theProcess, theWorker } from '../alert.js';
import type { AlertGroup } from '../alert.js';
import { clusterLabels, workerHeartbeat } from '../promql.js';

const requests = (matchers: string) =>
  `sum by (${clusterLabels}) (rate(${select('kvorum_requests_total', matchers)}[5m]))`;
const heartbeatAge = select(workerHeartbeat);
const heard = `label_replace(${heartbeatAge} < 10, "peer", "$1", "worker", "(.+)")`;

export const availabilityAlerts: AlertGroup = {
  name: 'kvorum-availability',
  about: 'is it up',
  alerts: [
    {
      name: 'KvorumWithoutQuorum',
      severity: 'critical',
      holdsFor: '30s',
      expr: `max by (${clusterLabels}) (${select('kvorum_cluster_partitions', 'state="without_quorum"')}) > 0`,
      meaning: 'keys lack a majority of their workers, so that they are neither read nor written',
      summary: `Some keys of ${theCluster} can be neither read nor written`,
      description:
        '{{ $value }} partitions have no majority of their workers. Nothing is lost by waiting; delete no volume.',
    },
    {
      name: 'KvorumRequestsFailing',
      severity: 'critical',
      holdsFor: '5m',
      expr: `${requests('code=~"5.."')} / ${requests('')} > 0.01`,
      meaning: 'more than one request in a hundred fails by no fault of its client',
      summary: `Requests to ${theCluster} fail`,
      description: '{{ $value | humanizePercentage }} of the requests are answered by 5xx.',
    },
    {
      name: 'KvorumWorkerDown',
      severity: 'warning',
      holdsFor: '1m',
      expr: `max by (${clusterLabels}, worker) (${heartbeatAge}) > 15`,
      meaning: 'the controller has heard nothing of a worker',
      summary: `Worker ${theWorker} is down`,
      description:
        'Nothing was heard of it for {{ $value | humanizeDuration }}. Its keys are served by others, with a copy fewer until it returns or is replaced.',
    },
    {
      name: 'KvorumWorkerRestarts',
      severity: 'warning',
      holdsFor: '0s',
      expr: `changes(${select('process_start_time_seconds', 'component="worker"')}[30m]) > 2`,
      meaning: 'a worker was started anew three times in half an hour',
      summary: `Worker ${theProcess} restarts again and again`,
      description:
        'It was started anew {{ $value }} times within 30 minutes. What it wrote before it ended says why.',
    },
    {
      name: 'KvorumPeerUnreachable',
      severity: 'warning',
      holdsFor: '5m',
      expr: `${select('kvorum_peer_connected')} == 0 and on (${clusterLabels}, peer) ${heard}`,
      meaning: 'a worker has no stream to another one that the controller hears of',
      summary: `${theProcess} does not reach {{ $labels.peer }}`,
      description:
        'The controller hears of {{ $labels.peer }}, but these two have no stream: the network keeps them apart.',
    },
    {
      name: 'KvorumNotScraped',
      severity: 'warning',
      holdsFor: '5m',
      expr: `${select('up')} == 0`,
      meaning: 'Prometheus knows of a process but gets no metrics from it',
      summary: `No metrics from ${theProcess}`,
      description:
        'This {{ $labels.component }} does not answer Prometheus: it is down, it hangs, or the network keeps them apart.',
    },
    {
      name: 'KvorumAbsent',
      severity: 'critical',
      holdsFor: '5m',
      expr: `absent(${select('up')})`,
      meaning: 'Prometheus knows of no process at all, so that no other alert could fire',
      summary: 'Prometheus finds no process of Kvorum',
      description:
        'Either all of it is gone, or Prometheus no longer finds it. No other alert of Kvorum can fire meanwhile.',
    },
  ],
};
