/**
 * The live page over real sockets: its files, its stream, and what it does with viewers that are too many or
 * too slow.
 */
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ClusterPicture } from '../../../core/picture/cluster-picture.js';
import { applied } from '../../../core/picture/picture-change.js';
import type { PictureChange } from '../../../core/picture/picture-change.js';
import { EventLog } from '../../../operator/events/event-log.js';
import { PictureFeed } from '../../../operator/page/picture-feed.js';
import { Viewers } from '../../../operator/page/viewers.js';
import { WorkerActivities } from '../../../operator/page/worker-activities.js';
import { createStatusServer } from '../../../operator/status-server.js';
import { SystemTimers } from '../../../operator/system-timers.js';
import { createLogger } from '../../../platform/logger.js';
import { Metrics } from '../../../platform/metrics/metrics.js';

jest.setTimeout(120_000);

const viewersMax = 3;
const timers = new SystemTimers();
const logger = createLogger({ level: 'silent', format: 'json', fields: {} });

interface Message {
  id: string;
  event: string;
  data: unknown;
}

/** A viewer that reads. */
class Viewer {
  readonly messages: Message[] = [];
  private text = '';
  private readonly abort = new AbortController();

  static async open(url: string, headers: Record<string, string> = {}): Promise<Viewer> {
    const viewer = new Viewer();
    const response = await fetch(url, { headers, signal: viewer.abort.signal });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    void viewer.read(response).catch(() => undefined);
    return viewer;
  }

  async until(condition: (messages: Message[]) => boolean): Promise<Message[]> {
    await until('a message', () => condition(this.messages));
    return this.messages;
  }

  close(): void {
    this.abort.abort();
  }

  private async read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      this.text += decoder.decode(chunk, { stream: true });
      const blocks = this.text.split('\n\n');
      this.text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.split(': ')[0], line.replace(/^\w+: /, '')]),
        );
        const data = fields.get('data');
        if (data === undefined) continue;
        const [id = '', event = ''] = [fields.get('id'), fields.get('event')];
        this.messages.push({ id, event, data: JSON.parse(data) as unknown });
      }
    }
  }
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

let server: Server;
let viewers: Viewers;
let feed: PictureFeed;
let log: EventLog;
let url = '';
const open: Viewer[] = [];

beforeEach(async () => {
  log = new EventLog(
    () => timers.wall(),
    () => feed.hurry(),
  );
  const source = {
    controller: 'controller-1',
    suspicionMs: 1_500,
    sight: () => null,
    active: () => 'controller-1',
    events: () => log.all(),
  };
  const activities = new WorkerActivities(() => Promise.reject(new Error('nobody')), timers);
  feed = new PictureFeed({ streamId: 'stream', source, activities, timers });
  viewers = new Viewers({ feed, timers, viewersMax, stuckMs: 2_000 });
  const status = { status: () => never(), ring: () => null, pidOf: () => null, notReady: () => null };
  server = createStatusServer({
    id: 'controller-1',
    source: status,
    metrics: new Metrics(),
    logger,
    viewers,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const viewer of open.splice(0)) viewer.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function never(): never {
  throw new Error('not asked for here');
}

async function view(after = '', headers: Record<string, string> = {}): Promise<Viewer> {
  const viewer = await Viewer.open(`${url}/page/stream${after}`, headers);
  open.push(viewer);
  return viewer;
}

function rebuilt(messages: readonly Message[]): ClusterPicture {
  const [first, ...rest] = messages;
  expect(first?.event).toBe('state');
  return rest.reduce(
    (picture, { data }) => applied(picture, data as PictureChange),
    first?.data as ClusterPicture,
  );
}

const texts = (picture: ClusterPicture) => picture.events.map(({ text }) => text);

describe('the files of the page', () => {
  it('are the document, its style, its icon and every module that is imported', async () => {
    const document = await (await fetch(`${url}/`)).text();
    const named = [...document.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, name = '']) => name);
    expect(named).toEqual(expect.arrayContaining(['page/page.css', 'page/icon.svg', 'page/page/main.js']));
    expect(named).toContain('page/core/ring/hash.js');
    for (const name of named) {
      const response = await fetch(`${url}/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      const text = await response.text();
      if (!name.endsWith('.js')) continue;
      expect(response.headers.get('content-type')).toContain('text/javascript');
      expect(text).not.toContain('sourceMappingURL');
      for (const [, imported = ''] of text.matchAll(/from '([^']+)'/g)) {
        const target = new URL(imported, `${url}/${name}`).pathname.slice(1);
        expect(named).toContain(target);
      }
    }
    expect(document).not.toMatch(/https?:\/\/|<style|style=|onload=|<script>/);
  });

  it('run nothing that is not their own, and are known by their content', async () => {
    const response = await fetch(`${url}/`);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const tag = response.headers.get('etag') ?? '';
    const again = await fetch(`${url}/`, { headers: { 'If-None-Match': `"other", W/${tag}` } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    const other = await fetch(`${url}/`, { headers: { 'If-None-Match': '"other"' } });
    expect(other.status).toBe(200);
  });

  it('are all that can be read', async () => {
    for (const path of ['page', 'page/', 'page/page/tsconfig.json', 'page/..%2f..%2fpackage.json']) {
      expect([path, (await fetch(`${url}/${path}`)).status]).toEqual([path, 404]);
    }
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /page/../../package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const reply = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(reply).toMatch(/^HTTP\/1.1 404 /);
    expect((await fetch(`${url}/`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/page/stream`, { method: 'HEAD' })).status).toBe(200);
    expect(viewers.count).toBe(0);
  });
});

