/**
 * The world as the controller needs it: the ring store, the workers' streams, and who the workers are. The
 * local mode and Kubernetes are two sets of adapters; the control loop is the same above both, and in the
 * simulator.
 */
import type { ControlRequest, WorkerReport } from '../core/protocol/control-message.js';
import type { Member, RingRecord, WorkerId } from '../core/ring/ring-record.js';

export interface Clock {
  /** Monotonic milliseconds, with a fraction. */
  now(): number;
  wall(): number;
}

/** One-shot timers and the time that they run by. */
export interface Timers extends Clock {
  /** Answers the function that cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export interface Address {
  host: string;
  port: number;
}

/**
 * Calls back once the process at an address, which was there, has ended for certain; nothing is said of one
 * that is silent. Answers the function that ends the watch.
 */
export type WatchProcess = (address: Address, ended: () => void) => () => void;

/** Names one state of the document, as Kubernetes' resourceVersion does. */
export type Revision = string;

export type LoadResult =
  | { status: 'loaded'; record: RingRecord; revision: Revision }
  | { status: 'absent' }
  | { status: 'failed'; reason: string };

/** `unknown`: no answer, or one that does not tell: it may have been done. */
export type SwapResult =
  { status: 'swapped'; revision: Revision } | { status: 'conflict' } | { status: 'unknown'; reason: string };

/** The one linearizable document. Reads are linearizable too (never from a cache). */
export interface RingStore {
  load(done: (result: LoadResult) => void): void;
  /**
   * Replaces the document if it is still at `expected`; creates it if `expected` is null and there is none.
   */
  swap(expected: Revision | null, record: RingRecord, done: (result: SwapResult) => void): void;
}

/** Streams to the workers' peer ports, with the role of a controller. */
export interface Links {
  /** Whom to keep a stream to, and where. */
  connect(workers: ReadonlyMap<WorkerId, Pick<Member, 'host' | 'peerPort'>>): void;
  /** Dropped if not connected. */
  send(worker: WorkerId, request: ControlRequest): void;
  /** Through another worker, which passes it on. */
  sendThrough(via: WorkerId, worker: WorkerId, request: ControlRequest): void;
  /**
   * Opens a new connection to the worker's peer port, and answers what came of it. `refused`: nobody listens
   * there, which on a host that answers means a dead process; `silent`: nothing came back in time.
   */
  probe(
    worker: WorkerId,
    timeoutMs: number,
    done: (outcome: 'answered' | 'refused' | 'silent') => void,
  ): void;
}

/** A worker that should exist, from the local configuration or the StatefulSet and its pods. */
export interface ExpectedWorker {
  id: WorkerId;
  host: string;
  peerPort: number;
  clientPort: number;
  zone: string;
  /**
   * What the platform says of the process, if it says anything (a pod's readiness); a suspicion, never a
   * proof.
   */
  ready: boolean | null;
  /** Asked to go: its replicas are moved elsewhere first, or (`restart`) only its primaries. */
  wish: 'stay' | 'restart' | 'remove';
}

/** What adapters tell the controller. */
export interface ControllerInbox {
  workersExpected(workers: ExpectedWorker[]): void;
  workerConnected(worker: WorkerId, identity: { storeId: string; bootCount: number }): void;
  workerDisconnected(worker: WorkerId): void;
  /** `via`: came through another worker. */
  workerReport(worker: WorkerId, report: WorkerReport, via: WorkerId | null): void;
}
