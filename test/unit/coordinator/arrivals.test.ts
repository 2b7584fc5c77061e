/** Requests in flight: in order of arrival, whoever leaves first. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Arrivals } from '../../../node/coordinator/arrivals.js';
import { readRequest } from '../../../node/coordinator/request.js';
import type { Request } from '../../../node/coordinator/request.js';

function requestNumber(deadline: number): Request {
  const operation = { key: new Uint8Array([1]), consistency: 'linearizable', atLeast: null } as const;
  return readRequest({ ...operation, headOnly: false }, deadline, () => undefined);
}

function listed(arrivals: Arrivals): number[] {
  const found: number[] = [];
  for (let next = arrivals.first; next !== null; next = next.later) found.push(next.deadline);
  return found;
}

describe('Arrivals', () => {
  it('holds what was added and not deleted, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 12 }), { maxLength: 60 }), (steps) => {
        const arrivals = new Arrivals();
        const held: Request[] = [];
        steps.forEach((step, number) => {
          // Of those held, or a new one if there are not so many.
          const [gone] = step < held.length ? held.splice(step, 1) : [];
          if (gone !== undefined) {
            arrivals.delete(gone);
          } else {
            const added = requestNumber(number);
            held.push(added);
            arrivals.add(added);
          }
          expect(listed(arrivals)).toEqual(held.map(({ deadline }) => deadline));
          expect(arrivals.size).toBe(held.length);
        });
      }),
    );
  });
});
