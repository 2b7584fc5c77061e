/**
 * The messages that every write and read sends, written out by hand: a codec that is put together from parts
 * builds its objects field by field, which costs several times as much. `peer-message.ts` describes their
 * format; a test holds these to it.
 */
import {
  consistency,
  detailText,
  entriesMax,
  entryBytes,
  key,
  notAppliedReason,
  operationKind,
  optionalVersion,
  partition,
  precondition,
  readResult,
  shortText,
  version,
  writeResult,
} from './message-fields.js';
import type { PeerMessageOf } from './peer-message.js';
import { boolean, position, time, u16, u32, WireError } from './wire.js';
import type { Codec, Reader, Writer } from './wire.js';

export const append: Codec<PeerMessageOf<'append'>> = {
  write(writer, message) {
    const { entries } = message;
    partition.write(writer, message.partition);
    position.write(writer, message.epoch);
    position.write(writer, message.previousSeq);
    position.write(writer, message.commitSeq);
    position.write(writer, message.allSeq);
    position.write(writer, message.round);
    time.write(writer, message.sentAt);
    boolean.write(writer, message.wantsLease);
    if (entries.length > entriesMax) throw new WireError(`${entries.length} items are over ${entriesMax}`);
    u32.write(writer, entries.length);
    for (const entry of entries) entryBytes.write(writer, entry);
  },
  read: (reader) => ({
    type: 'append',
    partition: partition.read(reader),
    epoch: position.read(reader),
    previousSeq: position.read(reader),
    commitSeq: position.read(reader),
    allSeq: position.read(reader),
    round: position.read(reader),
    sentAt: time.read(reader),
    wantsLease: boolean.read(reader),
    entries: readEntries(reader),
  }),
};

function readEntries(reader: Reader): Uint8Array[] {
  const count = u32.read(reader);
  if (count > entriesMax || count > reader.left) throw new WireError(`${count} items are too many`);
  const entries: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) entries.push(entryBytes.read(reader));
  return entries;
}

export const ack: Codec<PeerMessageOf<'ack'>> = {
  write(writer, message) {
    partition.write(writer, message.partition);
    position.write(writer, message.epoch);
    position.write(writer, message.round);
    time.write(writer, message.sentAt);
    u32.write(writer, message.leaseMs);
    position.write(writer, message.durableSeq);
  },
  read: (reader) => ({
    type: 'ack',
    partition: partition.read(reader),
    epoch: position.read(reader),
    round: position.read(reader),
    sentAt: time.read(reader),
    leaseMs: u32.read(reader),
    durableSeq: position.read(reader),
  }),
};

export const forwardWrite: Codec<PeerMessageOf<'forwardWrite'>> = {
  write(writer, message) {
    position.write(writer, message.id);
    partition.write(writer, message.partition);
    position.write(writer, message.epoch);
    operationKind.write(writer, message.kind);
    key.write(writer, message.key);
    entryBytes.write(writer, message.value);
    shortText.write(writer, message.contentType);
    precondition.write(writer, message.precondition);
    shortText.write(writer, message.idempotencyKey);
    u32.write(writer, message.deadlineMs);
  },
  read: (reader) => ({
    type: 'forwardWrite',
    id: position.read(reader),
    partition: partition.read(reader),
    epoch: position.read(reader),
    kind: operationKind.read(reader),
    key: key.read(reader),
    value: entryBytes.read(reader),
    contentType: shortText.read(reader),
    precondition: precondition.read(reader),
    idempotencyKey: shortText.read(reader),
    deadlineMs: u32.read(reader),
  }),
};

export const forwardRead: Codec<PeerMessageOf<'forwardRead'>> = {
  write(writer, message) {
    position.write(writer, message.id);
    partition.write(writer, message.partition);
    position.write(writer, message.epoch);
    key.write(writer, message.key);
    consistency.write(writer, message.consistency);
    optionalVersion.write(writer, message.atLeast);
    boolean.write(writer, message.headOnly);
    u32.write(writer, message.deadlineMs);
  },
  read: (reader) => ({
    type: 'forwardRead',
    id: position.read(reader),
    partition: partition.read(reader),
    epoch: position.read(reader),
    key: key.read(reader),
    consistency: consistency.read(reader),
    atLeast: optionalVersion.read(reader),
    headOnly: boolean.read(reader),
    deadlineMs: u32.read(reader),
  }),
};

export const writeReply: Codec<PeerMessageOf<'writeReply'>> = {
  write(writer, message) {
    position.write(writer, message.id);
    writeResult.write(writer, message.result);
    writeVersion(writer, message.version);
    boolean.write(writer, message.created);
    boolean.write(writer, message.replayed);
    u16.write(writer, message.acks);
    position.write(writer, message.ringVersion);
    notAppliedReason.write(writer, message.reason);
    detailText.write(writer, message.detail);
  },
  read: (reader) => ({
    type: 'writeReply',
    id: position.read(reader),
    result: writeResult.read(reader),
    version: readVersion(reader),
    created: boolean.read(reader),
    replayed: boolean.read(reader),
    acks: u16.read(reader),
    ringVersion: position.read(reader),
    reason: notAppliedReason.read(reader),
    detail: detailText.read(reader),
  }),
};

export const readReply: Codec<PeerMessageOf<'readReply'>> = {
  write(writer, message) {
    position.write(writer, message.id);
    readResult.write(writer, message.result);
    writeVersion(writer, message.version);
    shortText.write(writer, message.contentType);
    entryBytes.write(writer, message.value);
    u32.write(writer, message.valueBytes);
    boolean.write(writer, message.staleMs !== null);
    if (message.staleMs !== null) time.write(writer, message.staleMs);
    position.write(writer, message.ringVersion);
    notAppliedReason.write(writer, message.reason);
    detailText.write(writer, message.detail);
  },
  read: (reader) => ({
    type: 'readReply',
    id: position.read(reader),
    result: readResult.read(reader),
    version: readVersion(reader),
    contentType: shortText.read(reader),
    value: entryBytes.read(reader),
    valueBytes: u32.read(reader),
    staleMs: boolean.read(reader) ? time.read(reader) : null,
    ringVersion: position.read(reader),
    reason: notAppliedReason.read(reader),
    detail: detailText.read(reader),
  }),
};

type OptionalVersion = PeerMessageOf<'writeReply'>['version'];

function writeVersion(writer: Writer, found: OptionalVersion): void {
  boolean.write(writer, found !== null);
  if (found !== null) version.write(writer, found);
}

function readVersion(reader: Reader): OptionalVersion {
  if (!boolean.read(reader)) return null;
  return { epoch: position.read(reader), seq: position.read(reader) };
}
