/**
 * Keeps a picture of some objects: lists them, then follows their changes.
 *
 *   listing --(answered)--> watching --(ended)--> watching again from the last version seen
 *      ^                        |
 *      +-- after a pause -------+ 410 Gone, or it is time to list anew
 *
 * The picture lags behind the API server, by milliseconds or by as long as it cannot be reached. Decisions
 * that must not be made on an old picture read anew first.
 */
import { nameOf, type ApiList, type ApiObject } from './api-objects.js';
import { explain } from './api-transport.js';
import type { Timers } from '../ports.js';
import type { ApiTransport, WatchEvent } from './api-transport.js';

export interface ListWatchOptions {
  path: string;
  query?: Record<string, string>;
  transport: ApiTransport;
  timers: Timers;
  /** Something changed; the first time when the list is there. */
  changed: () => void;
  /** Listing failed: said once until it works again. */
  failed: (reason: string) => void;
}

const backoffMinMs = 200;
const backoffMaxMs = 5_000;
/** All is listed anew after this, whatever the watch told. */
const resyncMs = 300_000;

export class ListWatch<T extends ApiObject> {
  private objects = new Map<string, T>();
  private version = '';
  private listed = false;
  private stopped = true;
  private backoffMs = backoffMinMs;
  private failing = false;
  private listedAt = 0;
  private endWatch: (() => void) | null = null;
  private cancelTimer: (() => void) | null = null;

  constructor(private readonly options: ListWatchOptions) {}

  /** The first list has come. */
  get synced(): boolean {
    return this.listed;
  }

  all(): T[] {
    return [...this.objects.values()];
  }

  get(name: string): T | undefined {
    return this.objects.get(name);
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.list();
  }

  stop(): void {
    this.stopped = true;
    this.endWatch?.();
    this.cancelTimer?.();
    this.endWatch = null;
    this.cancelTimer = null;
  }

  private async list(): Promise<void> {
    const { path, query = {}, transport, timers } = this.options;
    const reply = await transport.request({ method: 'GET', path, query });
    if (this.stopped) return;
    if (reply.type !== 'done') {
      if (!this.failing) this.options.failed(explain(reply));
      this.failing = true;
      this.later(() => void this.list());
      return;
    }
    this.failing = false;
    const { items = [], metadata } = reply.body as ApiList;
    this.objects = new Map(items.map((item) => [nameOf(item), item as T]));
    this.version = metadata?.resourceVersion ?? '';
    this.listed = true;
    this.listedAt = timers.now();
    this.watch();
    this.options.changed();
  }

  private watch(): void {
    const { path, query = {}, transport } = this.options;
    let gone = false;
    let heard = false;
    const asked = { ...query, resourceVersion: this.version, allowWatchBookmarks: 'true' };
    this.endWatch = transport.watch(path, asked, {
      event: (event) => {
        heard = true;
        if (event.type === 'ERROR') gone = true;
        else if (!gone) this.take(event);
      },
      ended: (status) => {
        this.endWatch = null;
        if (this.stopped) return;
        if (heard && !gone) this.backoffMs = backoffMinMs;
        const old = this.options.timers.now() - this.listedAt >= resyncMs;
        const again = gone || old || (status !== 200 && status !== 0);
        this.later(again ? () => void this.list() : () => this.watch());
      },
    });
  }

  private take({ type, object }: WatchEvent): void {
    const version = object.metadata?.resourceVersion ?? '';
    if (version !== '') this.version = version;
    if (type === 'BOOKMARK') return;
    const name = nameOf(object);
    if (type === 'DELETED') this.objects.delete(name);
    else this.objects.set(name, object as T);
    this.options.changed();
  }

  private later(run: () => void): void {
    const delayMs = this.backoffMs;
    this.backoffMs = Math.min(2 * this.backoffMs, backoffMaxMs);
    this.cancelTimer = this.options.timers.after(delayMs, () => {
      this.cancelTimer = null;
      run();
    });
  }
}
