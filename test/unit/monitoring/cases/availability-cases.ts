/** Is it up? */
import { growing, of, steady } from './alert-case.js';
import type { AlertCases } from './alert-case.js';

const partitions = of('kvorum_cluster_partitions', { state: 'without_quorum', instance: 'kv-operator-1' });
const requests = (code: string) =>
  of('kvorum_requests_total', { instance: 'kv-worker-0', method: 'PUT', code });
const heartbeat = (instance: string) =>
  of('kvorum_cluster_worker_heartbeat_age_seconds', { instance, worker: 'kv-worker-2' });
const started = of('process_start_time_seconds', { component: 'worker', instance: 'kv-worker-1' });
const peer = of('kvorum_peer_connected', { instance: 'kv-worker-0', peer: 'kv-worker-2' });
const up = of('up', { component: 'worker', instance: 'kv-worker-3', job: 'kvorum' });

export const availabilityCases: Record<string, AlertCases> = {
  KvorumWithoutQuorum: {
    fires: {
      series: { [partitions]: '0 3 3 3' },
      at: '2m',
      summary: 'Some keys of shop/kv can be neither read nor written',
      description:
        '3 partitions have no majority of their workers. Nothing is lost by waiting; delete no volume.',
    },
    silent: { series: { [partitions]: '0 3 0 0' }, at: '2m' },
  },
  KvorumRequestsFailing: {
    fires: {
      series: {
        [requests('200')]: growing(98),
        [requests('503')]: growing(1),
        [requests('504')]: growing(1),
      },
      at: '10m',
      summary: 'Requests to shop/kv fail',
      description: '2% of the requests are answered by 5xx.',
    },
    silent: { series: { [requests('200')]: growing(99), [requests('503')]: growing(1) }, at: '10m' },
  },
  KvorumWorkerDown: {
    fires: {
      // Of two operators the one that waits knows of no worker.
      series: { [heartbeat('kv-operator-1')]: '0 30 90 150' },
      at: '3m',
      labels: { worker: 'kv-worker-2' },
      summary: 'Worker kv-worker-2 of shop/kv is down',
      description:
        'Nothing was heard of it for 2m 30s. Its keys are served by others, with a copy fewer until it returns or is replaced.',
    },
    silent: { series: { [heartbeat('kv-operator-1')]: '0 40 1 40' }, at: '3m' },
  },
  KvorumWorkerRestarts: {
    fires: {
      series: { [started]: '0 0 120 120 240 240 360 360' },
      at: '7m',
      labels: { component: 'worker', instance: 'kv-worker-1' },
      summary: 'Worker kv-worker-1 of shop/kv restarts again and again',
      description: 'It was started anew 3 times within 30 minutes. What it wrote before it ended says why.',
    },
    silent: { series: { [started]: '0 0 120 120 240 240 240 240' }, at: '7m' },
  },
  KvorumPeerUnreachable: {
    fires: {
      series: { [peer]: steady(0), [heartbeat('kv-operator-1')]: steady(0.3) },
      at: '6m',
      labels: { instance: 'kv-worker-0', peer: 'kv-worker-2' },
      summary: 'kv-worker-0 of shop/kv does not reach kv-worker-2',
      description:
        'The controller hears of kv-worker-2, but these two have no stream: the network keeps them apart.',
    },
    // The peer is down: that is another alert.
    silent: { series: { [peer]: steady(0), [heartbeat('kv-operator-1')]: steady(60) }, at: '6m' },
  },
  KvorumNotScraped: {
    fires: {
      series: { [up]: '1 0+0x10' },
      at: '7m',
      labels: { component: 'worker', instance: 'kv-worker-3', job: 'kvorum' },
      summary: 'No metrics from kv-worker-3 of shop/kv',
      description:
        'This worker does not answer Prometheus: it is down, it hangs, or the network keeps them apart.',
    },
    silent: { series: { [up]: '1 0+0x4 1 1' }, at: '7m' },
  },
  KvorumAbsent: {
    fires: {
      series: { 'up{job="else"}': steady(1) },
      at: '6m',
      nowhere: true,
      summary: 'Prometheus finds no process of Kvorum',
      description:
        'Either all of it is gone, or Prometheus no longer finds it. No other alert of Kvorum can fire meanwhile.',
    },
    silent: { series: { [up]: steady(0) }, at: '6m' },
  },
};
