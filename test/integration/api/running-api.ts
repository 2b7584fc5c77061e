/**
 * The REST interface over a store in memory, listening on a port of its own, with real sockets to talk to it.
 */
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { defaultLimits } from '../../../core/limits.js';
import type { Limits } from '../../../core/limits.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';
import { createApi } from '../../../node/api/api.js';
import type { Api, ApiOptions } from '../../../node/api/api.js';
import { readActivity } from '../../../node/activity.js';
import { explainKey, statusView } from '../../../node/api/views.js';
import { LatencyHistory } from '../../../core/picture/latency-history.js';
import { SystemClock } from '../../../platform/clock.js';
import { createLogger } from '../../../platform/logger.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { ringOf } from '../../support/ring-of.js';
import { MemoryStore } from './memory-store.js';

export class RunningApi {
  readonly store = new MemoryStore();
  readonly logLines: string[] = [];
  readonly api: Api;
  ring: RingRecord | null = ringOf(7, 3, 'a');
  readonly latency = new LatencyHistory();
  notReady: string | null = null;
  private port = 0;

  constructor(limits: Partial<Limits> = {}, options: Partial<ApiOptions> = {}) {
    const vantage = { id: 'a', pid: 42, isConnected: (peer: string) => peer === 'b', lag: () => null };
    const views: ApiOptions['views'] = {
      ring: () => this.ring,
      status: () => statusView(this.ring, vantage),
      explain: (key) => Promise.resolve(this.ring === null ? null : explainKey(this.ring, key, vantage)),
      activity: (since) =>
        readActivity(
          {
            worker: 'a',
            run: 'run-a',
            folder: tmpdir(),
            latency: this.latency,
            wall: () => Date.now(),
          },
          since,
        ),
    };
    this.api = createApi({
      workerId: 'a',
      store: this.store,
      views,
      probes: { live: () => null, ready: () => this.notReady, started: () => this.notReady },
      limits: { ...defaultLimits, ...limits },
      clock: new SystemClock(),
      metrics: new Metrics(),
      latency: this.latency,
      logger: createLogger({
        level: 'info',
        format: 'json',
        fields: {},
        write: (line) => void this.logLines.push(line),
      }),
      ...options,
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.api.server.listen(0, '127.0.0.1', resolve));
    this.port = (this.api.server.address() as AddressInfo).port;
    return this;
  }

  stop(): Promise<void> {
    return this.api.close(100);
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url(path), init);
  }

  put(key: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(`/v1/kv/${key}`, { method: 'PUT', body, headers });
  }

  connect(): RawConnection {
    return new RawConnection(connect(this.port, '127.0.0.1'));
  }

  /**
   * Bytes as given on a connection of their own; everything that came back until the other side closed it.
   */
  async raw(text: string): Promise<string> {
    const connection = this.connect();
    connection.send(text);
    return connection.untilClosed();
  }
}

export class RawConnection {
  received = '';
  private isClosed = false;
  private readonly watchers = new Set<() => void>();

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  async untilClosed(): Promise<string> {
    await this.until(() => this.isClosed);
    return this.received;
  }

  /** Until that many bytes or this text came. */
  async untilReceived(wanted: string | number): Promise<string> {
    const has = () =>
      typeof wanted === 'string' ? this.received.includes(wanted) : this.received.length >= wanted;
    await this.until(() => has() || this.isClosed);
    if (!has()) throw new Error(`closed before ${wanted} came: ${this.received}`);
    return this.received;
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.watchers.add(resolve));
  }

  private wake(): void {
    for (const resolve of this.watchers) resolve();
    this.watchers.clear();
  }
}
