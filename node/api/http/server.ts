/**
 * The listening end: connections for keys are read here, by less code than a general HTTP server needs, and
 * those that want anything else go on to that server.
 */
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { KvorumError } from '../../../core/errors.js';
import { onBeats } from '../../../platform/beat.js';
import type { Clock } from '../../../platform/clock.js';
import type { KvEndpoint } from '../kv-endpoint.js';
import { errorReply } from '../reply.js';
import type { FailedRequest } from '../request-identity.js';
import type { HttpBounds } from './bounds.js';
import { Connection } from './connection.js';
import type { ConnectionContext } from './connection.js';
import { ReplyWriter } from './reply-bytes.js';

export interface HttpServerOptions {
  endpoint: KvEndpoint;
  /** Everything that is not for a key. */
  others: RequestListener;
  clock: Clock;
  bounds: HttpBounds;
  /** A request for a key was answered with 500 or more. */
  failed(request: FailedRequest): void;
}

const sweepMs = 250;

export class HttpServer {
  readonly server: Server;
  private readonly connections = new Set<Connection>();
  private readonly handedOver = new Set<Socket>();
  private readonly fallback;
  private readonly writer: ReplyWriter;
  private readonly context: ConnectionContext;
  private buffered = 0;
  private leaving = false;
  private stopSweeping: (() => void) | null = null;
  /** Set while closing: called when the last connection is gone. */
  private emptied: (() => void) | null = null;

  constructor(private readonly options: HttpServerOptions) {
    this.writer = new ReplyWriter(options.clock, options.bounds.idleMs);
    this.context = this.createContext();
    this.fallback = createHttpServer({ maxHeaderSize: options.bounds.headBytesMax }, (request, response) => {
      // One reply, then the client comes back to this server's front door.
      response.setHeader('Connection', 'close');
      options.others(request, response);
    });
    this.fallback.on('clientError', (_error, socket) => {
      const reply = errorReply(new KvorumError('malformed-request', 'The request is not valid HTTP.'));
      if (!socket.writable) return;
      for (const part of this.writer.parts(reply, true, true)) socket.write(part, 'latin1');
      socket.end();
    });
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
    this.server.maxConnections = options.bounds.connectionsMax;
  }

  get isLeaving(): boolean {
    return this.leaving;
  }

  /** Those for keys; one for anything else ends with its reply. */
  get connectionCount(): number {
    return this.connections.size;
  }

  leave(): void {
    this.leaving = true;
  }

  close(timeoutMs: number): Promise<void> {
    this.leaving = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.destroyAll(), timeoutMs);
      this.emptied = () => {
        clearTimeout(timer);
        this.stopSweeping?.();
        resolve();
      };
      this.server.close();
      for (const connection of [...this.connections]) connection.finish();
      this.checkEmptied();
    });
  }

  private destroyAll(): void {
    for (const connection of [...this.connections]) connection.destroy();
    for (const socket of [...this.handedOver]) socket.destroy();
  }

  private accept(socket: Socket): void {
    this.connections.add(new Connection(socket, this.context));
    this.stopSweeping ??= onBeats(() => this.sweep(), sweepMs);
  }

  private createContext(): ConnectionContext {
    const { endpoint, bounds, clock } = this.options;
    return {
      endpoint,
      bounds,
      writer: this.writer,
      now: () => clock.now(),
      isLeaving: () => this.leaving,
      failed: (request) => this.options.failed(request),
      reserve: (bytes) => {
        if (this.buffered + bytes > bounds.bufferedBytesMax)
          throw new KvorumError('overloaded', 'Nothing was applied: too many bodies are arriving at once.');
        this.buffered += bytes;
      },
      release: (bytes) => {
        this.buffered -= bytes;
      },
      handOver: (_connection, socket, unread) => this.handOver(socket, unread),
      closed: (connection) => {
        this.connections.delete(connection);
        this.checkEmptied();
      },
    };
  }

  private handOver(socket: Socket, unread: Buffer): void {
    this.handedOver.add(socket);
    socket.setTimeout(this.options.bounds.bodyMs, () => socket.destroy());
    socket.on('close', () => {
      this.handedOver.delete(socket);
      this.checkEmptied();
    });
    // Paused before the bytes are put back, and read again only by the one who is to have them.
    socket.pause();
    socket.unshift(unread);
    this.fallback.emit('connection', socket);
    socket.resume();
  }

  /** Timers of connections, all in one; it stands still while there are none. */
  private sweep(): void {
    const now = this.options.clock.now();
    for (const connection of [...this.connections]) connection.sweep(now);
    if (this.connections.size > 0) return;
    this.stopSweeping?.();
    this.stopSweeping = null;
  }

  private checkEmptied(): void {
    if (this.connections.size === 0 && this.handedOver.size === 0) this.emptied?.();
  }
}
