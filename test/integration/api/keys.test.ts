/** `/v1/kv/{key}` as a client sees it, every reply held against the contract. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { checkReply, kvPath, problemIn } from './contract.js';
import { RunningApi } from './running-api.js';

let api: RunningApi;
let key: string;
let keys = 0;

beforeAll(async () => {
  api = await new RunningApi().start();
});
afterAll(() => api.stop());
beforeEach(() => {
  key = `key-${(keys += 1)}`;
});

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const request = (method: string, headers: Record<string, string> = {}, query = '') =>
  api.fetch(`/v1/kv/${key}${query}`, { method, headers });
const put = (body: string, headers: Record<string, string> = {}) => api.put(key, body, headers);
const tagOf = (response: Response) => response.headers.get('ETag') ?? '';

describe('PUT', () => {
  it('creates, then replaces, with a receipt and the version as entity tag', async () => {
    const created = await put('one', { 'Content-Type': 'text/plain' });
    expect(created.status).toBe(201);
    const receipt = JSON.parse(text(await checkReply('PUT', kvPath, created))) as { version: string };
    expect(receipt).toMatchObject({ key, partition: 0, epoch: 3, acks: 2 });
    expect(tagOf(created)).toBe(`"${receipt.version}"`);
    const replaced = await put('two');
    expect(replaced.status).toBe(200);
    await checkReply('PUT', kvPath, replaced);
    expect(tagOf(replaced)).not.toBe(tagOf(created));
  });

  it('keeps the body byte for byte and its type', async () => {
    const body = Uint8Array.from({ length: 256 }, (_, index) => index);
    await api.put(key, body, { 'Content-Type': 'image/x-test; q="1"' });
    const got = await request('GET');
    expect(got.headers.get('Content-Type')).toBe('image/x-test; q="1"');
    expect(await checkReply('GET', kvPath, got)).toEqual(body);
  });

  it('takes an empty value', async () => {
    expect((await put('')).status).toBe(201);
    const got = await request('GET');
    expect([got.status, (await got.arrayBuffer()).byteLength]).toEqual([200, 0]);
  });

  it('answers a repeated request with its first answer, and refuses the key for another one', async () => {
    const first = await put('x', { 'Idempotency-Key': `order ${key}` });
    expect(first.headers.get('Idempotency-Replayed')).toBeNull();
    const second = await put('x', { 'Idempotency-Key': `order ${key}` });
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect([second.status, tagOf(second)]).toEqual([201, tagOf(first)]);
    await checkReply('PUT', kvPath, second);
    const other = await put('y', { 'Idempotency-Key': `order ${key}` });
    expect(await problemIn('PUT', kvPath, other)).toMatchObject({ status: 422, applied: 'nothing' });
  });
});

describe('GET and HEAD', () => {
  it('say 404 of a key that is not there', async () => {
    expect(await problemIn('GET', kvPath, await request('GET'))).toMatchObject({
      status: 404,
      code: 'key-not-found',
    });
    const head = await request('HEAD');
    expect(head.status).toBe(404);
    expect(Number(head.headers.get('Content-Length'))).toBeGreaterThan(0);
    await checkReply('HEAD', kvPath, head);
  });

  it('agree in their headers', async () => {
    await put('value', { 'Content-Type': 'text/plain' });
    const [got, head] = [await request('GET'), await request('HEAD')];
    expect(await checkReply('HEAD', kvPath, head)).toHaveLength(0);
    await checkReply('GET', kvPath, got);
    for (const name of ['ETag', 'Content-Type', 'Content-Length', 'Cache-Control', 'X-Content-Type-Options'])
      expect([name, head.headers.get(name)]).toEqual([name, got.headers.get(name)]);
  });

  it('say 304 where the client has the value', async () => {
    const tag = tagOf(await put('value'));
    for (const condition of [tag, `"other", W/${tag}`, '*', ` , ${tag}`]) {
      const got = await request('GET', { 'If-None-Match': condition });
      expect([condition, got.status, tagOf(got)]).toEqual([condition, 304, tag]);
      await checkReply('GET', kvPath, got);
    }
    const changed = await request('GET', { 'If-None-Match': '"1-1", "not-ours"' });
    expect(changed.status).toBe(200);
  });

  it('say 412 where the value is not the one that was asked for', async () => {
    const tag = tagOf(await put('value'));
    expect((await request('GET', { 'If-Match': `"1-1", ${tag}` })).status).toBe(200);
    for (const condition of ['"1-1"', `W/${tag}`]) {
      const got = await request('GET', { 'If-Match': condition });
      expect([condition, tagOf(got)]).toEqual([condition, tag]);
      expect(await problemIn('GET', kvPath, got)).toMatchObject({ status: 412 });
    }
  });

  it('pass on how a read may be answered, and say how old it may be', async () => {
    await put('value');
    const eventual = await request('GET', {}, '?consistency=eventual');
    expect(eventual.headers.get('Kvorum-Stale-Ms')).toBe('2');
    await checkReply('GET', kvPath, eventual);
    expect(api.store.reads.at(-1)).toMatchObject({ consistency: 'eventual', atLeast: null });
    const linearizable = await request('GET', {}, '?consistency=linearizable');
    expect(linearizable.headers.get('Kvorum-Stale-Ms')).toBeNull();
    for (const query of ['?atLeast=3-1', '?atLeast=%223-1%22', '?at%4ceast="3-1"&'])
      expect((await request('GET', {}, query)).status).toBe(200);
    expect(api.store.reads.at(-1)).toMatchObject({
      consistency: 'linearizable',
      atLeast: { epoch: 3, seq: 1 },
    });
  });
});

describe('DELETE', () => {
  it('removes, and then says 404', async () => {
    await put('value');
    const removed = await request('DELETE');
    expect(removed.status).toBe(204);
    await checkReply('DELETE', kvPath, removed);
    expect((await request('GET')).status).toBe(404);
    expect(await problemIn('DELETE', kvPath, await request('DELETE'))).toMatchObject({
      status: 404,
      applied: 'nothing',
    });
  });
});

describe('preconditions of writes', () => {
  it('let a write through or refuse it with the current version', async () => {
    const tag = tagOf(await put('one', { 'If-None-Match': '*' }));
    const refused: [string, Record<string, string>][] = [
      ['PUT', { 'If-None-Match': '*' }],
      ['PUT', { 'If-None-Match': tag }],
      ['PUT', { 'If-Match': '"1-1"' }],
      ['PUT', { 'If-Match': `W/${tag}` }],
      ['DELETE', { 'If-Match': '"1-1", "foreign"' }],
    ];
    for (const [method, headers] of refused) {
      const body = method === 'PUT' ? 'two' : null;
      const response = await api.fetch(`/v1/kv/${key}`, { method, headers, body });
      expect([headers, tagOf(response)]).toEqual([headers, tag]);
      expect(await problemIn(method, kvPath, response)).toMatchObject({ status: 412, applied: 'nothing' });
    }
    expect(await (await request('GET')).text()).toBe('one');
    expect((await put('two', { 'If-Match': `"1-1", ${tag}` })).status).toBe(200);
    expect((await request('DELETE', { 'If-Match': '*' })).status).toBe(204);
    const gone = await put('three', { 'If-Match': '*' });
    expect([gone.status, gone.headers.get('ETag')]).toEqual([412, null]);
    await checkReply('PUT', kvPath, gone);
  });
});
