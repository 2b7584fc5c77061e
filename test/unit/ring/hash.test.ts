/** The key hash: published values, tags, the arcs, and how evenly keys fall that look like those in use. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AssertionError } from '../../../core/assert.js';
import { hashBytes, hashKey, isPartitionCount, partitionOf } from '../../../core/ring/hash.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function hex(bytes: Uint8Array, seed = 0): string {
  const { high, low } = hashBytes(bytes, 0, bytes.length, seed);
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}

describe('hashBytes', () => {
  // The first half of MurmurHash3_x86_128 as Peter Scott's C port, murmurHash3.js and mmh3 publish it.
  it.each([
    ['', 0, '0000000000000000'],
    ['', 1, '88c4adec54d201b9'],
    ['a', 0, 'a794933c5556b01b'],
    ['Hello, world!', 123, '61c9129e5a1aacd7'],
    ['Hello, world!', 321, 'd5fbdcb3c26c4193'],
    ['xxxxxxxxxxxxxxxxxxxxxxxxxxxx', 123, '5e40bab278825a16'],
    ['The quick brown fox jumps over the lazy dog', 0, '2f1583c3ecee2c67'],
    ["I will not buy this tobacconist's, it is scratched.", 0, '9b5b7ba2ef3f7866'],
  ])('gives the published value of %j with seed %d', (text, seed, expected) => {
    expect(hex(bytesOf(text), seed)).toBe(expected);
  });

  it('gives the published value of all bytes from 0 to 255', () => {
    expect(hex(Uint8Array.from({ length: 256 }, (_, index) => index))).toBe('2c56c88fdb4503df');
  });

  it('hashes a range as it hashes a copy of the range', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(80), fc.nat(80), (bytes, a, b) => {
        const start = Math.min(a, bytes.length);
        const end = Math.min(start + b, bytes.length);
        expect(hashBytes(bytes, start, end)).toEqual(hashBytes(bytes.slice(start, end)));
      }),
    );
  });
});

describe('a tag', () => {
  it.each([
    ['{user:1}', 'user:1'],
    ['{user:1}:name', 'user:1'],
    ['cart:{user:1}:items', 'user:1'],
    ['{a}{b}', 'a'],
    ['a}{b}', 'b'],
    ['{{b}}', '{b'],
    ['{}', '{}'],
    ['x{}{b}', 'x{}{b}'],
    ['{open', '{open'],
    ['close}', 'close}'],
    ['plain', 'plain'],
    ['', ''],
  ])('of %j is %j', (key, hashed) => {
    expect(hashKey(bytesOf(key))).toEqual(hashBytes(bytesOf(hashed)));
  });

  it('keeps all keys with it in one partition', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[^{}]+$/),
        fc.string(),
        fc.stringMatching(/^[^{]*$/),
        (tag, end, start) => {
          expect(partitionOf(bytesOf(`${start}{${tag}}${end}`), 1024)).toBe(partitionOf(bytesOf(tag), 1024));
        },
      ),
    );
  });
});

describe('partitionOf', () => {
  it('takes the top bits of the hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 16 }), (key, bits) => {
        const binary = hashKey(key).high.toString(2).padStart(32, '0');
        expect(partitionOf(key, 2 ** bits)).toBe(bits === 0 ? 0 : Number.parseInt(binary.slice(0, bits), 2));
      }),
    );
  });

  it.each([0, 3, -2, 1.5, 131_072, Number.NaN])('refuses %d partitions', (count) => {
    expect(isPartitionCount(count)).toBe(false);
    expect(() => partitionOf(bytesOf('key'), count)).toThrow(AssertionError);
  });

  // 256 arcs, 100,000 keys: chi-squared has mean 255 and deviation 22.6; 400 is more than six deviations
  // away.
  it.each([
    ['numbers', (index: number) => `${index}`],
    ['padded numbers', (index: number) => `user:${index.toString().padStart(18, '0')}`],
    ['paths', (index: number) => `/registry/pods/namespace-${index % 100}/pod-${index}`],
    ['equal endings', (index: number) => `${index.toString(36)}-aaaaaaaaaaaaaaaa`],
  ])('spreads %s evenly', (_, keyAt) => {
    const keys = 100_000;
    const counts = new Array<number>(256).fill(0);
    for (let index = 0; index < keys; index += 1) {
      const partition = partitionOf(bytesOf(keyAt(index)), 256);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    const expected = keys / 256;
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(400);
  });
});
