/**
 * Which volumes are to grow. The StatefulSet's own template cannot change, so new volumes grow right after
 * they are made.
 */
import { nameOf } from './api-objects.js';
import type { VolumeClaim } from './api-objects.js';
import { quantityOf } from './cluster-spec.js';
import type { Observation } from './observation.js';

export interface Growth {
  claim: string;
  from: string;
  to: string;
}

export function planGrowth({ claims, cluster }: Observation): Growth[] {
  const to = cluster.spec.storage.size;
  const wanted = quantityOf(to);
  if (wanted === null) return [];
  return claims.flatMap((claim) => {
    const from = requestOf(claim);
    const now = quantityOf(from);
    if (claim.status?.phase !== 'Bound' || now === null || now >= wanted) return [];
    return [{ claim: nameOf(claim), from, to }];
  });
}

/** Of volumes that are larger than what is asked for, in sentences: they stay so. */
export function largerThanAsked({ claims, cluster }: Observation): string[] {
  const { size } = cluster.spec.storage;
  const wanted = quantityOf(size) ?? Infinity;
  return claims
    .filter((claim) => (quantityOf(requestOf(claim)) ?? 0) > wanted)
    .map(
      (claim) => `volume ${nameOf(claim)} stays at ${requestOf(claim)}, above ${size}: volumes never shrink`,
    );
}

function requestOf(claim: VolumeClaim): string {
  return claim.spec?.resources?.requests?.storage ?? '';
}

/** Volumes that were asked to grow and have not yet. */
export function growing({ claims }: Observation): string[] {
  return claims
    .filter((claim) => {
      const asked = quantityOf(requestOf(claim));
      const there = quantityOf(claim.status?.capacity?.storage ?? '');
      return asked !== null && there !== null && there < asked;
    })
    .map(nameOf);
}
