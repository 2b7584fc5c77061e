/** Where a key lives, by the very rule that the workers follow. */
import { partitionOf } from '../core/ring/hash.js';

export const keyBytesMax = 1_024;

export type KeyPlace =
  | { type: 'none' }
  | { type: 'refused'; why: string }
  /** `tag`: what stands in braces and alone decides; null if the whole key does. */
  | { type: 'found'; partition: number; tag: string | null };

export function placeOf(key: string, partitionCount: number): KeyPlace {
  if (key === '') return { type: 'none' };
  if (partitionCount === 0) return { type: 'refused', why: 'There is no ring yet.' };
  if (key.includes('\0')) return { type: 'refused', why: 'A key has no zero byte in it.' };
  const bytes = new TextEncoder().encode(key);
  if (bytes.length > keyBytesMax) {
    return { type: 'refused', why: `A key has at most ${keyBytesMax} bytes, this one ${bytes.length}.` };
  }
  return { type: 'found', partition: partitionOf(bytes, partitionCount), tag: tagOf(key) };
}

function tagOf(key: string): string | null {
  const opening = key.indexOf('{');
  const closing = key.indexOf('}', opening + 1);
  return opening >= 0 && closing > opening + 1 ? key.slice(opening + 1, closing) : null;
}
