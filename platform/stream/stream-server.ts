/**
 * Accepts streams: reads the Hello of whoever connects, lets the owner judge it, answers with its own. The
 * answer goes out even when the stream is refused, so that both sides can say why. A probe gets its answer
 * and is closed.
 */
import { createServer } from 'node:net';
import { listenOn } from '../listen.js';
import { FramedStream } from './framed-stream.js';
import { encodeHello, judgeHello, OtherVersionError, parseHello } from './handshake.js';
import { HandshakeTimer } from './handshake-timer.js';
import type { Server, Socket } from 'node:net';
import type { Hello } from '../../core/protocol/peer-message.js';
import type { Logger } from '../logger.js';
import type { StreamSettings } from './framed-stream.js';
import type { Refusal, Self } from './handshake.js';
import type { StreamMetrics } from './stream-metrics.js';
import type { Address } from './stream-dialer.js';

export interface ServerOptions {
  self: Self;
  settings: StreamSettings;
  /** From the connection to the end of the Hello. */
  helloTimeoutMs: number;
  logger: Logger;
  metrics: StreamMetrics;
}

export interface ServerHandler {
  /** The newest run of a worker that is remembered here. */
  seen(hello: Hello): Hello['seen'];
  /** What speaks against this stream, beyond what goes for all; null if nothing does. */
  judge(hello: Hello): Refusal | null;
  /** A stream is there; whoever takes it sets its handler and counts its end. */
  opened(stream: FramedStream, hello: Hello): void;
}

const connectionsMax = 2_048;

export class StreamServer {
  private readonly server: Server;
  private readonly greeting = new Set<FramedStream>();

  constructor(
    private readonly options: ServerOptions,
    private readonly handler: ServerHandler,
  ) {
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.server.maxConnections = connectionsMax;
    this.server.on('drop', () => options.metrics.countRefused('tooMany'));
  }

  /** Resolves with the port that it listens on; rejects if the address cannot be used. */
  async listen(address: Address): Promise<number> {
    const port = await listenOn(this.server, address.host, address.port);
    this.server.on('error', (error) => {
      this.options.logger.error('accepting streams failed', { reason: error.message });
    });
    return port;
  }

  /** Accepts no more; streams that were handed out stay. */
  close(): void {
    this.server.close();
    for (const stream of this.greeting) stream.close('stopped');
  }

  private accept(socket: Socket): void {
    const { settings, helloTimeoutMs, metrics } = this.options;
    const timer = new HandshakeTimer((detail) => stream.close('silent', detail));
    timer.allow(helloTimeoutMs, 'no hello');
    const done = () => {
      timer.end();
      this.greeting.delete(stream);
    };
    const stream = new FramedStream(socket, settings, 'stream', {
      frame: (payload) => this.greet(stream, payload, done),
      closed: ({ reason, detail }) => {
        done();
        metrics.countClosed(reason);
        if (reason === 'ended' || reason === 'stopped') return;
        const fields = { from: socket.remoteAddress, reason, detail };
        this.options.logger.warn('stream closed in handshake', fields);
      },
    });
    this.greeting.add(stream);
  }

  private greet(stream: FramedStream, payload: Uint8Array, done: () => void): void {
    const { self } = this.options;
    let hello: Hello;
    try {
      hello = parseHello(payload);
    } catch (error) {
      if (!(error instanceof OtherVersionError)) throw error;
      stream.sendFrame(encodeHello(self, null));
      this.refuse(stream, 'otherVersion', error.message);
      return;
    }
    stream.sendFrame(encodeHello(self, this.handler.seen(hello)));
    if (stream.purpose === 'probe') {
      stream.close('stopped');
      return;
    }
    const refusal = judgeHello(self, hello) ?? this.handler.judge(hello);
    if (refusal !== null) {
      this.refuse(stream, refusal, `${hello.role} ${hello.id} of ${hello.clusterId}`);
      return;
    }
    done();
    stream.trust();
    this.options.metrics.countOpened();
    this.options.logger.info('stream accepted', { peer: hello.id, role: hello.role });
    this.handler.opened(stream, hello);
  }

  private refuse(stream: FramedStream, refusal: Refusal, detail: string): void {
    this.options.metrics.countRefused(refusal);
    stream.close('refused', `${refusal}: ${detail}`);
  }
}
