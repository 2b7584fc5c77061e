/**
 * What workers say to each other. A frame is a list of these for one peer: everything that all partitions
 * have to say at that moment. Streams are ordered and lossless while they last; the machines count on
 * neither.
 */
import {
  consistency,
  detailText,
  entriesMax,
  entryBytes,
  identifier,
  key,
  messageBytesMax,
  notAppliedReason,
  operationKind,
  optionalVersion,
  partition,
  precondition,
  readResult,
  shortText,
  writeResult,
} from './message-fields.js';
import * as hot from './hot-messages.js';
import { boolean, bytes, list, optional, position, struct, tagged, time, u16, u32, word } from './wire.js';
import type { Codec, Decoded } from './wire.js';

export { entryBytes, messageBytesMax } from './message-fields.js';
export const epochStarts = list(struct({ epoch: position, firstSeq: position }), 4_096);

/** Leader to voter or learner: entries, or none: a lease request and the leader's commit position. */
const append = struct({
  partition,
  epoch: position,
  /** The entries follow this position. */
  previousSeq: position,
  commitSeq: position,
  /** All voters and learners hold everything up to here: nobody will ask for it again. */
  allSeq: position,
  /** Counts the requests of this leader for this partition; the answer echoes it with the time of sending. */
  round: position,
  sentAt: time,
  /** False once the leader gave its leases back in this epoch: it would use none. */
  wantsLease: boolean,
  entries: list(entryBytes, entriesMax),
});

/**
 * Everything up to `durableSeq` is durable here, and at the time of answering nothing above `epoch` was
 * promised.
 */
const ack = struct({
  partition,
  epoch: position,
  round: position,
  sentAt: time,
  /** Length of the lease granted, from the grantor's receipt of the request; 0 for none. */
  leaseMs: u32,
  durableSeq: position,
});

/** The append was not taken. `gap`: `lastSeq` tells where to go on. `busy`: try again later. */
const refusal = struct({
  partition,
  epoch: position,
  round: position,
  reason: word(['promised', 'gap', 'busy']),
  promisedEpoch: position,
  lastSeq: position,
});

/** Voter or learner to leader of `epoch`, which it has promised: my log, make it equal to yours. */
const report = struct({
  partition,
  epoch: position,
  syncedEpoch: position,
  epochStarts,
  /** The log begins after this; what is not above it is in the table. */
  baseSeq: position,
  lastSeq: position,
  appliedSeq: position,
  /** Synced in this very epoch, but its table is damaged: asks for a full copy of it. */
  refill: boolean,
  /** A full copy that is staged durably and waits for the log that follows it. */
  staged: optional(struct({ number: position, atSeq: position })),
});

/**
 * Leader to receiver: part of the log after `cutTo`. Parts are gathered; the last one carries `epochStarts`
 * and makes the receiver synced in `epoch`. `copyNumber` is not 0 if the log follows the staged copy of that
 * number.
 */
const sync = struct({
  partition,
  epoch: position,
  cutTo: position,
  previousSeq: position,
  entries: list(entryBytes, entriesMax),
  last: boolean,
  epochStarts,
  copyNumber: position,
});

const giveBack = struct({ partition, epoch: position });

/** Leader to receiver: the log does not reach back; a copy of the table at `atSeq` can be pulled. */
const copyOffer = struct({ partition, epoch: position, number: position, atSeq: position });
const copyPull = struct({ partition, epoch: position, number: position, chunk: u32 });
const copyChunk = struct({
  partition,
  epoch: position,
  number: position,
  chunk: u32,
  last: boolean,
  rows: bytes(messageBytesMax),
});
/** The copy cannot go on; ask anew. */
const copyEnd = struct({ partition, epoch: position, number: position });

/** A client's write, passed on to the primary. `epoch` is the configuration that the sender routed by. */
const forwardWrite = struct({
  id: position,
  partition,
  epoch: position,
  kind: operationKind,
  key,
  value: entryBytes,
  contentType: shortText,
  precondition,
  idempotencyKey: shortText,
  deadlineMs: u32,
});
const forwardRead = struct({
  id: position,
  partition,
  epoch: position,
  key,
  consistency,
  atLeast: optionalVersion,
  headOnly: boolean,
  deadlineMs: u32,
});

const notApplied = { reason: notAppliedReason, detail: detailText };
const writeReply = struct({
  id: position,
  result: writeResult,
  version: optionalVersion,
  created: boolean,
  replayed: boolean,
  acks: u16,
  /** Of the ring that the answer was given by: an asker with an older one waits for it. */
  ringVersion: position,
  ...notApplied,
});
const readReply = struct({
  id: position,
  result: readResult,
  version: optionalVersion,
  contentType: shortText,
  value: entryBytes,
  /** Of the value, which is left out if only the head was asked for. */
  valueBytes: u32,
  staleMs: optional(time),
  ringVersion: position,
  ...notApplied,
});

/**
 * The newest run of the receiver's store that the sender remembers: a receiver that finds itself older is an
 * older image of its disk.
 */
const remembered = struct({ storeId: identifier, bootCount: position, runId: identifier });
/** The receiver acknowledged `seq` in `epoch` from the same store, and now holds less. */
const forgot = struct({ partition, epoch: position, seq: position });

/** A controller's message for a worker that it cannot reach itself, and the way back. */
const relay = struct({
  controller: identifier,
  towards: word(['worker', 'controller']),
  payload: entryBytes,
});

/** Has the sender no room for new entries? Said when that changes, and at the beginning of a stream if so. */
const disk = struct({ full: boolean });

/**
 * Of the `forwardWrite` with this id, which follows: its W3C traceparent. Only between workers that trace.
 */
const trace = struct({ id: position, traceparent: shortText });

/** Sent when there is nothing else to say, so that silence means something. */
const alive = struct({});
/** The ring version this worker holds; a peer with a newer one sends it. */
const ringVersion = struct({ version: position });
const ring = struct({ payload: entryBytes });

const described = {
  append,
  ack,
  refusal,
  report,
  sync,
  giveBack,
  copyOffer,
  copyPull,
  copyChunk,
  copyEnd,
  forwardWrite,
  writeReply,
  forwardRead,
  readReply,
  relay,
  alive,
  ringVersion,
  ring,
  remembered,
  forgot,
  disk,
  trace,
};

/** The format of every message: what the codecs written out by hand are held to. */
export const describedMessageCodec = tagged(described);
export type PeerMessage = Decoded<typeof describedMessageCodec>;
export type PeerMessageOf<T extends PeerMessage['type']> = Extract<PeerMessage, { type: T }>;
export const peerMessageCodec: Codec<PeerMessage> = tagged({ ...described, ...hot });
/** A frame's content. */
export const peerFrameCodec: Codec<PeerMessage[]> = list(peerMessageCodec, 65_536);

/**
 * First frame in each direction of a stream; a stream whose two ends do not fit together is closed with a
 * reason.
 */
export const helloCodec = struct({
  protocolVersion: u16,
  role: word(['worker', 'controller']),
  clusterId: identifier,
  id: identifier,
  storeId: identifier,
  bootCount: position,
  runId: identifier,
  /** Of the process, for people who look for it; 0 if that means nothing outside. */
  pid: u32,
  /** The newest run of the other side's id that this side remembers, if any. */
  seen: optional(struct({ storeId: identifier, bootCount: position, runId: identifier })),
});
export type Hello = Decoded<typeof helloCodec>;
export const protocolVersion = 1;
