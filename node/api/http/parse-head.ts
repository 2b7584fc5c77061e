/**
 * The head of a request, strictly by RFC 9112: CRLF and nothing else ends a line, no space before a colon, no
 * folded lines, one Host, one length. Where a lenient reader would guess, this one refuses: two programs that
 * guess differently on one connection are what request smuggling lives on.
 */
import { KvorumError } from '../../../core/errors.js';
import { addField, checkFraming, newHead } from './request-head.js';
import type { RequestHead } from './request-head.js';

export interface ParsedHead {
  head: RequestHead;
  /** The client is willing to send more requests on this connection. */
  isKept: boolean;
}

const token = /^[!#$%&'*+.^_`|~\w-]+$/;
const notInField = /[^\t\x20-\x7e\x80-\xff]/;
const notInTarget = /[^\x21-\x7e\x80-\xff]/;

/** `text`: one character for each byte, without the empty line at its end. Throws `KvorumError`. */
export function parseHead(text: string, fieldsMax: number): ParsedHead {
  const lineEnd = endOfLine(text, 0);
  const parsed = parseRequestLine(text.slice(0, lineEnd));
  const fields: ConnectionFields = { hosts: 0, isKept: parsed.isKept };
  let count = 0;
  for (let at = lineEnd + 2; at < text.length;) {
    const end = endOfLine(text, at);
    count += 1;
    if (count > fieldsMax)
      throw new KvorumError('headers-too-large', `A request has at most ${fieldsMax} header fields.`);
    parseField(parsed.head, fields, text.slice(at, end));
    at = end + 2;
  }
  // Without Host a request of HTTP/1.1 is invalid; with two, two programs could see two different ones.
  if (fields.hosts > 1 || (fields.hosts === 0 && parsed.isVersion11))
    throw malformed('there must be exactly one Host');
  if (parsed.head.isChunked && !parsed.isVersion11) throw malformed('HTTP/1.0 has no Transfer-Encoding');
  checkFraming(parsed.head);
  return { head: parsed.head, isKept: fields.isKept };
}

interface ConnectionFields {
  hosts: number;
  isKept: boolean;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? text.length : end;
}

function parseRequestLine(line: string): { head: RequestHead; isVersion11: boolean; isKept: boolean } {
  const afterMethod = line.indexOf(' ');
  const afterTarget = line.indexOf(' ', afterMethod + 1);
  if (afterMethod < 1 || afterTarget < 0) throw malformed('the request line is not METHOD TARGET VERSION');
  const method = line.slice(0, afterMethod);
  const target = line.slice(afterMethod + 1, afterTarget);
  const version = line.slice(afterTarget + 1);
  if (!token.test(method)) throw malformed('the method is not a token');
  if (target === '' || notInTarget.test(target)) throw malformed('the target is empty or has a space in it');
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') {
    if (!/^HTTP\/\d\.\d$/.test(version)) throw malformed('the request line does not end in a version');
    throw new KvorumError('unsupported-version', 'This server speaks HTTP/1.1.');
  }
  const isVersion11 = version === 'HTTP/1.1';
  return { head: newHead(method, target), isVersion11, isKept: isVersion11 };
}

function parseField(head: RequestHead, fields: ConnectionFields, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  if (!token.test(name)) throw malformed('a header field has no proper name');
  if (notInField.test(line)) throw malformed(`the field ${name} contains a control character`);
  const value = trimmed(line, colon + 1);
  if (name.length === 4 && name.toLowerCase() === 'host') fields.hosts += 1;
  else if (name.length === 10 && name.toLowerCase() === 'connection') {
    for (const option of value.toLowerCase().split(',')) if (option.trim() === 'close') fields.isKept = false;
  } else addField(head, name, value);
}

/** Without the spaces and tabs around it; other white space is part of a value. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function malformed(why: string): KvorumError {
  return new KvorumError('malformed-request', `The request is not valid HTTP: ${why}.`);
}
