/**
 * Everything that a client can get wrong: a clear answer, nothing applied, and the next client is served as
 * before.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { kvPath, problemIn } from './contract.js';
import { RunningApi } from './running-api.js';

let api: RunningApi;
const bounds = { headMs: 300, bodyMs: 300, lingerMs: 100 };

beforeAll(async () => {
  api = await new RunningApi({ valueBytesMax: 100_000 }, { bounds }).start();
});
afterAll(() => api.stop());
afterEach(async () => {
  expect([api.store.writes, api.store.reads]).toEqual([[], []]);
  const healthy = await api.put('healthy', 'yes');
  expect(healthy.ok).toBe(true);
  api.store.writes.length = 0;
  api.store.rows.clear();
});

/** Status and problem of what came back on a raw connection. */
function parseReply(reply: string): { status: number; code: string; head: string } {
  const [head = '', body = ''] = reply.split('\r\n\r\n', 2);
  const status = Number(head.slice('HTTP/1.1 '.length, 12));
  const { code } = (body === '' ? { code: '' } : JSON.parse(body)) as { code: string };
  return { status, code, head };
}

const rawPut = (fields: string, rest = '', path = '/v1/kv/a') =>
  `PUT ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n${rest}`;

describe('keys', () => {
  it.each([
    ['empty', ''],
    ['too long', 'k'.repeat(1_025)],
    ['far too long', 'k'.repeat(5_000)],
    ['badly percent-encoded', 'a%zz'],
    ['cut off in a percent-encoding', 'a%2'],
    ['not UTF-8', '%ff%fe'],
    ['overlong UTF-8', '%c0%af'],
    ['with a zero byte', 'a%00b'],
  ])('that are %s are refused for every method', async (_name, key) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const reply = await api.raw(
        `${method} /v1/kv/${key} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      expect([method, parseReply(reply).status]).toEqual([method, 400]);
      if (method !== 'HEAD') expect(parseReply(reply).code).toBe('malformed-key');
    }
  });

  it('are refused without harm to the connection, where no body follows', async () => {
    const connection = api.connect();
    connection.send(
      'GET /v1/kv/ HTTP/1.1\r\nHost: x\r\n\r\n' +
        'GET /v1/kv/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    const reply = await connection.untilClosed();
    expect(reply.match(/HTTP\/1\.1 400/g)).toHaveLength(2);
  });
});

describe('methods and paths', () => {
  it.each(['POST', 'PATCH', 'OPTIONS', 'TRACEX'])('%s is told what is allowed', async (method) => {
    const response = await api.fetch('/v1/kv/a', { method });
    expect(response.headers.get('Allow')).toBe('GET, HEAD, PUT, DELETE');
    expect(await problemIn(method, kvPath, response)).toMatchObject({
      status: 405,
      code: 'method-not-allowed',
    });
  });

  it.each(['/v1/kv', '/v1', '/v2/kv/a', '/V1/kv/a', '//v1/kv/a', '/v1/kvx/a', '/v1/status/', '/favicon.ico'])(
    '%s is not there',
    async (path) => {
      const reply = parseReply(await api.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
      expect(reply).toMatchObject({ status: 404, code: 'unknown-path' });
    },
  );

  it('CONNECT is refused', async () => {
    const reply = parseReply(await api.raw('CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n'));
    expect(reply).toMatchObject({ status: 405, code: 'method-not-allowed' });
  });
});

describe('queries', () => {
  it.each([
    ['GET', '?foo=1&ttl=2', 'unknown-parameter', '"foo", "ttl"'],
    ['PUT', '?consistency=eventual', 'unknown-parameter', '"consistency"'],
    ['DELETE', '?x', 'unknown-parameter', '"x"'],
    ['GET', '?consistency=strong', 'malformed-query', 'consistency'],
    ['GET', '?consistency=eventual&consistency=eventual', 'malformed-query', 'more than once'],
    ['GET', '?atLeast=', 'malformed-query', 'atLeast'],
    ['GET', '?atLeast=1', 'malformed-query', 'atLeast'],
    ['GET', '?atLeast=%zz', 'malformed-query', 'percent'],
  ])('%s %s is refused as %s', async (method, query, code, named) => {
    const body = method === 'PUT' ? 'x' : null;
    const response = await api.fetch(`/v1/kv/a${query}`, { method, body });
    const problem = await problemIn(method, kvPath, response);
    expect(problem).toMatchObject({ status: 400, code, applied: 'nothing' });
    expect(problem.detail).toContain(named);
  });

  it('are refused elsewhere too', async () => {
    expect(await problemIn('GET', '/v1/status', await api.fetch('/v1/status?x=1'))).toMatchObject({
      status: 400,
      code: 'unknown-parameter',
    });
  });
});

describe('header fields', () => {
  it.each<[string, Record<string, string>, number, string]>([
    ['PUT', { 'If-Match': '1-1' }, 400, 'malformed-header'],
    ['PUT', { 'If-Match': '*', 'If-None-Match': '*' }, 400, 'malformed-header'],
    ['GET', { 'If-None-Match': '"' }, 400, 'malformed-header'],
    ['PUT', { 'Idempotency-Key': '' }, 400, 'malformed-header'],
    ['PUT', { 'Idempotency-Key': 'k'.repeat(256) }, 400, 'malformed-header'],
    ['PUT', { 'Idempotency-Key': 'é' }, 400, 'malformed-header'],
    ['PUT', { 'Content-Range': 'bytes 0-1/2' }, 400, 'malformed-header'],
    ['PUT', { 'Content-Type': 'nonsense' }, 415, 'unsupported-media-type'],
    ['PUT', { 'Content-Type': `text/${'x'.repeat(255)}` }, 415, 'unsupported-media-type'],
    ['PUT', { 'Content-Type': 'text/plain; x="é"' }, 415, 'unsupported-media-type'],
    ['PUT', { 'Content-Encoding': 'gzip' }, 415, 'unsupported-media-type'],
  ])('%s with %j is refused', async (method, headers, status, code) => {
    const response = await api.fetch('/v1/kv/a', { method, headers, body: method === 'PUT' ? 'x' : null });
    expect(await problemIn(method, kvPath, response)).toMatchObject({ status, code, applied: 'nothing' });
  });

  it('given twice are refused', async () => {
    const reply = await api.raw(
      rawPut('Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 1\r\n', 'x'),
    );
    expect(parseReply(reply)).toMatchObject({ status: 400, code: 'malformed-header' });
  });

  it('of more than 64 are too many', async () => {
    const fields = Array.from({ length: 100 }, (_, index) => `X-${index}: y\r\n`).join('');
    expect(parseReply(await api.raw(rawPut(`${fields}Content-Length: 0\r\n`)))).toMatchObject({
      status: 431,
      code: 'headers-too-large',
    });
  });

  it('of more than 16 KiB are too large, also while they come', async () => {
    const field = `X: ${'y'.repeat(20_000)}\r\n`;
    expect(parseReply(await api.raw(rawPut(field)))).toMatchObject({ status: 431 });
    const unended = parseReply(await api.raw(`GET /v1/kv/a HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}`));
    expect(unended).toMatchObject({ status: 431, code: 'headers-too-large' });
    const target = parseReply(await api.raw(`GET /v1/kv/${'a'.repeat(20_000)}`));
    expect(target).toMatchObject({ status: 414, code: 'target-too-long' });
  });
});

describe('bodies', () => {
  it('over the limit are refused before they are read', async () => {
    const connection = api.connect();
    connection.send(rawPut('Content-Length: 100001\r\n'));
    const reply = parseReply(await connection.untilClosed());
    expect(reply).toMatchObject({ status: 413, code: 'value-too-large' });
    expect(reply.head).toContain('Connection: close');
  });

  it('over the limit in chunks are refused at the chunk that goes beyond', async () => {
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    const reply = await api.raw(rawPut('Transfer-Encoding: chunked\r\n', chunk.repeat(3) + '8000\r\n'));
    expect(parseReply(reply)).toMatchObject({ status: 413, code: 'value-too-large' });
  });

  it('over the limit get their answer though the client sends on', async () => {
    const response = await api.put('a', 'x'.repeat(3_000_000));
    expect(await problemIn('PUT', kvPath, response)).toMatchObject({ status: 413, applied: 'nothing' });
  });

  it('without a length are refused', async () => {
    expect(parseReply(await api.raw(rawPut('')))).toMatchObject({ status: 411, code: 'length-required' });
  });

  it.each([
    ['Content-Length: x\r\n', 400],
    ['Content-Length: -5\r\n', 400],
    ['Content-Length: 5\r\nContent-Length: 6\r\n', 400],
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 400],
    ['Transfer-Encoding: gzip\r\n', 501],
    ['Expect: the unexpected\r\nContent-Length: 5\r\n', 417],
  ])('that are described as %j are refused', async (fields, status) => {
    expect(parseReply(await api.raw(rawPut(fields, 'hello'))).status).toBe(status);
  });

  it.each(['GET', 'HEAD', 'DELETE'])('with %s are refused', async (method) => {
    const reply = await api.raw(`${method} /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`);
    expect(parseReply(reply)).toMatchObject({ status: 400 });
    expect(parseReply(reply).head).toContain('Connection: close');
  });

  it('shorter than announced are not applied: the client ends', async () => {
    const connection = api.connect();
    connection.send(rawPut('Content-Length: 50\r\n', 'short'));
    connection.socket.end();
    expect(parseReply(await connection.untilClosed())).toMatchObject({
      status: 400,
      code: 'malformed-request',
    });
  });

  it('shorter than announced are not applied: the client waits', async () => {
    expect(parseReply(await api.raw(rawPut('Content-Length: 50\r\n', 'short')))).toMatchObject({
      status: 408,
      code: 'request-timeout',
    });
  });

  it('that drip in are cut off, however lively they are', async () => {
    const connection = api.connect();
    connection.send(rawPut('Content-Length: 50000\r\n'));
    const drip = setInterval(() => connection.send('x'), 20);
    const reply = parseReply(await connection.untilClosed());
    clearInterval(drip);
    expect(reply).toMatchObject({ status: 408, code: 'request-timeout' });
  });

  it('that drip in as heads are cut off too', async () => {
    const connection = api.connect();
    connection.send('GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => connection.send('X: y\r\n'), 20);
    const reply = parseReply(await connection.untilClosed());
    clearInterval(drip);
    expect(reply.status).toBe(408);
  });

  it.each(['zz\r\n', '5\r\nhelloX\r\n', '5\nhello\r\n', '0\r\nbroken trailer\r\n\r\n'])(
    'in malformed chunks are refused: %j',
    async (chunks) => {
      const reply = await api.raw(rawPut('Transfer-Encoding: chunked\r\n', chunks));
      expect(parseReply(reply)).toMatchObject({ status: 400, code: 'malformed-request' });
    },
  );
});

describe('what is not HTTP', () => {
  it.each([
    '\u0016\u0003\u0001\u0002\u0000',
    'hello\n',
    'GET /v1/kv/a HTTP/1.1\nHost: x\n\n',
    'GET /v1/kv/a\r\n\r\n',
    'GET /v1/kv/a HTTP/1.1\r\n\r\n',
    'GET /v1/kv/a HTTP/1.1\r\nHost : x\r\n\r\n',
    'GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n',
    'PUT /v1/kv/a b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    'GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n',
  ])('is told so: %j', async (bytes) => {
    expect(parseReply(await api.raw(bytes))).toMatchObject({ status: 400, code: 'malformed-request' });
  });

  it('is told so in another version', async () => {
    const reply = await api.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(parseReply(reply)).toMatchObject({ status: 505, code: 'unsupported-version' });
  });

  it('is not waited for when it ends halfway', async () => {
    const connection = api.connect();
    connection.send('GET /v1/kv/a HTT');
    connection.socket.end();
    expect(parseReply(await connection.untilClosed()).status).toBe(400);
  });
});
