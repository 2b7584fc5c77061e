/** Versions in plain memory: the newest of a key or none, whatever was forgotten in between. */
import { describe, expect, it } from '@jest/globals';
import type { Version } from '../../../core/protocol/operation.js';
import { KnownVersions } from '../../../core/replication/known-versions.js';
import { Random } from '../../simulation/random.js';

const bucketBytes = 256;

/** Puts and looks up at random, and counts how often something was known. */
function compare(seed: number, bytesMax: number, keyCount: number): { known: number; unknown: number } {
  const random = new Random(seed);
  const versions = new KnownVersions(bytesMax);
  const model = new Map<string, Version | null>();
  const found = { known: 0, unknown: 0 };
  for (let step = 1; step <= 20_000; step += 1) {
    const number = random.integer(1, keyCount);
    const key = `${'k'.repeat(number % 40)}ÿ${number}`;
    const term = random.integer(1, 3);
    const held = versions.get(term, key);
    if (held === undefined) found.unknown += 1;
    else {
      found.known += 1;
      expect(held).toEqual(model.get(`${term}/${key}`));
    }
    if (random.integer(1, 3) > 1) continue;
    const version = random.integer(1, 10) === 1 ? null : { epoch: 2 ** 40 + step, seq: 2 ** 50 + step };
    versions.put(term, key, version);
    model.set(`${term}/${key}`, version);
    expect(versions.get(term, key)).toEqual(version);
  }
  return found;
}

describe('known versions', () => {
  it.each([1, 2, 3, 4, 5, 6])('tell the newest or nothing, seed %i', (seed) => {
    // A few buckets alone: most of what is put is forgotten, in turn by bucket and by half.
    const few = compare(seed, 2 * bucketBytes * seed, 60);
    expect(few.known).toBeGreaterThan(200);
    expect(few.unknown).toBeGreaterThan(200);
    const many = compare(seed, 2 * bucketBytes * 200, 2_000);
    expect(many.known).toBeGreaterThan(2_000);
  });

  it('tell keys apart that share a hash', () => {
    // Of so many, some two have the same 32 bits.
    const count = 300_000;
    const versions = new KnownVersions(64 * 1024 * 1024);
    for (let seq = 1; seq <= count; seq += 1) versions.put(1, `key-${seq}`, { epoch: 1, seq });
    let known = 0;
    let wrong = 0;
    for (let seq = 1; seq <= count; seq += 1) {
      const version = versions.get(1, `key-${seq}`);
      if (version !== undefined) known += 1;
      if (version !== undefined && version?.seq !== seq) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(known).toBeGreaterThan(count * 0.99);
  });

  it('know nothing of a key that is longer than all their room, and go on', () => {
    const versions = new KnownVersions(2 * bucketBytes);
    versions.put(1, 'k'.repeat(1_000), { epoch: 1, seq: 1 });
    expect(versions.get(1, 'k'.repeat(1_000))).toBeUndefined();
    versions.put(1, 'k', { epoch: 1, seq: 2 });
    expect(versions.get(1, 'k')).toEqual({ epoch: 1, seq: 2 });
  });
});
