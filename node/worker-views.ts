/** What the running worker shows of itself: status pages and probes, read when somebody asks. */
import { readActivity } from './activity.js';
import type { ActivitySource } from './activity.js';
import { explainKey, statusView } from './api/views.js';
import type { Probes, Views } from './api/views-app.js';
import type { Vantage } from './api/views.js';
import { askPrimary } from './primary-view.js';
import type { WorkerId } from '../core/ring/ring-record.js';
import type { Worker } from './worker/worker.js';

export interface Shown {
  id: WorkerId;
  worker: Worker;
  /** The process of a connected peer. */
  pidOf: (peer: WorkerId) => number | null;
  isLeaving: () => boolean;
  activity: ActivitySource;
}

export function workerViews(shown: Shown): Views {
  const vantage = vantageOf(shown);
  return {
    ring: () => shown.worker.ring(),
    status: () => statusView(shown.worker.ring(), vantage),
    async explain(key, whose) {
      const ring = shown.worker.ring();
      const own = ring === null ? null : explainKey(ring, key, vantage);
      if (own === null || whose === 'own' || !vantage.isConnected(own.primary)) return own;
      return (await askPrimary(own, key)) ?? own;
    },
    activity: (since) => readActivity(shown.activity, since),
  };
}

function vantageOf({ id, worker, pidOf }: Shown): Vantage {
  return {
    id,
    pid: process.pid,
    pidOf,
    isConnected: (peer) => pidOf(peer) !== null,
    lag(partition, voter) {
      const replica = worker.inspect().find((found) => found.partition === partition);
      if (replica?.leader?.active !== true) return null;
      if (voter === id) return 0;
      const progress = replica.leader.peers.get(voter);
      return progress === undefined ? null : Math.max(0, replica.lastSeq - progress.matchSeq);
    },
  };
}

/** Live: the event loop turns, or nobody would answer. Losing the quorum must not get a worker killed. */
export function workerProbes({ worker, isLeaving }: Shown): Probes {
  return {
    live: () => null,
    started: () => null,
    ready() {
      if (isLeaving()) return 'this worker is about to stop';
      return worker.ring() === null ? 'this worker has not heard of a ring yet' : null;
    },
  };
}
