/** Whole numbers that come as floats are held as small ones: V8's own serialization tells the two apart. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { serialize } from 'node:v8';
import { asWhole } from '../../../core/protocol/big-endian.js';
import { encodeEntry, entryContent, parseEntry } from '../../../core/protocol/entry.js';
import { unpackEntries, packEntries } from '../../../node/storage/entry-batch.js';

/** After two bytes of the format: `I` for a small whole number, `N` for a float. */
function isSmall(value: unknown): boolean {
  return typeof value === 'number' && serialize(value)[2] === 'I'.charCodeAt(0);
}

const checksum = () => 5;
const entry = encodeEntry(
  {
    kind: 'put',
    version: { epoch: 3, seq: 7 },
    logTime: 1_000,
    created: true,
    key: Uint8Array.of(107),
    contentType: '',
    idempotencyKey: '',
    digest: 0,
    value: Uint8Array.of(1, 2),
  },
  checksum,
);

describe('whole numbers', () => {
  it('can be told from floats', () => {
    const [float = 0] = Float64Array.of(7);
    expect(isSmall(7)).toBe(true);
    expect(isSmall(float)).toBe(false);
    expect(isSmall(asWhole(float))).toBe(true);
  });

  it('are the same numbers', () => {
    const any = fc.oneof(fc.integer(), fc.maxSafeNat(), fc.double({ noNaN: true }));
    fc.assert(fc.property(any, (value) => expect(asWhole(value) === value).toBe(true)));
    for (const value of [2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 0.5, -0.5, Infinity])
      expect(asWhole(value)).toBe(value);
    expect(asWhole(-0)).toBe(0);
    expect(asWhole(NaN)).toBeNaN();
  });

  it('are held as such in an entry, wherever it comes from', () => {
    const parsed = parseEntry(entry.bytes, checksum);
    expect(parsed).toEqual(entry);
    const [unpacked] = unpackEntries(packEntries([parsed]));
    for (const { epoch, seq } of [parsed, entryContent(parsed).version, unpacked ?? { epoch: 0.5, seq: 0.5 }])
      expect([isSmall(epoch), isSmall(seq)]).toEqual([true, true]);
  });
});
