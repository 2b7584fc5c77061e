/** Numbers in bytes are what a DataView reads and writes. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  getFloat64,
  getUint16,
  getUint32,
  setFloat64,
  setUint16,
  setUint32,
} from '../../../core/protocol/big-endian.js';

describe('big-endian numbers', () => {
  it('are those of a DataView, in both directions', () => {
    const [u16, u32] = [fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffff_ffff })];
    fc.assert(
      fc.property(u16, u32, fc.double(), (short, long, float) => {
        const [ours, theirs] = [new Uint8Array(17), new Uint8Array(17)];
        const view = new DataView(theirs.buffer);
        setUint16(ours, 1, short);
        view.setUint16(1, short);
        setUint32(ours, 3, long);
        view.setUint32(3, long);
        setFloat64(ours, 8, float);
        view.setFloat64(8, float);
        expect(ours).toEqual(theirs);
        expect(getUint16(ours, 1)).toBe(short);
        expect(getUint32(ours, 3)).toBe(long);
        expect(getFloat64(ours, 8)).toBe(float);
      }),
    );
  });
});
