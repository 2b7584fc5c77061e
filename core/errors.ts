/**
 * Every error that a user can see: one class, and one table that says for each code whose fault it is, what
 * HTTP calls it, whether the same request may be sent again, and what was applied. Whoever answers a user
 * maps through this table, so that a code means the same on every path.
 */

export interface ErrorKind {
  /** Short, the same for every occurrence (RFC 9457 section 3.1.3). */
  title: string;
  /** HTTP status. */
  status: number;
  /** Who has to change something: the caller its request, or the world its state. */
  fault: 'caller' | 'world' | 'program';
  /**
   * The same request may succeed later. After `unknown` it may be applied twice, unless it is conditional or
   * has a key.
   */
  retryable: boolean;
  /** `unknown`: it may or may not have been applied. */
  applied: 'nothing' | 'unknown';
}

const caller = { fault: 'caller', retryable: false, applied: 'nothing' } as const;
const world = { fault: 'world', retryable: true, applied: 'nothing' } as const;

export const errorKinds = {
  'malformed-request': { title: 'The request is not valid HTTP', status: 400, ...caller },
  'malformed-key': { title: 'The key is malformed', status: 400, ...caller },
  'malformed-query': { title: 'The query is malformed', status: 400, ...caller },
  'unknown-parameter': { title: 'The query has an unknown parameter', status: 400, ...caller },
  'malformed-header': { title: 'A header field is malformed', status: 400, ...caller },
  'unexpected-body': { title: 'This request takes no body', status: 400, ...caller },
  'unknown-path': { title: 'There is nothing at this path', status: 404, ...caller },
  'key-not-found': { title: 'The key does not exist', status: 404, ...caller },
  'method-not-allowed': { title: 'The method is not allowed here', status: 405, ...caller },
  'request-timeout': { title: 'The request did not arrive in time', status: 408, ...caller, retryable: true },
  'length-required': { title: 'The length of the body is required', status: 411, ...caller },
  'precondition-failed': { title: 'The precondition does not hold', status: 412, ...caller },
  'value-too-large': { title: 'The value is too large', status: 413, ...caller },
  'target-too-long': { title: 'The request target is too long', status: 414, ...caller },
  'unsupported-media-type': { title: 'The media type cannot be kept', status: 415, ...caller },
  'expectation-failed': { title: 'The expectation cannot be met', status: 417, ...caller },
  'idempotency-key-reused': {
    title: 'The idempotency key was used for a different request',
    status: 422,
    ...caller,
  },
  overloaded: { title: 'Too many requests are in flight', status: 429, ...world },
  'headers-too-large': { title: 'The header section is too large', status: 431, ...caller },
  internal: {
    title: 'The program failed',
    status: 500,
    fault: 'program',
    retryable: false,
    applied: 'unknown',
  },
  'not-implemented': { title: 'The transfer coding is not implemented', status: 501, ...caller },
  'no-quorum': { title: 'Too few replicas can be reached', status: 503, ...world },
  moving: { title: 'The partition is being moved', status: 503, ...world },
  unavailable: { title: 'The partition cannot be reached', status: 503, ...world },
  'outcome-unknown': {
    title: 'The outcome is unknown',
    status: 504,
    fault: 'world',
    retryable: false,
    applied: 'unknown',
  },
  'unsupported-version': { title: 'The HTTP version is not supported', status: 505, ...caller },
  'disk-full': { title: 'The disk is full', status: 507, ...world },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** An error for a user. `detail` is about this occurrence and safe to show; `cause` is for the log alone. */
export class KvorumError extends Error {
  override readonly name = 'KvorumError';
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(`${errorKinds[code].title}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** The stable identifier of a code, in the `type` member of a problem document (RFC 9457 section 3.1.1). */
export function errorType(code: ErrorCode): string {
  return `urn:kvorum:error:${code}`;
}
