/** CRC-32 (IEEE 802.3), the checksum of entries and rows: Node's own, which is zlib's. */
import { crc32 as zlibCrc32 } from 'node:zlib';

export function crc32(bytes: Uint8Array): number {
  return zlibCrc32(bytes);
}
