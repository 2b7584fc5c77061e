/** The codecs that are written out by hand write and read what the descriptions say. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { notAppliedReasons } from '../../../core/protocol/operation.js';
import { describedMessageCodec, peerMessageCodec } from '../../../core/protocol/peer-message.js';
import type { PeerMessage } from '../../../core/protocol/peer-message.js';
import { decode, encode, WireError } from '../../../core/protocol/wire.js';

const position = fc.maxSafeNat();
const partition = fc.nat(0xffff);
const u32 = fc.nat(0x7fffffff);
const time = fc.double({ noNaN: true, noDefaultInfinity: true });
const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ maxLength: 20 });
const version = fc.record({ epoch: position, seq: position });
const optionalVersion = fc.option(version);
const boolean = fc.boolean();
const reason = fc.constantFrom(...notAppliedReasons);

function of<T extends object>(type: string, fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record({ ...fields, type: fc.constant(type) }) as unknown as fc.Arbitrary<PeerMessage>;
}

const messages: Record<string, fc.Arbitrary<PeerMessage>> = {
  append: of('append', {
    partition,
    epoch: position,
    previousSeq: position,
    commitSeq: position,
    allSeq: position,
    round: position,
    sentAt: time,
    wantsLease: boolean,
    entries: fc.array(bytes, { maxLength: 5 }),
  }),
  ack: of('ack', {
    partition,
    epoch: position,
    round: position,
    sentAt: time,
    leaseMs: u32,
    durableSeq: position,
  }),
  forwardWrite: of('forwardWrite', {
    id: position,
    partition,
    epoch: position,
    kind: fc.constantFrom('put', 'delete'),
    key: bytes,
    value: bytes,
    contentType: text,
    precondition: fc.record({
      type: fc.constantFrom('none', 'ifMatch', 'ifNoneMatch'),
      versions: fc.option(fc.array(version, { maxLength: 3 })),
    }),
    idempotencyKey: text,
    deadlineMs: u32,
  }),
  forwardRead: of('forwardRead', {
    id: position,
    partition,
    epoch: position,
    key: bytes,
    consistency: fc.constantFrom('linearizable', 'eventual'),
    atLeast: optionalVersion,
    headOnly: boolean,
    deadlineMs: u32,
  }),
  writeReply: of('writeReply', {
    id: position,
    result: fc.constantFrom('applied', 'preconditionFailed', 'absent', 'notApplied', 'unknown'),
    version: optionalVersion,
    created: boolean,
    replayed: boolean,
    acks: partition,
    ringVersion: position,
    reason,
    detail: text,
  }),
  readReply: of('readReply', {
    id: position,
    result: fc.constantFrom('found', 'missing', 'notApplied'),
    version: optionalVersion,
    contentType: text,
    value: bytes,
    valueBytes: partition,
    staleMs: fc.option(time),
    ringVersion: position,
    reason,
    detail: text,
  }),
};

describe.each(Object.entries(messages))('%s', (_type, message) => {
  it('is written as described, and read back', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const written = encode(peerMessageCodec, sent);
        expect(written).toEqual(encode(describedMessageCodec, sent));
        expect(decode(peerMessageCodec, written)).toEqual(sent);
        expect(decode(describedMessageCodec, written)).toEqual(sent);
      }),
    );
  });

  it('is refused where the description refuses it', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (sent, at, byte) => {
        const written = encode(peerMessageCodec, sent);
        // The kind stays: another kind would be another message.
        const position = 1 + (at % (written.length - 1));
        written[position] = byte;
        expect(reading(peerMessageCodec, written)).toEqual(reading(describedMessageCodec, written));
        const cut = written.slice(0, position);
        expect(reading(peerMessageCodec, cut)).toEqual(reading(describedMessageCodec, cut));
      }),
    );
  });
});

/** What came of it, refusals included. */
function reading(codec: typeof peerMessageCodec, bytes: Uint8Array): unknown {
  try {
    return decode(codec, bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return 'refused';
  }
}
