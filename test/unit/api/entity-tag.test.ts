/** Entity tags by RFC 9110, and the conditions made of them. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  formatVersion,
  isListed,
  parseTagCondition,
  parseVersion,
  writePrecondition,
} from '../../../node/api/entity-tag.js';

describe('versions', () => {
  it('are read back as they are written', () => {
    const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(position, position, (epoch, seq) => {
        expect(parseVersion(formatVersion({ epoch, seq }))).toEqual({ epoch, seq });
      }),
    );
  });

  it.each([
    '',
    '1',
    '1-',
    '-1',
    '0-1',
    '1-0',
    '01-1',
    '1-1-1',
    '1 -1',
    '1-9007199254740993',
    '1-1\n',
    '+1-1',
  ])('have one spelling: %j is none', (text) => {
    expect(parseVersion(text)).toBeNull();
  });
});

describe('conditions', () => {
  it.each([
    ['*', null],
    ['"1-2"', [[1, 2]]],
    ['"1-2","3-4"', ['1-2', '3-4']],
    [' "1-2" , , "3-4",', ['1-2', '3-4']],
    ['"", "a,b", "1-2"', ['1-2']],
    ['"foreign"', []],
  ])('read %j', (text, expected) => {
    const versions = parseTagCondition('If-Match', text).versions;
    const expectedTexts = expected?.map((item) => (typeof item === 'string' ? item : item.join('-'))) ?? null;
    expect(versions?.map(formatVersion) ?? null).toEqual(expectedTexts);
  });

  it('compare strongly for If-Match and weakly for If-None-Match', () => {
    expect(parseTagCondition('If-Match', 'W/"1-2"').versions).toEqual([]);
    expect(parseTagCondition('If-None-Match', 'W/"1-2"').versions).toEqual([{ epoch: 1, seq: 2 }]);
  });

  it.each(['', ' ', ',', '1-2', '"1-2', '"1-2" "3-4"', '"1-2""3-4"', '*, "1-2"', 'w/"1-2"', '"a b"', '""x'])(
    'refuse %j',
    (text) => {
      expect(() => parseTagCondition('If-Match', text)).toThrow(/If-Match/);
    },
  );

  it('are bounded', () => {
    const list = (count: number) => Array.from({ length: count }, (_, index) => `"1-${index + 1}"`).join();
    expect(parseTagCondition('If-Match', list(256)).versions).toHaveLength(256);
    expect(() => parseTagCondition('If-Match', list(257))).toThrow(/more than 256/);
  });

  it('never take long, whatever is in them', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ ,"W/*a1-]{0,2000}$/), (text) => {
        try {
          expect(Array.isArray(parseTagCondition('If-None-Match', text).versions ?? [])).toBe(true);
        } catch (error) {
          expect(String(error)).toMatch(/If-None-Match/);
        }
      }),
    );
  });

  it('hold by version, and * for whatever exists', () => {
    const current = { epoch: 1, seq: 2 };
    expect(isListed({ versions: null }, current)).toBe(true);
    expect(isListed({ versions: null }, null)).toBe(false);
    expect(isListed({ versions: [current] }, { epoch: 1, seq: 2 })).toBe(true);
    expect(isListed({ versions: [current] }, { epoch: 2, seq: 2 })).toBe(false);
    expect(isListed({ versions: [] }, current)).toBe(false);
  });

  it('of a write are one or none', () => {
    expect(writePrecondition(null, null)).toEqual({ type: 'none', versions: null });
    expect(writePrecondition('*', null)).toEqual({ type: 'ifMatch', versions: null });
    expect(writePrecondition(null, '"1-2"')).toEqual({
      type: 'ifNoneMatch',
      versions: [{ epoch: 1, seq: 2 }],
    });
    expect(() => writePrecondition('*', '*')).toThrow(/exclude each other/);
  });
});
