/**
 * The world as a worker needs it. Programs give real adapters, the simulator its own; nothing above these
 * ports reads a clock, a disk, a socket or a random number. Calls that answer later take a callback: it is
 * called exactly once, never before the call has returned.
 */
import type { ControlRequest, WorkerReport } from '../../core/protocol/control-message.js';
import type { Limits } from '../../core/limits.js';
import type { Checksum, Entry } from '../../core/protocol/entry.js';
import type { LogCommand, LogResult, PeerRun, RecoveredStore } from '../../core/protocol/log-command.js';
import type {
  ReadOperation,
  ReadOutcome,
  Row,
  Version,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { PeerMessage } from '../../core/protocol/peer-message.js';
import type { Member, RingRecord, WorkerId } from '../../core/ring/ring-record.js';

export interface Clock {
  /** Monotonic milliseconds, with a fraction. */
  now(): number;
  /** Milliseconds since 1970: may jump. */
  wall(): number;
}

/** The append-only log file. Everything passes its one writer in the order of the calls. */
export interface Log {
  /** Results come when all commands are durable, in order. An I/O error ends the process instead. */
  submit(commands: LogCommand[], done: (results: LogResult[]) => void): void;
  /**
   * Entries of a partition from `fromSeq` on, at most `bytesMax` bytes but at least one if it is there; empty
   * if `fromSeq` is not in the log on disk. Reads see everything durable.
   */
  read(partition: number, fromSeq: number, bytesMax: number, done: (entries: Entry[]) => void): void;
}

/** The answer remembered with an idempotency key. */
export interface RememberedReply {
  version: Version;
  created: boolean;
  kind: 'put' | 'delete';
  digest: number;
}

export interface AppliedPosition {
  partition: number;
  seq: number;
}

/** The key-value table: committed entries only, applied behind. */
export interface Table {
  /** Synchronous, from a connection of its own. `damaged`: the row's checksum differs. */
  get(partition: number, key: Uint8Array): Row | null | 'damaged';
  /** Whether there is a row: from the index alone, which costs half of `get` and proves no checksum. */
  has(partition: number, key: Uint8Array): boolean | 'damaged';
  getReply(partition: number, idempotencyKey: string): RememberedReply | null;
  /**
   * Applies entries that follow what is applied; `done` when reads see them (not yet synced). `full`: no
   * room, nothing done.
   */
  apply(
    batches: { partition: number; entries: readonly Entry[] }[],
    done: (outcome: 'applied' | 'full') => void,
  ): void;
  /** Makes the table durable; answers what a restart is certain to find applied. */
  checkpoint(done: (synced: AppliedPosition[]) => void): void;

  /** Opens a consistent view of one partition; at most a few at once. */
  openCopy(partition: number, done: (copy: { handle: number; atSeq: number }) => void): void;
  /** The next rows, packed, about `bytesMax`; in order, `last` with the last of them. */
  readCopy(
    handle: number,
    bytesMax: number,
    done: (chunk: { rows: Uint8Array; last: boolean }) => void,
  ): void;
  closeCopy(handle: number): void;

  /**
   * Stages rows beside the old table; chunk 0 starts anew. With `last` the stage is durable before `done`.
   */
  stage(
    partition: number,
    stage: { number: number; atSeq: number; chunk: number; rows: Uint8Array; last: boolean },
    done: (outcome: 'staged' | 'full' | 'malformed') => void,
  ): void;
  /** After the log has switched to the copy: the stage becomes the partition's table, durably. */
  adopt(partition: number, stageNumber: number, done: () => void): void;
  /** Removes everything that the table holds of a partition, stages too. */
  drop(partition: number, done: () => void): void;
}

/** Streams to the other workers. */
export interface Peers {
  /**
   * Queued and sent together at the end of the tick; dropped if the peer is not connected or its queue is
   * full.
   */
  send(peer: WorkerId, message: PeerMessage): void;
  /** Whom to keep a stream to, and where. */
  connect(members: ReadonlyMap<WorkerId, Member>): void;
}

/** Streams from controllers. */
export interface Controllers {
  send(controller: string, report: WorkerReport): void;
}

/** What adapters tell the worker. */
export interface WorkerInbox {
  peerConnected(peer: PeerRun): void;
  peerDisconnected(peer: WorkerId): void;
  peerMessages(peer: WorkerId, messages: PeerMessage[]): void;
  controllerConnected(controller: string): void;
  controllerDisconnected(controller: string): void;
  controllerRequest(controller: string, request: ControlRequest): void;
}

/**
 * What answers clients of this worker's own replicas; another worker's are reached through the coordinator.
 */
export interface LocalReplicas {
  /**
   * Writes as primary of `partition`, if this worker serves it in `epoch` or newer; `notApplied: moved` if it
   * does not. `done` is called exactly once, possibly much later; the caller keeps the deadline.
   */
  write(
    partition: number,
    epoch: number,
    operation: WriteOperation,
    done: (outcome: WriteOutcome) => void,
  ): void;
  /** Reads as primary, or as any replica where the operation allows it. */
  read(
    partition: number,
    epoch: number,
    operation: ReadOperation,
    done: (outcome: ReadOutcome) => void,
  ): void;
  /** The newest ring this worker knows; null before the first. */
  ring(): RingRecord | null;
}

export interface WorkerOptions {
  id: WorkerId;
  clusterId: string;
  /** Random for each run of the process. */
  runId: string;
  limits: Limits;
  /** What the store held when it was opened. */
  recovered: RecoveredStore;
  clock: Clock;
  log: Log;
  table: Table;
  peers: Peers;
  controllers: Controllers;
  checksum: Checksum;
  /** Whether writes are timed on their way; they are if it is not said. */
  timesWrites?: boolean;
  /**
   * Runs a function once at the end of this tick of the event loop: what piled up until then goes out
   * together.
   */
  defer: (run: () => void) => void;
  /** Told of what happened, for logs and metrics. */
  observe: (event: WorkerEventNote) => void;
  /**
   * The process must end; `disown` if the store must be put aside first and a new one begun (its disk is an
   * older image).
   */
  stop: (reason: string, disown: boolean) => void;
}

/** One line of what happened, with fields; the constant message first. */
export interface WorkerEventNote {
  message: string;
  fields: Record<string, string | number | boolean>;
}
