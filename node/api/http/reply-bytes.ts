/** A reply as the bytes that go out, in one piece where it is small: one write is one system call. */
import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import type { Clock } from '../../../platform/clock.js';
import type { Reply } from '../reply.js';

/**
 * Up to here head and body are copied together; above, copying costs more than a second buffer in the same
 * write.
 */
const joinedBytesMax = 16 * 1024;
const dateEveryMs = 500;
const announcedShare = 0.8;
const statusLines = new Map(
  Object.entries(STATUS_CODES).map(([status, text]) => [Number(status), `HTTP/1.1 ${status} ${text}\r\n`]),
);

/** A string is to be written as latin1. */
export type ReplyPart = string | Buffer;

export class ReplyWriter {
  private date = '';
  private dateAt = -Infinity;
  private readonly keptField: string;

  /** Clients are told of less than `idleMs`, so that none begins a request while its connection is ended. */
  constructor(
    private readonly clock: Clock,
    idleMs: number,
  ) {
    const seconds = Math.floor((idleMs * announcedShare) / 1_000);
    this.keptField = seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : '';
  }

  /** `withBody` false: the request was HEAD, whose head is that of a GET. */
  parts(reply: Reply, withBody: boolean, close: boolean): ReplyPart[] {
    const { status, headers, body } = reply;
    let head = (statusLines.get(status) ?? `HTTP/1.1 ${status} \r\n`) + this.dateField();
    for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
    if (reply.fields !== undefined) head += reply.fields;
    head += close ? 'Connection: close\r\n' : this.keptField;
    if (status === 204 || status === 304) return [`${head}\r\n`];
    head += `Content-Length: ${reply.bodyBytes ?? body.length}\r\n\r\n`;
    if (!withBody) return [head];
    if (typeof body === 'string') return [head + body];
    if (body.length > joinedBytesMax) return [head, Buffer.from(body.buffer, body.byteOffset, body.length)];
    const joined = Buffer.allocUnsafe(head.length + body.length);
    joined.write(head, 0, 'latin1');
    joined.set(body, head.length);
    return [joined];
  }

  private dateField(): string {
    const now = this.clock.now();
    if (now - this.dateAt >= dateEveryMs) {
      this.date = `Date: ${new Date(this.clock.wall()).toUTCString()}\r\n`;
      this.dateAt = now;
    }
    return this.date;
  }
}
