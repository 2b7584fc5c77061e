/**
 * What the controller and a worker say to each other, over a stream that the controller opens to the worker's
 * peer port.
 */
import { identifier, messageBytesMax } from './message-fields.js';
import {
  ascii,
  boolean,
  bytes,
  list,
  optional,
  position,
  struct,
  tagged,
  time,
  u16,
  u32,
  word,
} from './wire.js';
import type { Decoded } from './wire.js';

const partitionsMax = 65_536;
const identity = struct({ id: identifier, storeId: identifier });

export const ringRecordCodec = struct({
  formatVersion: u16,
  clusterId: identifier,
  version: position,
  epochCounter: position,
  partitionCount: u32,
  replicationFactor: u16,
  members: list(
    struct({
      id: identifier,
      host: ascii(255),
      peerPort: u16,
      clientPort: u16,
      zone: identifier,
      state: word(['active', 'draining']),
    }),
    1_024,
  ),
  partitions: list(
    struct({
      epoch: position,
      attempt: position,
      primary: struct({ id: identifier, storeId: identifier, bootCount: position }),
      voters: list(identity, 15),
      learners: list(identity, 15),
    }),
    partitionsMax,
  ),
});

/** Promise `epoch` for these partitions. Refused if this worker stores a ring newer than `ringVersion`. */
const fence = struct({
  requestId: position,
  ringVersion: position,
  epoch: position,
  partitions: list(u16, partitionsMax),
});

/**
 * Lead these partitions in `epoch`: make the logs of a majority of `voters` equal to your own. Each names
 * what this replica was chosen for; one that differs refuses. Nothing is served before the ring record says
 * so.
 */
const lead = struct({
  requestId: position,
  epoch: position,
  storeId: identifier,
  items: list(
    struct({ partition: u16, syncedEpoch: position, lastSeq: position, voters: list(identity, 15) }),
    partitionsMax,
  ),
});

/**
 * Planned move: hold writes back until `target`'s log is as long as yours, stop reading, give the leases
 * back.
 */
const hold = struct({
  requestId: position,
  items: list(struct({ partition: u16, epoch: position, target: identity }), partitionsMax),
});
/** The planned move is given up: go on as before. */
const release = struct({ items: list(struct({ partition: u16, epoch: position }), partitionsMax) });

const ring = struct({ payload: bytes(messageBytesMax) });
const probe = struct({ nonce: position });
/** For a ring that was lost: send the newest ring that you hold. */
const fetchRing = struct({ requestId: position });
/** Send everything in the next heartbeat, not what changed alone. */
const reportAll = struct({});

/** For another worker, which the controller cannot reach itself: an encoded request, passed on as it is. */
const relay = struct({ worker: identifier, payload: bytes(messageBytesMax) });

export const controlRequestCodec = tagged({
  fence,
  lead,
  hold,
  release,
  ring,
  probe,
  fetchRing,
  reportAll,
  relay,
});
/** A frame's content. */
export const controlRequestFrameCodec = list(controlRequestCodec, 65_536);
export type ControlRequest = Decoded<typeof controlRequestCodec>;
export type ControlRequestOf<T extends ControlRequest['type']> = Extract<ControlRequest, { type: T }>;

/** One replica in a worker's heartbeat. */
export const replicaReport = struct({
  partition: u16,
  promisedEpoch: position,
  syncedEpoch: position,
  lastSeq: position,
  commitSeq: position,
  appliedSeq: position,
  /** Serves as primary in the epoch of the ring that it holds. */
  serving: boolean,
  /**
   * Serving: voters and learners, other than itself, that are level (synced in its epoch and no more than a
   * little behind).
   */
  levels: list(struct({ id: identifier, storeId: identifier, level: boolean, lag: position }), 32),
  /** A row of its table is damaged, and a copy has not replaced it yet. */
  damaged: boolean,
  /** A full copy is under way into this replica. */
  copying: boolean,
});
export type ReplicaReport = Decoded<typeof replicaReport>;

const heartbeat = struct({
  storeId: identifier,
  bootCount: position,
  runId: identifier,
  ringVersion: position,
  /**
   * Every replica this worker has if `full`; else those that changed since the heartbeat before on this
   * stream.
   */
  full: boolean,
  replicas: list(replicaReport, partitionsMax),
  /** Deleted since the heartbeat before. */
  deleted: list(u16, partitionsMax),
  peers: list(struct({ id: identifier, connected: boolean, silentMs: time }), 1_024),
  /** The process was told to stop and asks for its primaries to be handed over. */
  leaving: boolean,
  diskFull: boolean,
});

/** A promise kept on behalf of a fence, with everything a choice needs. */
const fenced = struct({
  requestId: position,
  epoch: position,
  storeId: identifier,
  bootCount: position,
  runId: identifier,
  /** Not '': the whole fence was refused. */
  refused: ascii(128),
  /** The newest run of each store of each peer that this worker remembers. */
  peerRuns: list(
    struct({ id: identifier, storeId: identifier, bootCount: position, runId: identifier }),
    4_096,
  ),
  items: list(
    struct({
      partition: u16,
      /** Not `epoch` if a higher one was promised before: the fence failed for this partition. */
      promisedEpoch: position,
      syncedEpoch: position,
      lastSeq: position,
      commitSeq: position,
      /** What peers were seen to hold durably. */
      acks: list(struct({ id: identifier, storeId: identifier, epoch: position, seq: position }), 32),
    }),
    partitionsMax,
  ),
});

/** How far a lead has come. Sent whenever `synced` grows, and once a second while it is under way. */
const leading = struct({
  requestId: position,
  epoch: position,
  storeId: identifier,
  bootCount: position,
  items: list(
    struct({
      partition: u16,
      /** Not '': this replica will not lead; choose anew. */
      refused: ascii(128),
      /** Voters whose logs are equal, this one included. */
      synced: list(identity, 32),
      /** Grows with each part sent or pulled: a sync that progresses is not fenced again. */
      progress: position,
    }),
    partitionsMax,
  ),
});

/** The writes are held, the target is level, the leases are given back; or `refused` says why not. */
const held = struct({
  requestId: position,
  items: list(
    struct({ partition: u16, epoch: position, lastSeq: position, refused: ascii(128) }),
    partitionsMax,
  ),
});

const probed = struct({ nonce: position, storeId: identifier, bootCount: position });
const ringReply = struct({
  requestId: position,
  storeId: identifier,
  highestEpoch: position,
  payload: optional(bytes(messageBytesMax)),
});

/** An encoded report of another worker, passed on as it is. */
const relayed = struct({ worker: identifier, payload: bytes(messageBytesMax) });

export const workerReportCodec = tagged({ heartbeat, fenced, leading, held, probed, ringReply, relayed });
export const workerReportFrameCodec = list(workerReportCodec, 65_536);
export type WorkerReport = Decoded<typeof workerReportCodec>;
export type WorkerReportOf<T extends WorkerReport['type']> = Extract<WorkerReport, { type: T }>;
