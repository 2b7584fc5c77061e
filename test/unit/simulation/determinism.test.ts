import { describe, expect, it } from '@jest/globals';
import { runSeed } from '../../simulation/run.js';

const seeds = [1, 2, 3, 7, 12];

describe('a seed', () => {
  it.each(seeds)('%i runs the same twice', (seed) => {
    const [one, other] = [runSeed({ seed }), runSeed({ seed })];
    expect(one.events).toBeGreaterThan(1_000);
    expect(other).toEqual(one);
  });

  it('differs from any other seed', () => {
    const digests = seeds.map((seed) => runSeed({ seed }).digest);
    expect(new Set(digests).size).toBe(seeds.length);
  });

  it('is found out when a rule of the protocol is broken in it', () => {
    const results = seeds.map((seed) => runSeed({ seed, rule: 'ack-after-durable' }));
    expect(results.filter(({ failure }) => failure !== null)).not.toEqual([]);
  });
});
