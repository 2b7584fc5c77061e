/**
 * CRC-32 as zlib computes it, in the two shapes that storage needs: over bytes, and over the fields of a
 * small row.
 */
import { crc32 } from 'node:zlib';

export function checksum(bytes: Uint8Array): number {
  return crc32(bytes);
}

/**
 * Goes on from `start`. zlib takes an empty buffer without memory for a wish to begin anew, hence the test.
 */
export function checksumOn(bytes: Uint8Array, start: number): number {
  return bytes.length === 0 ? start : crc32(bytes, start);
}

/** Over plain fields in a fixed order, then over bytes. Not for hot paths. */
export function fieldsChecksum(fields: readonly (string | number)[], bytes?: Uint8Array | null): number {
  const start = crc32(JSON.stringify(fields));
  return bytes === undefined || bytes === null ? start : checksumOn(bytes, start);
}
