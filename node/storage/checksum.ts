/** CRC-32 as zlib computes it, in the two shapes that storage needs: over bytes, and over the fields of a small row. */
import { crc32 } from 'node:zlib';

export function checksum(bytes: Uint8Array): number {
  return crc32(bytes);
}

/** Over plain fields in a fixed order, then over bytes. Not for hot paths. */
export function fieldsChecksum(fields: readonly (string | number)[], bytes?: Uint8Array | null): number {
  const start = crc32(JSON.stringify(fields));
  return bytes === undefined || bytes === null ? start : crc32(bytes, start);
}
