/** What a client can ask of one key, and every answer it can get. Transport-free: HTTP maps onto these. */

/** The position of the entry that wrote a value; the ETag `"epoch-seq"`. */
export interface Version {
  epoch: number;
  seq: number;
}

/**
 * `ifMatch` holds if the key exists in one of these versions (in any, if null); `ifNoneMatch` if it is absent
 * or in none of them (absent, if null). `versions` is null for `none`.
 */
export interface Precondition {
  type: 'none' | 'ifMatch' | 'ifNoneMatch';
  versions: Version[] | null;
}

export interface WriteOperation {
  type: 'put' | 'delete';
  /** UTF-8, 1 to 1,024 bytes. */
  key: Uint8Array;
  /** Empty for a delete. */
  value: Uint8Array;
  /** Printable ASCII, at most 255 characters; '' if the client named none. */
  contentType: string;
  precondition: Precondition;
  /** Printable ASCII, at most 255 characters; '' if none. */
  idempotencyKey: string;
  /** W3C traceparent of the span that caused it, if it has one; decides nothing. */
  trace?: string;
  /** The key as the primary's maps name it, once one was asked. */
  keyText?: string;
}

/** When a write passed its stations on the primary, in monotonic milliseconds there. */
export interface WriteTimes {
  acceptedAt: number;
  handedOutAt: number;
  quorumAt: number;
}

export type WriteOutcome =
  /**
   * Durable on a commit quorum. `created`: the key was absent before. `replayed`: answered from an
   * idempotency key.
   */
  | {
      type: 'applied';
      version: Version;
      partition: number;
      created: boolean;
      replayed: boolean;
      /** Replicas known to hold the entry durably when the answer was given. */
      acks: number;
      /** On the primary itself, if times are kept. */
      times?: WriteTimes;
    }
  | { type: 'preconditionFailed'; current: Version | null }
  /** A DELETE that found nothing. */
  | { type: 'absent' }
  | NotApplied
  | { type: 'unknown'; reason: string };

/** Certainly not applied, now or later; safe to try again. */
export interface NotApplied {
  type: 'notApplied';
  reason: NotAppliedReason;
  detail: string;
}

/**
 * `moved`: this worker is not (or no longer) the primary. `noQuorum`: too few voters answer. `moving`: held
 * back for a planned move. `overloaded`: a queue is full. `full`: the primary's disk is full.
 * `idempotencyConflict`: the key was used for a different request.
 */
export const notAppliedReasons = [
  'moved',
  'noQuorum',
  'moving',
  'overloaded',
  'full',
  'idempotencyConflict',
  'unavailable',
] as const;
export type NotAppliedReason = (typeof notAppliedReasons)[number];

export interface Row {
  version: Version;
  contentType: string;
  value: Uint8Array;
}

export type Consistency = 'linearizable' | 'eventual';

export interface ReadOperation {
  key: Uint8Array;
  consistency: Consistency;
  /** Any replica may answer that has applied its log up to here. */
  atLeast: Version | null;
  /** The value itself is not needed (HEAD). */
  headOnly: boolean;
  /** The key as the primary's maps name it, once one was asked. */
  keyText?: string;
}

export type Operation = ReadOperation | WriteOperation;

export type ReadOutcome =
  /** `valueBytes`: of the value, which need not be in the row if only the head was asked for. */
  | { type: 'found'; row: Row; valueBytes: number; partition: number; staleMs: number | null }
  | { type: 'missing'; partition: number; staleMs: number | null }
  | NotApplied;
