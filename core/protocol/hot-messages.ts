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
  precondition,
  readResult,
  shortText,
  writeResult,
} from './message-fields.js';
import type { PeerMessageOf } from './peer-message.js';
import {
  boolean,
  getBoolean,
  getPosition,
  getTime,
  position,
  putCount,
  putPartition,
  putPosition,
  putTime,
  time,
  u16,
  u32,
  WireError,
} from './wire.js';
import type { Codec, Reader, Writer } from './wire.js';

/** Of an append before its entries. */
const appendHeadBytes = 2 + 5 * 8 + 8 + 1;

export const append: Codec<PeerMessageOf<'append'>> = {
  write(writer, message) {
    const { entries } = message;
    const view = writer.room(appendHeadBytes);
    const { at } = writer;
    putPartition(view, at, message.partition);
    putPosition(view, at + 2, message.epoch);
    putPosition(view, at + 10, message.previousSeq);
    putPosition(view, at + 18, message.commitSeq);
    putPosition(view, at + 26, message.allSeq);
    putPosition(view, at + 34, message.round);
    putTime(view, at + 42, message.sentAt);
    view.setUint8(at + 50, message.wantsLease ? 1 : 0);
    writer.at = at + appendHeadBytes;
    if (entries.length > entriesMax) throw new WireError(`${entries.length} items are over ${entriesMax}`);
    u32.write(writer, entries.length);
    for (const entry of entries) entryBytes.write(writer, entry);
  },
  read(reader) {
    const at = reader.skip(appendHeadBytes);
    const { view } = reader;
    return {
      type: 'append',
      partition: view.getUint16(at),
      epoch: getPosition(view, at + 2),
      previousSeq: getPosition(view, at + 10),
      commitSeq: getPosition(view, at + 18),
      allSeq: getPosition(view, at + 26),
      round: getPosition(view, at + 34),
      sentAt: getTime(view, at + 42),
      wantsLease: getBoolean(view, at + 50),
      entries: readEntries(reader),
    };
  },
};

function readEntries(reader: Reader): Uint8Array[] {
  const count = u32.read(reader);
  if (count > entriesMax || count > reader.left) throw new WireError(`${count} items are too many`);
  const entries: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) entries.push(entryBytes.read(reader));
  return entries;
}

const ackBytes = 2 + 8 + 8 + 8 + 4 + 8;

export const ack: Codec<PeerMessageOf<'ack'>> = {
  write(writer, message) {
    const view = writer.room(ackBytes);
    const { at } = writer;
    putPartition(view, at, message.partition);
    putPosition(view, at + 2, message.epoch);
    putPosition(view, at + 10, message.round);
    putTime(view, at + 18, message.sentAt);
    putCount(view, at + 26, message.leaseMs);
    putPosition(view, at + 30, message.durableSeq);
    writer.at = at + ackBytes;
  },
  read(reader) {
    const at = reader.skip(ackBytes);
    const { view } = reader;
    return {
      type: 'ack',
      partition: view.getUint16(at),
      epoch: getPosition(view, at + 2),
      round: getPosition(view, at + 10),
      sentAt: getTime(view, at + 18),
      leaseMs: view.getUint32(at + 26),
      durableSeq: getPosition(view, at + 30),
    };
  },
};

/** Number, partition and epoch, which forwards of both kinds begin with. */
const forwardHeadBytes = 8 + 2 + 8;

function writeForwardHead(
  writer: Writer,
  { id, partition, epoch }: { id: number; partition: number; epoch: number },
): void {
  const view = writer.room(forwardHeadBytes);
  putPosition(view, writer.at, id);
  putPartition(view, writer.at + 8, partition);
  putPosition(view, writer.at + 10, epoch);
  writer.at += forwardHeadBytes;
}

