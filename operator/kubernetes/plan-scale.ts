/**
 * How many workers the StatefulSet is to have, and which are to go. It shrinks only by workers that hold
 * nothing; those that still do are asked to be drained first. Where it is not known who holds what, nothing
 * goes.
 */
import type { WorkerId } from '../../core/ring/ring-record.js';
import { nameOf } from './api-objects.js';
import { dataVolume, ordinalOf, workerName } from './object-names.js';
import { holdersOf, viewOf } from './observation.js';
import type { ClusterView, Observation } from './observation.js';

export interface ScalePlan {
  /** Workers asked for; never fewer than replicas of a partition. */
  wanted: number;
  replicas: number;
  /** Fewer than now: who holds what must be read anew before it is done. */
  shrinks: boolean;
  /** To be drained. */
  leaving: WorkerId[];
}

export function planScale(observation: Observation, view: ClusterView = viewOf(observation)): ScalePlan {
  const { cluster, controller, statefulSet } = observation;
  const { names, currentReplicas } = view;
  const wanted = Math.max(cluster.spec.workers, controller?.ring?.replicationFactor ?? 1);
  const ring = controller?.ring ?? null;
  let needed = wanted;
  if (ring !== null) for (const ordinal of holdersOf(names, ring)) needed = Math.max(needed, ordinal + 1);
  // Somebody may hold something: everyone that is there stays, and everyone with a volume is brought back.
  else needed = Math.max(needed, currentReplicas, statefulSet === null ? volumeCount(observation, view) : 0);
  // Those that hold nothing any more too, as long as they are there: nothing is to be given to them again.
  const there = Math.max(needed, currentReplicas);
  const leaving = Array.from({ length: there - wanted }, (_, index) => workerName(names, wanted + index));
  return { wanted, replicas: needed, shrinks: needed < currentReplicas, leaving };
}

/** Left by an installation before this one. */
function volumeCount({ claims }: Observation, { names }: ClusterView): number {
  const ordinals = claims.map((claim) => {
    const name = nameOf(claim);
    return name.startsWith(`${dataVolume}-`) ? ordinalOf(names, name.slice(dataVolume.length + 1)) : null;
  });
  return Math.max(0, ...ordinals.map((ordinal) => (ordinal === null ? 0 : ordinal + 1)));
}
