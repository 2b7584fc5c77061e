/** Any key and any value come back as they went in, whatever way they are sent. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RunningApi } from './running-api.js';

let api: RunningApi;

beforeAll(async () => {
  api = await new RunningApi().start();
});
afterAll(() => api.stop());

/** Not fetch: that rewrites `..` in paths. */
function send(
  method: string,
  key: string,
  body: Uint8Array[] | null,
  chunked: boolean,
): Promise<{ status: number; type: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { 'Content-Type': 'x/y' };
    const length = (body ?? []).reduce((sum, part) => sum + part.length, 0);
    if (body !== null && !chunked) headers['Content-Length'] = String(length);
    if (body !== null && chunked) headers['Transfer-Encoding'] = 'chunked';
    const url = new URL(api.url('/'));
    const path = `/v1/kv/${key}`;
    const outgoing = request({ host: url.hostname, port: url.port, path, method, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const type = incoming.headers['content-type'];
        resolve({ status: incoming.statusCode ?? 0, type, body: Buffer.concat(parts) });
      });
    });
    outgoing.on('error', reject);
    for (const part of body ?? []) if (part.length > 0) outgoing.write(part);
    outgoing.end();
  });
}

describe('keys and values', () => {
  it('come back byte for byte', async () => {
    const anyKey = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 200 })
      .filter((key) => !key.includes('\0'));
    const parts = fc.array(fc.uint8Array({ maxLength: 30_000, size: 'max' }), { maxLength: 4 });
    const seen = new Map<string, Buffer>();
    await fc.assert(
      fc.asyncProperty(anyKey, parts, fc.boolean(), async (key, value, chunked) => {
        const stored = await send('PUT', encodeURIComponent(key), value, chunked);
        expect(stored.status).toBe(seen.has(key) ? 200 : 201);
        expect((JSON.parse(stored.body.toString()) as { key: string }).key).toBe(key);
        seen.set(key, Buffer.concat(value));
        const read = await send('GET', encodeURIComponent(key).replaceAll('%2F', '/'), null, false);
        expect([read.status, read.type, read.body.equals(Buffer.concat(value))]).toEqual([200, 'x/y', true]);
      }),
      { numRuns: 60 },
    );
    for (const [key, value] of seen)
      expect((await send('GET', encodeURIComponent(key), null, false)).body.equals(value)).toBe(true);
  });

  it.each([
    '..',
    '.',
    '/',
    '//',
    'a/../b',
    'a//b',
    './a',
    'a/',
    '/a',
    '%2e%2e',
    'a?b',
    'a#b',
    'a b',
    '"',
    '\\',
  ])('are kept apart: %j', async (key) => {
    const encoded = encodeURIComponent(key).replaceAll('%2F', '/');
    expect((await send('PUT', encoded, [Buffer.from(`value of ${key}`)], false)).status).toBe(201);
    expect((await send('GET', encoded, null, false)).body.toString()).toBe(`value of ${key}`);
    expect(api.store.rows.has(key)).toBe(true);
  });

  it('of every size around the limits are taken', async () => {
    for (const size of [0, 1, 16_383, 16_384, 65_535, 65_536, 65_537, 1_048_575, 1_048_576]) {
      const value = Buffer.alloc(size, 'v');
      for (const chunked of [false, true]) {
        expect((await send('PUT', 'sized', [value], chunked)).status).toBeLessThan(300);
        expect((await send('GET', 'sized', null, false)).body.equals(value)).toBe(true);
      }
    }
    expect((await send('PUT', 'sized', [Buffer.alloc(1_048_577)], true)).status).toBe(413);
  });
});
