/** A client's request on its way: what the coordinator remembers from its arrival to its one answer. */
import type {
  NotAppliedReason,
  ReadOperation,
  ReadOutcome,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { WorkerId } from '../../core/ring/ring-record.js';

/**
 *   waiting --> asked (this worker's replica, or a peer) --> finished
 *      ^          |
 *      +----------+  not applied, and worth another try
 */
type Stage =
  | { type: 'waiting'; retryAt: number; ringVersion: number }
  | { type: 'local' }
  | { type: 'forwarded'; peer: WorkerId; number: number; at: number }
  | { type: 'finished' };

interface RequestState {
  /** -1 until the first ring is known. */
  partition: number;
  deadline: number;
  stage: Stage;
  attempts: number;
  /** Of the record that the last attempt was routed by; 0 before the first. */
  epochTried: number;
  pauseMs: number;
  /** Why the last attempt came to nothing. */
  reason: NotAppliedReason;
  detail: string;
  /** Its neighbours by arrival. */
  earlier: Request | null;
  later: Request | null;
}

export interface WriteRequest extends RequestState {
  kind: 'write';
  operation: WriteOperation;
  done: (outcome: WriteOutcome) => void;
  /** An attempt ended with its outcome unknown: from then on nothing proves that it was not applied. */
  mayBeApplied: boolean;
}

export interface ReadRequest extends RequestState {
  kind: 'read';
  operation: ReadOperation;
  done: (outcome: ReadOutcome) => void;
}

export type Request = WriteRequest | ReadRequest;

const notTried: Stage = { type: 'waiting', retryAt: 0, ringVersion: 0 };
const notTriedYet = 'not tried yet';

export function writeRequest(
  operation: WriteOperation,
  deadline: number,
  done: (outcome: WriteOutcome) => void,
): WriteRequest {
  return {
    kind: 'write',
    operation,
    done,
    mayBeApplied: false,
    partition: -1,
    deadline,
    stage: notTried,
    attempts: 0,
    epochTried: 0,
    pauseMs: 0,
    reason: 'unavailable',
    detail: notTriedYet,
    earlier: null,
    later: null,
  };
}

export function readRequest(
  operation: ReadOperation,
  deadline: number,
  done: (outcome: ReadOutcome) => void,
): ReadRequest {
  return {
    kind: 'read',
    operation,
    done,
    partition: -1,
    deadline,
    stage: notTried,
    attempts: 0,
    epochTried: 0,
    pauseMs: 0,
    reason: 'unavailable',
    detail: notTriedYet,
    earlier: null,
    later: null,
  };
}

export function valueBytes(request: Request): number {
  return request.kind === 'write' ? request.operation.value.length : 0;
}

/** Any replica may answer it. */
export function isForAnyVoter(request: Request): boolean {
  return (
    request.kind === 'read' &&
    (request.operation.consistency === 'eventual' || request.operation.atLeast !== null)
  );
}

/** Refusals that pass: a newer ring, a peer that comes back or a moment's patience changes them. */
export function isWorthRetrying(reason: NotAppliedReason): boolean {
  return reason === 'moved' || reason === 'moving' || reason === 'noQuorum' || reason === 'unavailable';
}

/**
 * What a write may be told after an attempt whose outcome is unknown: only what holds whether or not that one
 * applied.
 */
export function afterUnknown(outcome: WriteOutcome): WriteOutcome {
  if (outcome.type === 'applied' || outcome.type === 'unknown') return outcome;
  if (outcome.type === 'notApplied' && outcome.reason === 'idempotencyConflict') return outcome;
  return { type: 'unknown', reason: 'an earlier attempt was handed out and its outcome was not learnt' };
}

/** The answer to a request whose time is up. */
export function writeTimedOut(request: WriteRequest, deadlineMs: number): WriteOutcome {
  if (request.stage.type !== 'waiting')
    return { type: 'unknown', reason: `handed to a replica, no answer within ${deadlineMs} ms` };
  if (request.mayBeApplied)
    return {
      type: 'unknown',
      reason: `an attempt was handed out; its outcome was not learnt: ${request.detail}`,
    };
  return { type: 'notApplied', reason: request.reason, detail: request.detail };
}

export function readTimedOut(request: ReadRequest, deadlineMs: number): ReadOutcome {
  if (request.stage.type === 'waiting')
    return { type: 'notApplied', reason: request.reason, detail: request.detail };
  const detail = `no replica answered within ${deadlineMs} ms`;
  return { type: 'notApplied', reason: 'unavailable', detail };
}
