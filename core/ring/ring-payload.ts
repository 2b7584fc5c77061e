/**
 * The ring record as bytes: what controllers publish, workers store and pass on. Members stand in the order
 * of their ids, so that one record has one encoding.
 */
import { ringRecordCodec } from '../protocol/control-message.js';
import { decode, encode, WireError } from '../protocol/wire.js';
import type { Member, RingRecord, WorkerId } from './ring-record.js';

export function encodeRing(record: RingRecord): Uint8Array {
  const ids = Object.keys(record.members).sort();
  const members = ids.flatMap((id) => {
    const member = record.members[id];
    return member === undefined ? [] : [{ id, ...member }];
  });
  return encode(ringRecordCodec, { ...record, members });
}

/** Throws `WireError` on bytes that are no ring record of a known format. */
export function decodeRing(payload: Uint8Array): RingRecord {
  const decoded = decode(ringRecordCodec, payload);
  if (decoded.formatVersion !== 1) throw new WireError(`ring format ${decoded.formatVersion} is not known`);
  if (decoded.partitions.length !== decoded.partitionCount)
    throw new WireError('the ring lacks some of its partitions');
  const members: Record<WorkerId, Member> = {};
  for (const { id, ...member } of decoded.members) members[id] = member;
  return { ...decoded, formatVersion: 1, members };
}
