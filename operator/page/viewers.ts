/**
 * The viewers of the live page: one stream of server-sent events each. A viewer gets a whole picture first,
 * or what changed since the one that it names, and then every change. Bounded in every direction: so many
 * viewers, one message on its way to each, and one that takes nothing for a while is dropped: it comes back
 * by itself and continues.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timers } from '../ports.js';
import type { PictureFeed } from './picture-feed.js';

export interface ViewersOptions {
  feed: PictureFeed;
  timers: Pick<Timers, 'now'>;
  viewersMax?: number;
  /** How long a viewer may take nothing. */
  stuckMs?: number;
}

interface Viewer {
  response: ServerResponse;
  /** Names the last picture that it was sent; '' for none. */
  has: string;
  stuckSince: number | null;
}

export const viewersMaxDefault = 32;
const stuckMsDefault = 10_000;
/** After a broken connection a browser comes back after this. */
const retryMs = 1_000;

export class Viewers {
  private readonly viewers = new Set<Viewer>();
  private readonly viewersMax: number;
  private readonly stuckMs: number;
  private unwatch: (() => void) | null = null;
  /** How many were dropped because they took nothing. */
  dropped = 0;

  constructor(private readonly options: ViewersOptions) {
    this.viewersMax = options.viewersMax ?? viewersMaxDefault;
    this.stuckMs = options.stuckMs ?? stuckMsDefault;
  }

  get count(): number {
    return this.viewers.size;
  }

  /** False if there are too many already; nothing was answered then. `after`: the picture that it has. */
  admit(request: IncomingMessage, response: ServerResponse, after: string): boolean {
    if (this.viewers.size >= this.viewersMax) return false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return true;
    }
    const viewer: Viewer = { response, has: after, stuckSince: null };
    this.viewers.add(viewer);
    request.socket.setNoDelay(true);
    request.socket.setKeepAlive(true, this.stuckMs);
    response.on('close', () => this.remove(viewer));
    response.on('drain', () => {
      viewer.stuckSince = null;
      this.send(viewer);
    });
    response.write(`retry: ${retryMs}\n\n`);
    this.unwatch ??= this.options.feed.watch(() => this.sendAll());
    this.send(viewer);
    return true;
  }

  private remove(viewer: Viewer): void {
    this.viewers.delete(viewer);
    if (this.viewers.size > 0) return;
    this.unwatch?.();
    this.unwatch = null;
  }

  private sendAll(): void {
    for (const viewer of this.viewers) this.send(viewer);
  }

  private send(viewer: Viewer): void {
    const { feed, timers } = this.options;
    const { response } = viewer;
    if (response.writableNeedDrain) {
      viewer.stuckSince ??= timers.now();
      if (timers.now() - viewer.stuckSince < this.stuckMs) return;
      this.dropped += 1;
      this.remove(viewer);
      response.destroy();
      return;
    }
    const changes = feed.changesAfter(viewer.has);
    if (changes === null) {
      viewer.has = feed.newest;
      response.write(message('state', viewer.has, feed.state()));
      return;
    }
    for (const { revision, text } of changes) {
      viewer.has = feed.idOf(revision);
      // What is left goes out when this has been taken.
      if (!response.write(message('change', viewer.has, text))) return;
    }
  }
}

function message(event: string, id: string, data: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}
