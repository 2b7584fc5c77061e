/** Orders of preference that are worked out piece by piece are the same as those worked out at once. */
import { describe, expect, it } from '@jest/globals';
import { HashRing } from '../../../core/ring/hash-ring.js';
import type { Preference } from '../../../core/ring/hash-ring.js';

const partitionCount = 32;
const idsOf = (workers: number) => Array.from({ length: workers }, (_, index) => `worker-${index}`);

function wholeOrder(preference: Preference): number[] {
  const order: number[] = [];
  for (let worker = preference.at(0); worker !== undefined; worker = preference.at(order.length)) {
    order.push(worker);
  }
  return order;
}

describe('the order of preference of an arc', () => {
  it.each([1, 2, 15, 16, 17, 64, 65, 300])('names each of %i workers once and then ends', (workers) => {
    const preference = new HashRing(idsOf(workers)).preference(3, partitionCount);
    const order = wholeOrder(preference);
    expect(order).toHaveLength(workers);
    expect(new Set(order).size).toBe(workers);
    expect(preference.at(workers)).toBeUndefined();
    expect(preference.at(workers + 1_000)).toBeUndefined();
  });

  it('does not depend on where somebody looks first, nor on who looks at another meanwhile', () => {
    const ring = new HashRing(idsOf(100));
    const [first, second] = [5, 6].map((partition) => wholeOrder(ring.preference(partition, partitionCount)));
    const [jumping, other] = [5, 6].map((partition) => ring.preference(partition, partitionCount));
    for (const place of [70, 0, 99, 17, 100]) {
      expect(jumping?.at(place)).toBe(first?.[place]);
      expect(other?.at(99 - place)).toBe(second?.[99 - place]);
    }
  });

  it('changes by one worker more only where that one comes in', () => {
    const before = new HashRing(idsOf(50));
    const after = new HashRing(idsOf(51));
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const others = wholeOrder(after.preference(partition, partitionCount)).filter(
        (worker) => worker !== 50,
      );
      expect(others).toEqual(wholeOrder(before.preference(partition, partitionCount)));
    }
  });
});
