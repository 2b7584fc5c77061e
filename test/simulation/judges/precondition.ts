/**
 * The precondition of a write on a version (null: absent), written down a second time, apart from the code
 * that is judged.
 */
import type { Precondition, Version } from '../../../core/protocol/operation.js';

export function preconditionMatches(precondition: Precondition, current: Version | null): boolean {
  const { type, versions } = precondition;
  if (type === 'none') return true;
  const named =
    current !== null &&
    (versions === null ||
      versions.some((version) => version.epoch === current.epoch && version.seq === current.seq));
  return type === 'ifMatch' ? named : !named;
}
