/**
 * One client's connection: reads requests for keys off the socket, one after the other, and writes the
 * replies in that order. The first request for anything else hands the socket over, with all its unread
 * bytes, to Node's own HTTP server.
 *
 *   head --> body --> performing --> writing --> head ...
 *     \________\___________\______________\____> closing --> closed
 *
 * A request is performed only when it has arrived whole. While one is performed no further one is read: what
 * a client sends ahead waits, first in a bounded buffer, then in its own.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { KvorumError } from '../../../core/errors.js';
import { randomId } from '../../../platform/random.js';
import { receiveBytes } from '../../../platform/socket-bytes.js';
import type { SocketBytes } from '../../../platform/socket-bytes.js';
import type { KvCall } from '../kv-call.js';
import { valueTooLarge } from '../kv-call.js';
import { kvPrefix, splitTarget } from '../key-path.js';
import { requestIdField, usableRequestId } from '../request-identity.js';
import type { FailedRequest } from '../request-identity.js';
import type { KvEndpoint } from '../kv-endpoint.js';
import type { Reply } from '../reply.js';
import { ChunkedBody, SizedBody, wholeBody } from './body.js';
import type { Body } from './body.js';
import type { HttpBounds } from './bounds.js';
import { parseHead } from './parse-head.js';
import type { ReplyWriter } from './reply-bytes.js';
import type { RequestHead } from './request-head.js';

/** What all connections of a server share. */
export interface ConnectionContext {
  endpoint: KvEndpoint;
  bounds: HttpBounds;
  writer: ReplyWriter;
  now(): number;
  isLeaving(): boolean;
  /** A request was answered with 500 or more. */
  failed(request: FailedRequest): void;
  /** Reserves bytes for bodies that are arriving; throws `overloaded` if there are too many. */
  reserve(bytes: number): void;
  release(bytes: number): void;
  /** The socket goes to another reader, which finds `unread` first. */
  handOver(connection: Connection, socket: Socket, unread: Buffer): void;
  closed(connection: Connection): void;
}

type State = 'head' | 'body' | 'performing' | 'writing' | 'closing' | 'closed';

const nothing = Buffer.alloc(0);
const emptyValue = new Uint8Array(0);
const headEnd = Buffer.from('\r\n\r\n');
const continueLine = 'HTTP/1.1 100 Continue\r\n\r\n';
/** More than this unread while a request is performed, and the socket is read no further. */
const aheadBytesMax = 64 * 1024;
const discardedBytesMax = 8 * 1024 * 1024;

export class Connection {
  private state: State = 'head';
  private unread: Buffer = nothing;
  private deadline: number;
  private method = '';
  /** What the client calls its request; '' if it does not. */
  private requestId = '';
  private isKept = true;
  private call: KvCall | null = null;
  private body: Body | null = null;
  private reserved = 0;
  private discarded = 0;
  /** The client will send nothing more. */
  private isEnded = false;
  private isAdvancing = false;
  private readonly bytes: SocketBytes;

  constructor(
    private readonly socket: Socket,
    private readonly context: ConnectionContext,
  ) {
    this.deadline = context.now() + context.bounds.idleMs;
    this.bytes = receiveBytes(socket, this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    socket.on('drain', this.onDrain);
    socket.on('error', ignoreError);
  }

  /** Nothing of a request has arrived, and no reply is outstanding. */
  get isIdle(): boolean {
    return this.state === 'head' && this.unread.length === 0;
  }

  /** Ends it now if it is idle; else with the next reply. */
  finish(): void {
    if (this.isIdle) this.close();
    else this.isKept = false;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Called now and then; deadlines are as exact as that. */
  sweep(now: number): void {
    if (now < this.deadline) return;
    if (this.isIdle) this.close();
    else if (this.state === 'head' || this.state === 'body')
      this.refuse(
        new KvorumError('request-timeout', 'Nothing was applied: the request did not arrive in time.'),
      );
    else this.socket.destroy();
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.state === 'closing') {
      this.discarded += chunk.length;
      if (this.discarded > discardedBytesMax) this.socket.destroy();
      return;
    }
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    if (this.state === 'head' || this.state === 'body') this.advance();
    else if (this.unread.length > aheadBytesMax) this.socket.pause();
    // The chunk is overwritten by the next one, of whichever connection.
    if (this.unread.length > 0 && this.unread.buffer === chunk.buffer) this.unread = Buffer.from(this.unread);
  };

  private readonly onEnd = (): void => {
    this.isEnded = true;
    this.isKept = false;
    if (this.isIdle) this.close();
    else if (this.state === 'head' || this.state === 'body')
      this.refuse(
        new KvorumError('malformed-request', 'Nothing was applied: the request ended before it was whole.'),
      );
  };

  private readonly onClose = (): void => {
    this.state = 'closed';
    this.releaseReserved();
    this.unread = nothing;
    this.context.closed(this);
  };

  private readonly onDrain = (): void => {
    if (this.state !== 'writing') return;
    this.nextRequest();
    this.advance();
  };

  /** Goes on as long as there is something to read and somebody to read it. */
  private advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    try {
      let progressed = true;
      while (progressed) {
        if (this.state === 'head') progressed = this.readHead();
        else if (this.state === 'body') progressed = this.readBody();
        else progressed = false;
      }
    } finally {
      this.isAdvancing = false;
    }
  }

