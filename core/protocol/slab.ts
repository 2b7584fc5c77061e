/**
 * Memory for many small byte strings that live about equally long: an allocation of its own for each costs
 * more than filling it, and each is one more thing to be swept. What is cut from a slab keeps the whole slab
 * in memory, so this is for what is soon let go of: frames, entries on their way to the table, bodies.
 */

const slabBytes = 32 * 1024;
/** What is larger gets memory of its own. */
const cutBytesMax = slabBytes / 8;
/** Cuts begin at a multiple of this. */
const alignment = 8;

let slab = new Uint8Array(slabBytes);
let used = 0;

/** `byteCount` bytes that nobody else uses, of any content: to be written in full by the caller. */
export function cut(byteCount: number): Uint8Array {
  if (byteCount > cutBytesMax) return new Uint8Array(byteCount);
  if (used + byteCount > slabBytes) {
    slab = new Uint8Array(slabBytes);
    used = 0;
  }
  const taken = slab.subarray(used, used + byteCount);
  used += (byteCount + alignment - 1) & -alignment;
  return taken;
}

/** A copy whose memory nobody else writes to. */
export function cutCopy(bytes: Uint8Array): Uint8Array {
  const copy = cut(bytes.length);
  copy.set(bytes);
  return copy;
}
