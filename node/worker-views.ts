/**
 * What the running worker shows of itself: status pages, probes and gauges, read from the parts when somebody
 * asks.
 */
import { explainKey, statusView } from './api/views.js';
import type { Probes, Views } from './api/views-app.js';
import type { Vantage } from './api/views.js';
import type { WorkerId } from '../core/ring/ring-record.js';
import type { Metrics } from '../platform/metrics.js';
import type { Worker } from './worker/worker.js';

export interface Shown {
  id: WorkerId;
  worker: Worker;
  /** The process of a connected peer. */
  pidOf: (peer: WorkerId) => number | null;
  isLeaving: () => boolean;
}

export function workerViews(shown: Shown): Views {
  const vantage = vantageOf(shown);
  return {
    ring: () => shown.worker.ring(),
    status: () => statusView(shown.worker.ring(), vantage),
    explain(key) {
      const ring = shown.worker.ring();
      return ring === null ? null : explainKey(ring, key, vantage);
    },
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

export function exposeWorker(metrics: Metrics, worker: Worker): void {
  metrics.gaugeOf('primaries', 'Partitions this worker is primary of.', () => worker.leading);
  metrics.gaugeOf('replicas', 'Replicas this worker holds.', () => worker.inspect().length);
  metrics.gaugeOf('ring_version', 'Version of the newest ring this worker knows.', () => {
    return worker.ring()?.version ?? 0;
  });
  metrics.gaugeOf('peers_connected', 'Workers with a stream to this one.', () => {
    return worker.connectedPeers().length;
  });
  metrics.gaugeOf('disk_full', '1 while writes are refused for want of room.', () => {
    return worker.isDiskFull() ? 1 : 0;
  });
  metrics.gaugeOf(
    'uncommitted_entries',
    'Entries that this worker handed out and that are not committed.',
    () => {
      let count = 0;
      for (const replica of worker.inspect()) count += replica.leader?.pending.length ?? 0;
      return count;
    },
  );
  metrics.gaugeOf('apply_lag_entries', 'Committed entries that the table lacks.', () => {
    let count = 0;
    for (const { commitSeq, lastSeq, appliedSeq } of worker.inspect()) {
      count += Math.max(0, Math.min(commitSeq, lastSeq) - appliedSeq);
    }
    return count;
  });
}