  private readHead(): boolean {
    while (this.unread.length >= 2 && this.unread[0] === 0x0d && this.unread[1] === 0x0a)
      this.unread = this.unread.subarray(2);
    if (this.unread.length === 0) return false;
    const { bounds } = this.context;
    const end = this.unread.indexOf(headEnd);
    if (end > bounds.headBytesMax || (end < 0 && this.unread.length > bounds.headBytesMax)) {
      this.refuse(this.headTooLarge());
      return false;
    }
    if (end < 0) {
      if (looksMalformed(this.unread)) this.refuse(notHttp());
      else this.deadline = Math.min(this.deadline, this.context.now() + bounds.headMs);
      return false;
    }
    try {
      const { head, isKept } = parseHead(this.unread.toString('latin1', 0, end), bounds.fieldsMax);
      return this.route(head, isKept, end + headEnd.length);
    } catch (error) {
      this.refuse(asRefusal(error));
      return false;
    }
  }

  private route(head: RequestHead, isKept: boolean, headLength: number): boolean {
    if (head.method === 'CONNECT') throw new KvorumError('method-not-allowed', 'This is no proxy.');
    if (!splitTarget(head.target).path.startsWith(kvPrefix)) {
      this.handOver();
      return false;
    }
    this.unread = this.unread.subarray(headLength);
    this.method = head.method;
    this.requestId = usableRequestId(head.requestId);
    this.isKept = isKept && !this.isEnded;
    const hasBody = head.isChunked || (head.contentLength ?? 0) > 0;
    let value: Uint8Array | null = emptyValue;
    try {
      this.call = this.context.endpoint.accept(head);
      if (hasBody) {
        value = this.takeWholeBody(head);
        if (value === null) this.beginBody(head);
      }
    } catch (error) {
      // The body that follows is not read, so nothing after it can be.
      if (hasBody) this.refuse(asRefusal(error));
      else this.reply(this.context.endpoint.refuse(this.method, asRefusal(error)));
      return true;
    }
    if (value !== null) this.perform(value);
    return true;
  }

  /** Most bodies are small and there already: they need no buffer to grow in. */
  private takeWholeBody(head: RequestHead): Uint8Array | null {
    if (head.expect !== null || head.contentLength === null) return null;
    const value = wholeBody(head.contentLength, this.unread);
    if (value === null) return null;
    this.unread = value.length === this.unread.length ? nothing : this.unread.subarray(value.length);
    return value;
  }

  private beginBody(head: RequestHead): void {
    if (head.expect !== null) {
      if (head.expect.toLowerCase() !== '100-continue')
        throw new KvorumError('expectation-failed', 'The only expectation known is 100-continue.');
      if (this.unread.length === 0) this.socket.write(continueLine);
    }
    const { endpoint, bounds } = this.context;
    const budget = { take: (bytes: number) => this.reserve(bytes) };
    this.body = head.isChunked
      ? new ChunkedBody(endpoint.limits.valueBytesMax, budget, () => valueTooLarge(endpoint.limits))
      : new SizedBody(head.contentLength ?? 0, budget);
    this.state = 'body';
    this.deadline = this.context.now() + bounds.bodyMs;
  }

