/** Connections as such: kept, pipelined, handed over, half closed, slow, and ended in order. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RunningApi } from './running-api.js';

let api: RunningApi;

beforeEach(async () => {
  api = await new RunningApi({}, { bounds: { lingerMs: 100, bufferedBytesMax: 200_000 } }).start();
});
afterEach(() => api.stop());

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;
const put = (path: string, body: string, fields = '') =>
  `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
const last = 'Connection: close\r\n';
const bodies = (received: string) =>
  received
    .split(/HTTP\/1\.1 \d+ /)
    .slice(1)
    .map((reply) => reply.slice(reply.indexOf('\r\n\r\n') + 4));
const statuses = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));

describe('one connection', () => {
  it('serves many requests, sent at once, in their order', async () => {
    const requests = [
      put('/v1/kv/a', 'one'),
      get('/v1/kv/a'),
      '\r\n',
      put('/v1/kv/a', 'two'),
      get('/v1/kv/a'),
      'HEAD /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n',
      'DELETE /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n',
      put('/v1/kv/b', 'three', 'Expect: 100-continue\r\n'),
      get('/v1/kv/b', last),
    ];
    const received = await api.raw(requests.join(''));
    expect(statuses(received)).toEqual([201, 200, 200, 200, 200, 204, 201, 200]);
    expect(bodies(received).filter((body) => !body.startsWith('{'))).toEqual(['one', 'two', '', '', 'three']);
  });

  it('reads requests in any pieces', async () => {
    const connection = api.connect();
    const chunked =
      'PUT /v1/kv/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n';
    const bytes = put('/v1/kv/a', 'hello') + chunked + get('/v1/kv/a') + get('/v1/kv/c', last);
    for (const byte of bytes) {
      connection.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const received = await connection.untilClosed();
    expect(bodies(received).slice(2)).toEqual(['hello', 'abcde']);
  });

  it('keeps its pieces apart from those of others', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const clients = names.map((name) => ({
      connection: api.connect(),
      bytes: put(`/v1/kv/${name}`, name.repeat(40)) + get(`/v1/kv/${name}`, last),
    }));
    for (let at = 0; at < 300; at += 7) {
      for (const { connection, bytes } of clients) connection.send(bytes.slice(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [index, { connection }] of clients.entries())
      expect(bodies(await connection.untilClosed())[1]).toBe(names[index]?.repeat(40));
  });

  it('does not perform the next request before the last one is answered', async () => {
    api.store.held = [];
    const connection = api.connect();
    connection.send(put('/v1/kv/a', 'one') + put('/v1/kv/a', 'two') + get('/v1/kv/a', last));
    while (api.store.writes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(api.store.writes).toHaveLength(1);
    api.store.release();
    expect(bodies(await connection.untilClosed())[2]).toBe('two');
  });

  it('holds only so much of what is sent ahead, and forgets none of it', async () => {
    api.store.held = [];
    const connection = api.connect();
    const count = 5_000;
    const value = 'v'.repeat(100);
    connection.send(put('/v1/kv/0', value));
    for (let index = 1; index < count; index += 1) connection.send(put(`/v1/kv/${index}`, value));
    connection.send(get('/v1/kv/0', last));
    while (api.store.writes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    api.store.release();
    expect(statuses(await connection.untilClosed())).toHaveLength(count + 1);
    expect(api.store.rows.size).toBe(count);
  });

  it('is told to go on before it sends a body, or why not', async () => {
    const connection = api.connect();
    connection.send('PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    expect(await connection.untilReceived('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    connection.send('ok');
    await connection.untilReceived('201 Created');
    const refused = await api.raw(
      'PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n',
    );
    expect(statuses(refused)).toEqual([413]);
  });

  it('takes keys and everything else in any order', async () => {
    const connection = api.connect();
    connection.send(put('/v1/kv/a', 'one') + get('/livez'));
    const received = await connection.untilClosed();
    expect(statuses(received)).toEqual([201, 200]);
    expect(bodies(received)[1]).toBe('{"status":"ok"}\n');
    const other = await api.raw(get('/livez') + get('/v1/kv/a'));
    expect(statuses(other)).toEqual([200]);
    expect(other).toContain('Connection: close');
  });

  it('serves a client that closes its half after asking', async () => {
    const connection = api.connect();
    connection.send(put('/v1/kv/a', 'one') + get('/v1/kv/a'));
    connection.socket.end();
    const received = await connection.untilClosed();
    expect(statuses(received)).toEqual([201, 200]);
  });

  it('is closed after a request of HTTP/1.0', async () => {
    await api.put('a', 'one');
    const received = await api.raw('GET /v1/kv/a HTTP/1.0\r\n\r\n');
    expect(bodies(received)).toEqual(['one']);
    expect(received).toContain('Connection: close');
  });

  it('understands a target with scheme and host', async () => {
    await api.put('a', 'one');
    expect(bodies(await api.raw(get('http://anything:1/v1/kv/a', last)))).toEqual(['one']);
  });

  it('dates its replies', async () => {
    const received = await api.raw(get('/v1/kv/a', last));
    const date = /^Date: (.*)$/m.exec(received)?.[1] ?? '';
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000);
  });
});

describe('many connections', () => {
  it('are refused a body when those that are arriving fill the memory set aside for them', async () => {
    const slow = api.connect();
    slow.send(put('/v1/kv/slow', 'x'.repeat(150_000)).slice(0, -10));
    const isArriving = async () => (await api.put('b', 'y'.repeat(100_000))).status === 429;
    while (!(await isArriving())) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = await api.put('b', 'y'.repeat(100_000));
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'overloaded', applied: 'nothing' });
    slow.send('x'.repeat(10));
    await slow.untilReceived('201 Created');
    expect((await api.put('b', 'y'.repeat(100_000))).ok).toBe(true);
  });

  it('give up their memory when the client goes away halfway', async () => {
    for (let round = 0; round < 5; round += 1) {
      const gone = api.connect();
      gone.send(put('/v1/kv/gone', 'x'.repeat(150_000)).slice(0, -10));
      await new Promise((resolve) => setTimeout(resolve, 20));
      gone.socket.destroy();
      await gone.untilClosed();
    }
    const arrives = async () => (await api.put('b', 'y'.repeat(100_000))).ok;
    while (!(await arrives())) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(api.store.rows.has('gone')).toBe(false);
  });
});

describe('slow clients', () => {
  it('get a large value whole when they read at last', async () => {
    const value = 'v'.repeat(150_000);
    await api.put('big', value);
    const connection = api.connect();
    connection.socket.pause();
    for (let count = 0; count < 50; count += 1) connection.send(get('/v1/kv/big'));
    connection.send(get('/v1/kv/big', last));
    await new Promise((resolve) => setTimeout(resolve, 50));
    connection.socket.resume();
    const received = bodies(await connection.untilClosed());
    expect(received.map((body) => body === value)).toEqual(Array<boolean>(51).fill(true));
  });

  it('are cut off when they do not read', async () => {
    await api.stop();
    api = await new RunningApi({}, { bounds: { writeMs: 100 } }).start();
    await api.put('big', 'v'.repeat(1_000_000));
    const connection = api.connect();
    connection.socket.pause();
    for (let count = 0; count < 100; count += 1) connection.send(get('/v1/kv/big'));
    await api.api.close(60_000);
    expect(api.store.reads.length).toBeLessThan(100);
    connection.socket.destroy();
  });

  it('are let go when they have said nothing for long', async () => {
    await api.stop();
    api = await new RunningApi({}, { bounds: { idleMs: 50, lingerMs: 50 } }).start();
    const connection = api.connect();
    expect(await connection.untilClosed()).toBe('');
  });

  it('are told for how long they may say nothing, which is less than they are waited for', async () => {
    await api.stop();
    api = await new RunningApi({}, { bounds: { idleMs: 10_000 } }).start();
    const { headers } = await api.put('a', 'one');
    expect(headers.get('Keep-Alive')).toBe('timeout=8');
    api.api.leave();
    expect((await api.put('a', 'two')).headers.get('Keep-Alive')).toBeNull();
  });
});

describe('leaving', () => {
  it('asks every client to connect elsewhere, and serves it meanwhile', async () => {
    expect((await api.put('a', 'one')).headers.get('Connection')).toBeNull();
    const connection = api.connect();
    connection.send(get('/v1/kv/a'));
    await connection.untilReceived('one');
    api.api.leave();
    connection.send(get('/v1/kv/a'));
    const received = await connection.untilClosed();
    expect(statuses(received)).toEqual([200, 200]);
    expect(received).toContain('Connection: close');
  });

  it('finishes what is under way before it ends', async () => {
    api.store.held = [];
    const busy = api.connect();
    const idle = api.connect();
    busy.send(put('/v1/kv/a', 'one'));
    while (api.store.writes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = api.api.close(60_000);
    expect(await idle.untilClosed()).toBe('');
    api.store.release();
    expect(statuses(await busy.untilClosed())).toEqual([201]);
    await closed;
    await expect(api.fetch('/livez')).rejects.toThrow();
  });

  it('does not wait for ever', async () => {
    api.store.held = [];
    const busy = api.connect();
    busy.send(put('/v1/kv/a', 'one'));
    while (api.store.writes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await api.api.close(50);
    expect(await busy.untilClosed()).toBe('');
  });
});
