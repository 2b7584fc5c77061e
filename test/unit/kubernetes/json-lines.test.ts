/** Lines of JSON out of a stream that is cut anywhere. */
import { describe, expect, it } from '@jest/globals';
import { JsonLines } from '../../../operator/kubernetes/json-lines.js';

describe('lines of JSON', () => {
  it('come out the same wherever the stream is cut', () => {
    const bytes = Buffer.from('{"a":"ä€😀"}\n\n{"b":2}\n');
    for (let size = 1; size <= bytes.length; size += 1) {
      const values: unknown[] = [];
      const lines = new JsonLines(100, (value) => values.push(value));
      for (let at = 0; at < bytes.length; at += size) {
        expect(lines.push(bytes.subarray(at, at + size))).toBeNull();
      }
      expect(values).toEqual([{ a: 'ä€😀' }, { b: 2 }]);
    }
  });

  it('are refused when they are none, or too long', () => {
    expect(new JsonLines(100, () => undefined).push(Buffer.from('{"a"\n'))).toMatch(/no JSON/);
    expect(new JsonLines(3, () => undefined).push(Buffer.from('"abcd'))).toMatch(/too long/);
  });
});
