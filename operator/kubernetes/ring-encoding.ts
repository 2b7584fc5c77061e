/**
 * The ring record in a ConfigMap. As JSON that a person can read with kubectl while it is small; gzipped
 * beyond, because an object may have one MiB in all and every change sends the whole.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { decodeRing, encodeRing } from '../../core/ring/ring-payload.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { ConfigMap } from './api-objects.js';

const plainKey = 'ring.json';
const packedKey = 'ring.json.gz';
export const plainBytesMax = 256 * 1024;
const unpackedBytesMax = 64 * 1024 * 1024;

export type RingContents = Pick<ConfigMap, 'data' | 'binaryData'>;

export function encodeRingContents(record: RingRecord): RingContents {
  const json = JSON.stringify(record);
  if (Buffer.byteLength(json) <= plainBytesMax) return { data: { [plainKey]: json } };
  return { binaryData: { [packedKey]: gzipSync(json).toString('base64') } };
}

/** Throws an error that says what is wrong with the contents. */
export function decodeRingContents(contents: RingContents): RingRecord {
  const plain = contents.data?.[plainKey];
  const packed = contents.binaryData?.[packedKey];
  if ((plain === undefined) === (packed === undefined)) {
    throw new Error(`it must have exactly one of ${plainKey} and ${packedKey}`);
  }
  const json = plain ?? unpack(packed ?? '');
  const record = JSON.parse(json) as RingRecord;
  // The binary form's own checks: every field is there, of its type and in its range.
  return decodeRing(encodeRing(record));
}

function unpack(packed: string): string {
  const bytes = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: unpackedBytesMax });
  return bytes.toString('utf8');
}
