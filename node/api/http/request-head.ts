/**
 * What the key-value interface reads of a request's head, however the bytes were read. Fields that may stand
 * only once are checked here, so that two readers of a request can never disagree on which of two values
 * counts.
 */
import { KvorumError } from '../../../core/errors.js';

export interface RequestHead {
  method: string;
  /** As it was sent, each character one byte. */
  target: string;
  /** Null if the request does not say. */
  contentLength: number | null;
  isChunked: boolean;
  contentType: string | null;
  contentEncoding: string | null;
  contentRange: string | null;
  ifMatch: string | null;
  ifNoneMatch: string | null;
  idempotencyKey: string | null;
  /** '' if it stands there twice, which makes it worthless and no reason to refuse. */
  traceparent: string | null;
  /** '' if it stands there twice. */
  requestId: string | null;
  expect: string | null;
}

export function newHead(method: string, target: string): RequestHead {
  return {
    method,
    target,
    contentLength: null,
    isChunked: false,
    contentType: null,
    contentEncoding: null,
    contentRange: null,
    ifMatch: null,
    ifNoneMatch: null,
    idempotencyKey: null,
    traceparent: null,
    requestId: null,
    expect: null,
  };
}

/**
 * Takes one field into the head; those that this interface has no use for are left out. Throws
 * `malformed-header`.
 */
export function addField(head: RequestHead, name: string, value: string): void {
  switch (name.length) {
    case 6:
      if (isNamed(name, 'expect')) head.expect = joined(head.expect, value);
      return;
    case 8:
      if (isNamed(name, 'if-match')) head.ifMatch = joined(head.ifMatch, value);
      return;
    case 11:
      if (isNamed(name, 'traceparent')) head.traceparent = head.traceparent === null ? value : '';
      return;
    case 12:
      if (isNamed(name, 'content-type')) head.contentType = single(head.contentType, name, value);
      else if (isNamed(name, 'x-request-id')) head.requestId = head.requestId === null ? value : '';
      return;
    case 13:
      if (isNamed(name, 'if-none-match')) head.ifNoneMatch = joined(head.ifNoneMatch, value);
      else if (isNamed(name, 'content-range')) head.contentRange = value;
      return;
    case 14:
      if (isNamed(name, 'content-length')) head.contentLength = parseLength(head.contentLength, value);
      return;
    case 15:
      if (isNamed(name, 'idempotency-key')) head.idempotencyKey = single(head.idempotencyKey, name, value);
      return;
    case 16:
      if (isNamed(name, 'content-encoding')) head.contentEncoding = joined(head.contentEncoding, value);
      return;
    case 17:
      if (isNamed(name, 'transfer-encoding')) addCoding(head, value);
      return;
    default:
  }
}

function isNamed(name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

/** Fields of list syntax: several lines mean the same as one with commas (RFC 9110 section 5.3). */
function joined(before: string | null, value: string): string {
  return before === null ? value : `${before}, ${value}`;
}

function single(before: string | null, name: string, value: string): string {
  if (before !== null) throw new KvorumError('malformed-header', `${name} is given more than once`);
  return value;
}

function parseLength(before: number | null, value: string): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (length < 0 || before !== null)
    throw new KvorumError('malformed-request', 'Content-Length is not one whole number');
  return length;
}

/**
 * A length beside a coding is how requests are smuggled past a proxy: refused, whichever of the two is right.
 */
export function checkFraming(head: RequestHead): void {
  if (head.isChunked && head.contentLength !== null)
    throw new KvorumError('malformed-request', 'Content-Length and Transfer-Encoding exclude each other');
}

function addCoding(head: RequestHead, value: string): void {
  if (head.isChunked) throw new KvorumError('malformed-request', 'Transfer-Encoding is given more than once');
  if (value.toLowerCase() !== 'chunked')
    throw new KvorumError('not-implemented', 'the only transfer coding implemented is chunked');
  head.isChunked = true;
}