describe('the stream', () => {
  it('begins with the whole picture and goes on with what changes', async () => {
    log.add('Normal', 'R', 'before');
    const viewer = await view();
    await viewer.until((messages) => messages.length > 0);
    log.add('Warning', 'R', 'meanwhile');
    const messages = await viewer.until((all) => texts(rebuilt(all)).includes('meanwhile'));
    expect(texts(rebuilt(messages))).toEqual(['before', 'meanwhile']);
    expect(messages.slice(1).every(({ event }) => event === 'change')).toBe(true);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  });

  it('continues for a viewer that comes back, by header or by query, and begins anew for any other', async () => {
    // While one looks, the feed goes on.
    await view();
    const viewer = await view();
    const [first] = await viewer.until((messages) => messages.length > 0);
    viewer.close();
    await until('its end', () => viewers.count === 1);
    log.add('Normal', 'R', 'while it was away');
    await until('the feed', () => feed.newest !== first?.id);
    const back = await view('', { 'Last-Event-ID': first?.id ?? '' });
    const asked = await view(`?after=${first?.id ?? ''}`);
    for (const again of [back, asked]) {
      // The passing of time is a change as well, and may have come first.
      const changes = await again.until((messages) => JSON.stringify(messages).includes('while it was away'));
      expect(changes.every(({ event }) => event === 'change')).toBe(true);
    }
    back.close();
    asked.close();
    await until('their end', () => viewers.count === 1);
    const stranger = await view('', { 'Last-Event-ID': 'another-7' });
    const [state] = await stranger.until((messages) => messages.length > 0);
    expect(state).toMatchObject({ event: 'state', data: { head: { controller: 'controller-1' } } });
  });

  it('has room for so many viewers', async () => {
    for (let count = 0; count < viewersMax; count += 1) await view();
    const refused = await fetch(`${url}/page/stream`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    open.pop()?.close();
    await until('room', () => viewers.count < viewersMax);
    const viewer = await view();
    await viewer.until((messages) => messages.length > 0);
  });

  it('drops a viewer that takes nothing, and no other', async () => {
    const reader = await view();
    const stuck: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let closed = false;
    stuck.on('close', () => (closed = true));
    stuck.on('error', () => undefined);
    stuck.write('GET /page/stream HTTP/1.1\r\nHost: x\r\n\r\n');
    stuck.pause();
    await until('both viewers', () => viewers.count === 2);
    let written = 0;
    while (viewers.dropped === 0) {
      for (let count = 0; count < 200; count += 1) log.add('Normal', 'R', `${written} `.repeat(60));
      written += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (written > 2_000) throw new Error('never dropped');
    }
    stuck.resume();
    await until('the end of the stuck viewer', () => closed);
    expect([viewers.dropped, viewers.count]).toEqual([1, 1]);
    log.add('Normal', 'R', 'the last one');
    await reader.until((messages) => texts(rebuilt(messages)).includes('the last one'));
  });
});
