/** The order in which a store is filled. */
import { describe, expect, it } from '@jest/globals';
import { Keyspace } from '../../../bench/load/keyspace.js';

describe('the keys of a workload, scattered', () => {
  it.each([1, 2, 3, 10, 997, 1_000, 65_536])('are all %i, each once', (keys) => {
    const keyspace = new Keyspace(keys, 8);
    const order = Array.from({ length: keys }, (_, place) => keyspace.scattered(place));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: keys }, (_, index) => index));
  });

  it('jump about: neighbours in time are far apart', () => {
    const keyspace = new Keyspace(1_000_000, 8);
    for (let place = 0; place < 100; place += 1) {
      expect(Math.abs(keyspace.scattered(place + 1) - keyspace.scattered(place))).toBeGreaterThan(300_000);
    }
  });
});
