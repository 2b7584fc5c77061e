/**
 * The key in a request target, and the query after it.
 *
 * Everything after `/v1/kv/` up to `?` is the key, taken literally once percent-encoding is undone: slashes,
 * `..` and `//` are bytes like any other, so no two spellings of different keys ever meet, and none is
 * rewritten on the way.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { KvorumError } from '../../core/errors.js';

export const kvPrefix = '/v1/kv/';

const noParameters: ReadonlyMap<string, string> = new Map();

export interface SplitTarget {
  /** Still percent-encoded; begins with `/`, or is `*`. */
  path: string;
  /** Still percent-encoded, without `?`; empty if there is none. */
  query: string;
}

/** Takes a target of the absolute form apart too, as every server must (RFC 9112 section 3.2.2). */
export function splitTarget(target: string): SplitTarget {
  let start = 0;
  if (target.charCodeAt(0) !== 0x2f) {
    const match = /^https?:\/\/[^/?#]*/i.exec(target);
    if (match !== null) start = match[0].length;
  }
  const mark = target.indexOf('?', start);
  if (mark < 0) return { path: start === 0 ? target : target.slice(start), query: '' };
  return { path: target.slice(start, mark), query: target.slice(mark + 1) };
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * Undoes percent-encoding; each character of `text` stands for one byte. Null if a `%` is not followed by two
 * digits.
 */
function percentDecoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'latin1');
  let to = bytes.indexOf(0x25);
  if (to < 0) return bytes;
  for (let from = to; from < bytes.length; from += 1) {
    let byte = bytes[from] ?? 0;
    if (byte === 0x25) {
      const high = hexValue(bytes[from + 1] ?? 0);
      const low = hexValue(bytes[from + 2] ?? 0);
      if (high < 0 || low < 0) return null;
      byte = high * 16 + low;
      from += 2;
    }
    bytes[to] = byte;
    to += 1;
  }
  return bytes.subarray(0, to);
}

/** The key that a path names after its prefix. Throws `malformed-key`. */
export function parseKey(path: string, keyBytesMax: number, prefix = kvPrefix): Buffer {
  const encoded = path.slice(prefix.length);
  if (encoded.length === 0) throw malformedKey('it is empty');
  if (encoded.includes('#')) throw malformedKey('a # must be percent-encoded');
  // Three characters can stand for a byte; what is longer than that need not be decoded to be refused.
  if (encoded.length > 3 * keyBytesMax) throw malformedKey(`it is longer than ${keyBytesMax} bytes`);
  const key = percentDecoded(encoded);
  if (key === null) throw malformedKey('a % is not followed by two hexadecimal digits');
  if (key.length > keyBytesMax)
    throw malformedKey(`it is ${key.length} bytes long, ${keyBytesMax} are allowed`);
  if (key.includes(0)) throw malformedKey('it contains a zero byte');
  if (!isUtf8(key)) throw malformedKey('it is not UTF-8');
  return key;
}

function malformedKey(why: string): KvorumError {
  return new KvorumError('malformed-key', `The key is refused: ${why}.`);
}

/**
 * Decoded parameters. Throws if one is not among `known` (naming all that are not), repeated or malformed.
 */
export function parseQuery(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  if (query === '') return noParameters;
  const parameters = new Map<string, string>();
  const unknown: string[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodeComponent(equals < 0 ? part : part.slice(0, equals));
    if (!known.includes(name)) {
      unknown.push(name);
      continue;
    }
    if (parameters.has(name)) throw new KvorumError('malformed-query', `${name} is given more than once`);
    parameters.set(name, equals < 0 ? '' : decodeComponent(part.slice(equals + 1)));
  }
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(', ');
    const allowed = known.length === 0 ? 'this request takes none' : `known are ${known.join(', ')}`;
    throw new KvorumError('unknown-parameter', `unknown query parameters: ${names}; ${allowed}`);
  }
  return parameters;
}

function decodeComponent(text: string): string {
  const bytes = percentDecoded(text.replaceAll('+', ' '));
  if (bytes === null || !isUtf8(bytes))
    throw new KvorumError('malformed-query', 'the query is not percent-encoded UTF-8');
  return bytes.toString('utf8');
}
