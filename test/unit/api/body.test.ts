/** Bodies of both kinds, in pieces of any size. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KvorumError } from '../../../core/errors.js';
import { ChunkedBody, SizedBody } from '../../../node/api/http/body.js';
import type { Body } from '../../../node/api/http/body.js';

const tooLarge = () => new KvorumError('value-too-large', 'too large');

function counting() {
  return {
    taken: 0,
    take(bytes: number) {
      this.taken += bytes;
    },
  };
}

/** Pushes in pieces of these sizes, then the rest; answers what was left over. */
function pushAll(body: Body, bytes: Buffer, sizes: number[] = []): Buffer {
  let rest = bytes;
  for (const size of [...sizes, bytes.length]) {
    if (body.isWhole) break;
    const part = rest.subarray(0, size);
    rest = rest.subarray(body.push(part));
  }
  return rest;
}

const chunked = (text: string, sizes: number[] = [], lengthMax = 1_000) => {
  const body = new ChunkedBody(lengthMax, counting(), tooLarge);
  const rest = pushAll(body, Buffer.from(text, 'latin1'), sizes);
  return { isWhole: body.isWhole, text: Buffer.from(body.value()).toString('latin1'), rest: rest.toString() };
};

describe('a body of known length', () => {
  it('takes what is its own, in any pieces', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), pieces, (value, sizes) => {
        const body = new SizedBody(value.length, counting());
        const rest = pushAll(body, Buffer.concat([value, Buffer.from('next')]), sizes);
        expect(body.isWhole).toBe(true);
        expect(body.value()).toEqual(value);
        expect(rest.toString()).toBe('next');
      }),
    );
  });

  it('costs what has come, not what was announced', () => {
    const budget = counting();
    const body = new SizedBody(1_000_000, budget);
    body.push(Buffer.alloc(10));
    expect(budget.taken).toBeLessThan(20_000);
    pushAll(body, Buffer.alloc(999_990), Array<number>(100).fill(10_000));
    expect(body.isWhole).toBe(true);
    expect(budget.taken).toBe(1_000_000);
  });
});

describe('a chunked body', () => {
  it.each([
    ['0\r\n\r\n', '', ''],
    ['3\r\nabc\r\n0\r\n\r\n', 'abc', ''],
    ['3;x=y\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\nGET', 'abc0123456789', 'GET'],
    ['1 ;x\r\na\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n', 'a', ''],
    ['2\r\n\r\n\r\n0\r\n\r\n', '\r\n', ''],
  ])('%j says %j', (input, text, rest) => {
    expect(chunked(input)).toEqual({ isWhole: true, text, rest });
    const single = Array<number>(input.length).fill(1);
    expect(chunked(input, single)).toMatchObject({ isWhole: true, text });
  });

  it.each([
    '\r\n',
    'x\r\n',
    '-1\r\n',
    '0x1\r\na',
    ' 1\r\na',
    '1\na\r\n',
    '1\r\nab\r\n',
    '1\r\na\n',
    '1\r\naX\r\n',
    '1;\u0001\r\na',
    '123456789\r\n',
    `1;${'x'.repeat(300)}\r\n`,
    '0\r\nno colon\r\n\r\n',
    '0\r\n folded: x\r\n\r\n',
    `0\r\n${'A: b\r\n'.repeat(33)}\r\n`,
    '1\r\r\na',
  ])('is refused: %j', (input) => {
    expect(() => chunked(input)).toThrow(/chunked body is malformed/);
  });

  it('is refused at the chunk that would be too much, before its bytes come', () => {
    expect(() => chunked('5\r\nabcde\r\n6\r\n', [], 10)).toThrow(/too large/);
    expect(chunked('5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n', [], 10)).toMatchObject({ text: 'abcdefghij' });
  });

  it('is not whole before its end', () => {
    const input = '3\r\nabc\r\n0\r\nA: b\r\n\r\n';
    for (let end = 0; end < input.length; end += 1)
      expect([end, chunked(input.slice(0, end)).isWhole]).toEqual([end, false]);
  });

  it('is read alike in any pieces', () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
    const pieces = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30 });
    fc.assert(
      fc.property(chunks, pieces, (parts, sizes) => {
        const encoded = parts.flatMap((part) => [`${part.length.toString(16)}\r\n`, part, '\r\n']);
        const input = Buffer.concat([...encoded, '0\r\n\r\nrest'].map((part) => Buffer.from(part)));
        const body = new ChunkedBody(1_000, counting(), tooLarge);
        const rest = pushAll(body, input, sizes);
        expect(Buffer.from(body.value())).toEqual(Buffer.concat(parts));
        expect(rest.toString()).toBe('rest');
      }),
    );
  });
});
