/**
 * Keeps one stream to one address: connects, greets, and after every end tries again, soon enough that a
 * process which comes back is connected within a quarter of a second.
 *
 *   waiting ──▶ connecting ──▶ greeting ──▶ open
 *      ▲____________|_____________|__________|        stop() ends it from anywhere
 */
import { connect } from 'node:net';
import { jittered } from '../random.js';
import { FramedStream } from './framed-stream.js';
import { encodeHello, judgeAnswer, OtherVersionError, parseHello } from './handshake.js';
import { HandshakeTimer } from './handshake-timer.js';
import type { Hello } from '../../core/protocol/peer-message.js';
import type { Logger } from '../logger.js';
import type { StreamEnd, StreamSettings } from './framed-stream.js';
import type { Refusal, Self } from './handshake.js';
import type { StreamMetrics } from './stream-metrics.js';

export interface Address {
  host: string;
  port: number;
}

export interface DialerOptions {
  self: Self;
  settings: StreamSettings;
  connectTimeoutMs: number;
  /** From the connection to the end of the other side's Hello; silence since dialling ends it as well. */
  helloTimeoutMs: number;
  logger: Logger;
  metrics: StreamMetrics;
}

export interface DialerHandler {
  /** The newest run of the other side that is remembered here. */
  seen(): Hello['seen'];
  /** A stream is there; whoever takes it sets its handler. */
  opened(stream: FramedStream, hello: Hello): void;
}

const retryMs = 50;
const retryMsMax = 200;
const retryGrowth = 1.5;
const retrySpread = 0.25;
/** Whoever refuses will mostly do so again. */
const retryRefusedMs = 1_000;

export class StreamDialer {
  private timer: NodeJS.Timeout | undefined;
  private stream: FramedStream | null = null;
  private stopped = false;
  private retryDelayMs = retryMs;
  /** What was logged last: a process that is away for long is not worth a line for each try. */
  private loggedTrouble = '';

  constructor(
    readonly address: Address,
    private readonly expectedId: string,
    private readonly options: DialerOptions,
    private readonly handler: DialerHandler,
  ) {}

  start(): void {
    this.dial();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.stream?.close('stopped');
  }

  /** To be told by whoever took the stream: it is over, connect again. */
  lost({ reason, detail }: StreamEnd): void {
    this.stream = null;
    this.options.metrics.countClosed(reason);
    this.options.logger.info('stream closed', { peer: this.expectedId, reason, detail });
    this.retryDelayMs = retryMs;
    this.retry(this.retryDelayMs);
  }

  private dial(): void {
    const { self, settings, connectTimeoutMs, helloTimeoutMs } = this.options;
    const socket = connect({ ...this.address, noDelay: true });
    const timer = new HandshakeTimer((detail) => stream.close('silent', detail));
    timer.allow(connectTimeoutMs, 'no answer while connecting');
    // Somebody is there: it may be slow, which a new try would not make better.
    socket.once('connect', () => timer.allow(helloTimeoutMs, 'no hello'));
    const stream = new FramedStream(socket, settings, 'stream', {
      frame: (payload) => this.greeted(stream, payload, timer),
      closed: (end) => {
        timer.end();
        this.failed(end);
      },
    });
    this.stream = stream;
    stream.sendFrame(encodeHello(self, this.handler.seen()));
  }

  private greeted(stream: FramedStream, payload: Uint8Array, timer: HandshakeTimer): void {
    let hello: Hello;
    try {
      hello = parseHello(payload);
    } catch (error) {
      if (!(error instanceof OtherVersionError)) throw error;
      this.refuse(stream, 'otherVersion', error.message);
      return;
    }
    const refusal = judgeAnswer(this.options.self, hello, this.expectedId);
    if (refusal !== null) {
      this.refuse(stream, refusal, `it says that it is ${hello.role} ${hello.id} of ${hello.clusterId}`);
      return;
    }
    timer.end();
    stream.trust();
    this.loggedTrouble = '';
    this.retryDelayMs = retryMs;
    this.options.metrics.countOpened();
    this.options.logger.info('stream opened', { peer: this.expectedId, ...this.address });
    this.handler.opened(stream, hello);
  }

  private refuse(stream: FramedStream, refusal: Refusal, detail: string): void {
    this.options.metrics.countRefused(refusal);
    this.retryDelayMs = retryRefusedMs;
    stream.close('refused', `${refusal}: ${detail}`);
  }

  private failed({ reason, detail }: StreamEnd): void {
    this.stream = null;
    if (reason === 'malformed' || reason === 'refused') this.options.metrics.countClosed(reason);
    const trouble = `${reason} ${detail}`;
    if (trouble !== this.loggedTrouble && !this.stopped) {
      const fields = { peer: this.expectedId, ...this.address, reason, detail };
      this.options.logger.warn('cannot open a stream', fields);
      this.loggedTrouble = trouble;
    }
    this.retry(this.retryDelayMs);
    this.retryDelayMs = Math.min(this.retryDelayMs * retryGrowth, retryMsMax);
  }

  private retry(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => this.dial(), jittered(delayMs, retrySpread));
  }
}
