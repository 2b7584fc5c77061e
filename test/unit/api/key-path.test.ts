/** Keys and queries in targets: every spelling, every refusal. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseKey, parseQuery, splitTarget } from '../../../node/api/key-path.js';

const keyOf = (encoded: string) => parseKey(`/v1/kv/${encoded}`, 1_024).toString('utf8');

describe('a key in a path', () => {
  it.each([
    ['a', 'a'],
    ['a/b/../c//d', 'a/b/../c//d'],
    ['..', '..'],
    ['/', '/'],
    ['%2F%2e%2E', '/..'],
    ['a+b', 'a+b'],
    ['%25', '%'],
    ['%2525', '%25'],
    ['%00'.replace('00', '01'), '\u0001'],
    ['%C3%A9\u00c3\u00a9', 'éé'],
    ['{tag}:1', '{tag}:1'],
    ['%F0%9F%98%80', '😀'],
  ])('%j stands for %j', (encoded, key) => {
    expect(keyOf(encoded)).toBe(key);
  });

  it.each([
    ['', 'empty'],
    ['%', 'hexadecimal'],
    ['a%2', 'hexadecimal'],
    ['%G0', 'hexadecimal'],
    ['%2%31', 'hexadecimal'],
    ['%00', 'zero byte'],
    ['a%00b', 'zero byte'],
    ['%FF', 'not UTF-8'],
    ['%C3', 'not UTF-8'],
    ['%ED%A0%80', 'not UTF-8'],
    ['%C0%AF', 'not UTF-8'],
    ['\u00e9', 'not UTF-8'],
    ['a#b', '#'],
  ])('%j is refused: %s', (encoded, why) => {
    expect(() => keyOf(encoded)).toThrow(why);
  });

  it.each([
    ['a', 1_025, '1025 bytes'],
    ['%C3%A9', 512, ''],
    ['%C3%A9', 513, 'longer than 1024'],
    ['a', 4_000, 'longer than 1024'],
  ])('of %s %d times is refused: %j', (unit, times, why) => {
    if (why === '') expect(keyOf(unit.repeat(times))).toHaveLength(times);
    else expect(() => keyOf(unit.repeat(times))).toThrow(why);
  });

  it('of any text is read back, at any length up to the limit', () => {
    const key = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 300 })
      .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 1_024);
    fc.assert(fc.property(key, (text) => expect(keyOf(encodeURIComponent(text))).toBe(text)));
  });

  it('is never anything but UTF-8 without a zero byte', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^(%[0-9a-fA-F]{2}|[a-c%]){1,12}$/), (encoded) => {
        let key: Buffer;
        try {
          key = parseKey(`/v1/kv/${encoded}`, 1_024);
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed-key' });
          return;
        }
        expect(Buffer.from(key.toString('utf8'))).toEqual(key);
        expect(key.includes(0)).toBe(false);
      }),
    );
  });
});

describe('a target', () => {
  it.each([
    ['/v1/kv/a?x=1?y', '/v1/kv/a', 'x=1?y'],
    ['/v1/kv/a?', '/v1/kv/a', ''],
    ['http://host:1/v1/kv/a?b', '/v1/kv/a', 'b'],
    ['HTTPS://host', '', ''],
    ['*', '*', ''],
    ['//host/v1', '//host/v1', ''],
  ])('%j falls into path and query', (target, path, query) => {
    expect(splitTarget(target)).toEqual({ path, query });
  });
});

describe('a query', () => {
  it('is decoded', () => {
    expect([...parseQuery('a=1+2%2B&&%62=%C3%A9&c', ['a', 'b', 'c'])]).toEqual([
      ['a', '1 2+'],
      ['b', 'é'],
      ['c', ''],
    ]);
  });

  it('names every unknown parameter', () => {
    expect(() => parseQuery('a=1&ttl=5&x%22=', ['a'])).toThrow(
      'unknown query parameters: "ttl", "x\\""; known are a',
    );
    expect(() => parseQuery('__proto__=1', [])).toThrow('this request takes none');
  });

  it.each(['a=1&a=2', 'a=%', 'a=%FF', '%zz=1'])('refuses %j', (query) => {
    expect(() => parseQuery(query, ['a'])).toThrow();
  });
});
