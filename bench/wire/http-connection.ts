/**
 * One keep-alive connection that has one request under way: as little code as an HTTP client can do with, so
 * that the load generator does not become what is measured.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { receiveBytes } from '../../platform/socket-bytes.js';

export interface HttpReply {
  status: number;
  body: Buffer;
}

const nothing = Buffer.alloc(0);
const endOfHead = Buffer.from('\r\n\r\n');

export class HttpConnection {
  private received: Buffer = nothing;
  private waiting: { resolve: (reply: HttpReply) => void; reject: (error: Error) => void } | null = null;

  private constructor(
    private readonly socket: Socket,
    private readonly host: string,
  ) {
    socket.setNoDelay(true);
    receiveBytes(socket, (bytes) => this.take(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('connection closed')));
  }

  static open(url: URL): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      const connection = new HttpConnection(socket, url.host);
      socket.once('connect', () => resolve(connection));
      socket.once('error', reject);
    });
  }

  request(method: string, path: string, body: Buffer | null = null): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      const length = body === null ? '' : `Content-Length: ${body.length}\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${length}\r\n`;
      if (body === null) {
        this.socket.write(head, 'latin1');
        return;
      }
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, 'latin1');
      bytes.set(body, head.length);
      this.socket.write(bytes);
    });
  }

  close(): void {
    this.waiting = null;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    // The chunk is overwritten by the next one, of whichever connection.
    const bytes = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const found = parseReply(bytes);
    if (found === null) {
      this.received = Buffer.from(bytes);
      return;
    }
    this.received = found.end === bytes.length ? nothing : Buffer.from(bytes.subarray(found.end));
    const { waiting } = this;
    this.waiting = null;
    waiting?.resolve({ status: found.status, body: Buffer.from(found.body) });
  }

  private fail(error: Error): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.reject(error);
  }
}

function parseReply(bytes: Buffer): (WholeBody & { status: number }) | null {
  const headEnd = bytes.indexOf(endOfHead);
  if (headEnd < 0) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const isChunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head);
  const whole = isChunked
    ? parseChunks(bytes, headEnd + 4)
    : parseSized(bytes, headEnd + 4, Number(length ?? 0));
  return whole === null ? null : { status: Number(head.slice(9, 12)), ...whole };
}

interface WholeBody {
  body: Buffer;
  /** Where the next reply begins. */
  end: number;
}

function parseSized(bytes: Buffer, from: number, length: number): WholeBody | null {
  const end = from + length;
  return bytes.length < end ? null : { body: bytes.subarray(from, end), end };
}

/** RFC 9112, section 7.1, without trailers; null while the last chunk is missing. */
export function parseChunks(bytes: Buffer, from: number): WholeBody | null {
  const pieces: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return null;
    if (size === 0) return { body: Buffer.concat(pieces), end };
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = end;
  }
}