export const forwardWrite: Codec<PeerMessageOf<'forwardWrite'>> = {
  write(writer, message) {
    writeForwardHead(writer, message);
    operationKind.write(writer, message.kind);
    key.write(writer, message.key);
    entryBytes.write(writer, message.value);
    shortText.write(writer, message.contentType);
    writePrecondition(writer, message.precondition);
    shortText.write(writer, message.idempotencyKey);
    u32.write(writer, message.deadlineMs);
  },
  read: (reader) => ({
    type: 'forwardWrite',
    id: position.read(reader),
    partition: u16.read(reader),
    epoch: position.read(reader),
    kind: operationKind.read(reader),
    key: key.read(reader),
    value: entryBytes.read(reader),
    contentType: shortText.read(reader),
    precondition: readPrecondition(reader),
    idempotencyKey: shortText.read(reader),
    deadlineMs: u32.read(reader),
  }),
};

export const forwardRead: Codec<PeerMessageOf<'forwardRead'>> = {
  write(writer, message) {
    writeForwardHead(writer, message);
    key.write(writer, message.key);
    consistency.write(writer, message.consistency);
    optionalVersion.write(writer, message.atLeast);
    boolean.write(writer, message.headOnly);
    u32.write(writer, message.deadlineMs);
  },
  read: (reader) => ({
    type: 'forwardRead',
    id: position.read(reader),
    partition: u16.read(reader),
    epoch: position.read(reader),
    key: key.read(reader),
    consistency: consistency.read(reader),
    atLeast: optionalVersion.read(reader),
    headOnly: boolean.read(reader),
    deadlineMs: u32.read(reader),
  }),
};

/** Of a write's reply, between version and reason. */
const writeFactsBytes = 1 + 1 + 2 + 8;

export const writeReply: Codec<PeerMessageOf<'writeReply'>> = {
  write(writer, message) {
    position.write(writer, message.id);
    writeResult.write(writer, message.result);
    writeVersion(writer, message.version);
    const view = writer.room(writeFactsBytes);
    const { at } = writer;
    view.setUint8(at, message.created ? 1 : 0);
    view.setUint8(at + 1, message.replayed ? 1 : 0);
    putPartition(view, at + 2, message.acks);
    putPosition(view, at + 4, message.ringVersion);
    writer.at = at + writeFactsBytes;
    notAppliedReason.write(writer, message.reason);
    detailText.write(writer, message.detail);
  },
  read(reader) {
    const id = position.read(reader);
    const result = writeResult.read(reader);
    const found = readVersion(reader);
    const at = reader.skip(writeFactsBytes);
    const { view } = reader;
    return {
      type: 'writeReply',
      id,
      result,
      version: found,
      created: getBoolean(view, at),
      replayed: getBoolean(view, at + 1),
      acks: view.getUint16(at + 2),
      ringVersion: getPosition(view, at + 4),
      reason: notAppliedReason.read(reader),
      detail: detailText.read(reader),
    };
  },
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

const versionBytes = 8 + 8;

function writeVersion(writer: Writer, found: OptionalVersion): void {
  const view = writer.room(1 + versionBytes);
  const { at } = writer;
  view.setUint8(at, found === null ? 0 : 1);
  writer.at = at + 1;
  if (found === null) return;
  putPosition(view, at + 1, found.epoch);
  putPosition(view, at + 9, found.seq);
  writer.at = at + 1 + versionBytes;
}

function readVersion(reader: Reader): OptionalVersion {
  const { view } = reader;
  if (!getBoolean(view, reader.skip(1))) return null;
  const at = reader.skip(versionBytes);
  return { epoch: getPosition(view, at), seq: getPosition(view, at + 8) };
}

type Precondition = PeerMessageOf<'forwardWrite'>['precondition'];

/** What nearly every write has: no condition, and no list of versions. */
const noCondition = 0;
const unconditional: Precondition = { type: 'none', versions: null };

function writePrecondition(writer: Writer, value: Precondition): void {
  if (value.type !== 'none' || value.versions !== null) return precondition.write(writer, value);
  writer.room(2).setUint16(writer.at, noCondition);
  writer.at += 2;
}

function readPrecondition(reader: Reader): Precondition {
  if (reader.left < 2 || reader.view.getUint16(reader.at) !== noCondition) return precondition.read(reader);
  reader.at += 2;
  return unconditional;
}
