/** Heads of requests: what RFC 9112 allows is read, and nothing else. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KvorumError } from '../../../core/errors.js';
import { parseHead } from '../../../node/api/http/parse-head.js';

const lines = (...parts: string[]) => parseHead(parts.join('\r\n'), 64);
const get = 'GET /v1/kv/a HTTP/1.1';
const host = 'Host: x';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KvorumError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the head of a request', () => {
  it('is read with the fields that matter', () => {
    const { head, isKept } = lines(
      'PUT /v1/kv/a?b HTTP/1.1',
      'HOST:x',
      'Content-Length: 12',
      'content-type: \t text/plain \t',
      'If-Match: "1-1"',
      'if-match: "1-2"',
      'Idempotency-Key: a b',
      'X-Other: y',
    );
    expect(head).toMatchObject({
      method: 'PUT',
      target: '/v1/kv/a?b',
      contentLength: 12,
      isChunked: false,
      contentType: 'text/plain',
      ifMatch: '"1-1", "1-2"',
      ifNoneMatch: null,
      idempotencyKey: 'a b',
    });
    expect(isKept).toBe(true);
  });

  it.each([
    [[get, host, 'Connection: close'], false],
    [[get, host, 'Connection: keep-alive, CLOSE'], false],
    [[get, host, 'Connection: closet'], true],
    [['GET / HTTP/1.0'], false],
    [['GET / HTTP/1.0', host], false],
  ])('%j leaves the connection open: %j', (parts, isKept) => {
    expect(lines(...parts).isKept).toBe(isKept);
  });

  it.each([
    ['malformed-request', ['']],
    ['malformed-request', ['GET']],
    ['malformed-request', ['GET /']],
    ['malformed-request', ['GET  / HTTP/1.1', host]],
    ['malformed-request', ['GET / HTTP/1.1 ', host]],
    ['malformed-request', ['GET / http/1.1', host]],
    ['malformed-request', ['GET /a b HTTP/1.1', host]],
    ['malformed-request', ['GET /\u0001 HTTP/1.1', host]],
    ['malformed-request', [' GET / HTTP/1.1', host]],
    ['malformed-request', ['G(T / HTTP/1.1', host]],
    ['unsupported-version', ['GET / HTTP/2.0', host]],
    ['unsupported-version', ['PRI * HTTP/2.0']],
    ['unsupported-version', ['GET / HTTP/0.9', host]],
    ['malformed-request', [get]],
    ['malformed-request', [get, host, host]],
    ['malformed-request', [get, host, 'A : b']],
    ['malformed-request', [get, host, ' folded: line']],
    ['malformed-request', [get, host, 'A: b', '\tfolded']],
    ['malformed-request', [get, host, ': b']],
    ['malformed-request', [get, host, 'no colon']],
    ['malformed-request', [get, host, 'A: b\nC: d']],
    ['malformed-request', [get, host, 'A: b\rC: d']],
    ['malformed-request', [get, host, 'A: \u0000']],
    ['malformed-request', [get, host, 'Content-Length: -1']],
    ['malformed-request', [get, host, 'Content-Length: +1']],
    ['malformed-request', [get, host, 'Content-Length: 0x1']],
    ['malformed-request', [get, host, 'Content-Length: 1e1']],
    ['malformed-request', [get, host, 'Content-Length: 1.0']],
    ['malformed-request', [get, host, 'Content-Length:']],
    ['malformed-request', [get, host, 'Content-Length: 1, 1']],
    ['malformed-request', [get, host, 'Content-Length: 1', 'Content-Length: 1']],
    ['malformed-request', [get, host, 'Content-Length: 99999999999999999999']],
    ['malformed-request', [get, host, 'Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['malformed-request', [get, host, 'Transfer-Encoding: chunked', 'Content-Length: 1']],
    ['malformed-request', [get, host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['malformed-request', ['GET / HTTP/1.0', 'Transfer-Encoding: chunked']],
    ['not-implemented', [get, host, 'Transfer-Encoding: gzip, chunked']],
    ['not-implemented', [get, host, 'Transfer-Encoding: \u000bchunked']],
    ['not-implemented', [get, host, 'Transfer-Encoding: identity']],
    ['not-implemented', [get, host, 'Transfer-Encoding:']],
    ['malformed-header', [get, host, 'Content-Type: a/b', 'Content-Type: c/d']],
    ['malformed-header', [get, host, 'Idempotency-Key: a', 'Idempotency-Key: a']],
    ['headers-too-large', [get, host, ...Array.from({ length: 64 }, (_, index) => `X-${index}: y`)]],
  ])('is refused as %s: %j', (code, parts) => {
    // A vertical tab is a control character before it is a wrong coding.
    const expected = parts.join().includes('\u000b') ? 'malformed-request' : code;
    expect(codeOf(() => lines(...parts))).toBe(expected);
  });

  it('takes as many fields as are allowed', () => {
    const fields = Array.from({ length: 63 }, (_, index) => `X-${index}: y`);
    expect(lines(get, host, ...fields).head.target).toBe('/v1/kv/a');
  });

  it('never fails in another way, whatever arrives', () => {
    const piece = fc.constantFrom(
      'GET',
      ' ',
      '/',
      'HTTP/1.1',
      '\r\n',
      '\n',
      ':',
      'Host',
      'a',
      '\t',
      'chunked',
      '5',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(typeof codeOf(() => parseHead(pieces.join(''), 64))).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});
