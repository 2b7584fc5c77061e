/**
 * The first frame in each direction of a stream says who is speaking. A stream whose two ends do not belong
 * together is closed with one of these reasons, before anything else is read from it.
 */
import { helloCodec, protocolVersion } from '../../core/protocol/peer-message.js';
import { decode, encode, Reader, u16 } from '../../core/protocol/wire.js';
import type { Hello } from '../../core/protocol/peer-message.js';

/** Who this process is, as it says to everyone. */
export type Self = Omit<Hello, 'protocolVersion' | 'seen'>;

export const refusals = [
  /** It speaks another version of the protocol. */
  'otherVersion',
  'otherCluster',
  /** Another process runs under this one's id. */
  'sameId',
  /** Not the one that was expected at this address. */
  'unexpectedId',
  'unexpectedRole',
  /** The pair's other end is the one to open the stream. */
  'wrongDirection',
  /** A newer run of the same worker is connected. */
  'olderRun',
  'tooMany',
] as const;
export type Refusal = (typeof refusals)[number];

/** For a stream whose Hello cannot be read because its protocol is another one. */
export class OtherVersionError extends Error {
  override readonly name = 'OtherVersionError';
}

export function encodeHello(self: Self, seen: Hello['seen']): Uint8Array {
  return encode(helloCodec, { protocolVersion, ...self, seen });
}

/** Throws WireError, or OtherVersionError if the version alone could be read. */
export function parseHello(payload: Uint8Array): Hello {
  const version = u16.read(new Reader(payload));
  if (version !== protocolVersion) {
    throw new OtherVersionError(`it speaks version ${version}, this is ${protocolVersion}`);
  }
  return decode(helloCodec, payload);
}

/** What is wrong with the other side whatever it wants; null if nothing is. */
export function judgeHello(self: Self, hello: Hello): Refusal | null {
  if (hello.clusterId !== self.clusterId) return 'otherCluster';
  if (hello.id === self.id) return 'sameId';
  return null;
}

/** What is wrong with the one that answers a stream which was opened to `expectedId`; null if nothing is. */
export function judgeAnswer(self: Self, hello: Hello, expectedId: string): Refusal | null {
  const refusal = judgeHello(self, hello);
  if (refusal !== null) return refusal;
  if (hello.role !== 'worker') return 'unexpectedRole';
  return hello.id === expectedId ? null : 'unexpectedId';
}