  private readBody(): boolean {
    const { body } = this;
    if (body === null || this.unread.length === 0) return false;
    try {
      const taken = body.push(this.unread);
      this.unread = taken === this.unread.length ? nothing : this.unread.subarray(taken);
    } catch (error) {
      this.refuse(asRefusal(error));
      return false;
    }
    if (!body.isWhole) return false;
    this.body = null;
    this.perform(body.value());
    return true;
  }

  private perform(value: Uint8Array): void {
    const { call } = this;
    if (call === null) return;
    this.call = null;
    this.state = 'performing';
    // The store keeps its own deadline and always answers.
    this.deadline = Infinity;
    this.context.endpoint.perform(this.method, call, value, (reply) => this.reply(reply));
  }

  /** An answer after which the connection's bytes can no longer be trusted, or no longer be waited for. */
  private refuse(error: KvorumError): void {
    this.isKept = false;
    this.reply(this.context.endpoint.refuse(this.method, error));
  }

  private reply(reply: Reply): void {
    if (this.state === 'closed' || this.state === 'closing') return;
    this.releaseReserved();
    this.nameRequest(reply);
    const close = !this.isKept || this.context.isLeaving();
    const [first = '', second] = this.context.writer.parts(reply, this.method !== 'HEAD', close);
    if (second !== undefined) this.socket.cork();
    let isTaken = this.socket.write(first, 'latin1');
    if (second !== undefined) {
      isTaken = this.socket.write(second, 'latin1');
      this.socket.uncork();
    }
    if (close) {
      this.close();
    } else if (isTaken) {
      this.nextRequest();
      this.advance();
    } else {
      this.state = 'writing';
      this.deadline = this.context.now() + this.context.bounds.writeMs;
    }
  }

  /** What the client has named, and what has failed, goes by a name. */
  private nameRequest(reply: Reply): void {
    const { status, code = '' } = reply;
    if (this.requestId === '' && status < 500) return;
    const requestId = this.requestId === '' ? randomId() : this.requestId;
    reply.headers.push(requestIdField, requestId);
    if (status >= 500) this.context.failed({ requestId, method: this.method, status, code });
  }

  private nextRequest(): void {
    this.state = 'head';
    this.method = '';
    this.requestId = '';
    this.deadline = this.context.now() + this.context.bounds.idleMs;
    if (this.socket.isPaused()) this.socket.resume();
  }

  /**
   * After the last reply. What the client still sends is read and dropped for a while: closing with bytes
   * unread would reset the connection, and the client might never see the reply.
   */
  private close(): void {
    this.state = 'closing';
    this.unread = nothing;
    this.body = null;
    this.releaseReserved();
    this.deadline = this.context.now() + this.context.bounds.lingerMs;
    this.socket.end();
    if (this.socket.isPaused()) this.socket.resume();
  }

  private handOver(): void {
    const { socket, unread } = this;
    this.bytes.release();
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('drain', this.onDrain);
    socket.off('error', ignoreError);
    this.state = 'closed';
    this.unread = nothing;
    this.context.closed(this);
    this.context.handOver(this, socket, Buffer.from(unread));
  }

  private reserve(bytes: number): void {
    this.context.reserve(bytes);
    this.reserved += bytes;
  }

  private releaseReserved(): void {
    this.context.release(this.reserved);
    this.reserved = 0;
  }

  private headTooLarge(): KvorumError {
    const { headBytesMax } = this.context.bounds;
    const lineEnd = this.unread.indexOf('\r\n');
    const isTarget = lineEnd < 0 || lineEnd > headBytesMax;
    const detail = `Request line and header fields together are at most ${headBytesMax} bytes.`;
    return new KvorumError(isTarget ? 'target-too-long' : 'headers-too-large', detail);
  }
}

/** Something that will never become a request: better said now than after a time-out. */
function looksMalformed(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0;
  if (first <= 0x20 || first >= 0x7f) return !(bytes.length === 1 && first === 0x0d);
  const newline = bytes.indexOf(0x0a);
  return newline >= 0 && bytes[newline - 1] !== 0x0d;
}

/** Anything else that is thrown is a failure of the program, and must not be taken for the client's. */
function asRefusal(error: unknown): KvorumError {
  if (error instanceof KvorumError) return error;
  throw error;
}

function notHttp(): KvorumError {
  return new KvorumError('malformed-request', 'The request is not valid HTTP: lines end in CRLF.');
}

/** A broken connection is nobody's failure; `close` follows. */
const ignoreError = (): void => undefined;
