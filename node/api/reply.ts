/** A reply as plain data, for whoever writes it to a socket; and errors as replies (RFC 9457). */
import { errorKinds, errorType, KvorumError } from '../../core/errors.js';
import type { ErrorCode } from '../../core/errors.js';

export interface Reply {
  status: number;
  /** Names and values in turn, without those that belong to the connection and without the length. */
  headers: string[];
  /** Further fields as they go out, for replies that are many: each ends in CRLF. */
  fields?: string;
  /** A string is ASCII alone: its length is its length in bytes. */
  body: Uint8Array | string;
  /** Of the body that a GET would have, where a HEAD has none to measure. */
  bodyBytes?: number;
  /** Of a problem. */
  code?: ErrorCode;
}

const retryAfterSeconds = '1';
/** What JSON writes as it is. */
const plainText = /^[ !#-[\]-~]*$/;
const surrogatesAndControls = /[\u007f-\uffff]/g;

/** JSON in ASCII, other characters escaped. Bodies end in a newline, for whoever reads them at a terminal. */
export function asciiJson(value: unknown): string {
  if (typeof value === 'string' && plainText.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(
    surrogatesAndControls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  /** The same request may succeed later. */
  retryable: boolean;
  applied: 'nothing' | 'unknown';
}

export function problem(code: ErrorCode, detail: string): Problem {
  const { title, status, retryable, applied } = errorKinds[code];
  return { type: errorType(code), title, status, detail, code, retryable, applied };
}

export function problemReply(code: ErrorCode, detail: string, headers: readonly string[] = []): Reply {
  const kind = errorKinds[code];
  const all = ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store', ...headers];
  if (kind.fault === 'world' && kind.retryable) all.push('Retry-After', retryAfterSeconds);
  return { status: kind.status, headers: all, body: `${asciiJson(problem(code, detail))}\n`, code };
}

/** Anything thrown as a reply; what is not ours is a failure of the program, whose message is not shown. */
export function errorReply(error: unknown): Reply {
  if (error instanceof KvorumError) return problemReply(error.code, error.detail);
  return problemReply('internal', 'The failure has been logged.');
}
