/**
 * One keep-alive connection that has one request under way: as little code as an HTTP client can do with, so
 * that the load generator does not become what is measured.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface HttpReply {
  status: number;
  body: Buffer;
}

export class HttpConnection {
  private received: Buffer = Buffer.alloc(0);
  private waiting: { resolve: (reply: HttpReply) => void; reject: (error: Error) => void } | null = null;

  private constructor(
    private readonly socket: Socket,
    private readonly host: string,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('connection closed')));
  }

  static open(url: URL): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      socket.once('connect', () => resolve(new HttpConnection(socket, url.host)));
      socket.once('error', reject);
    });
  }

  request(method: string, path: string, body: Buffer | null = null): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      const length = body === null ? '' : `Content-Length: ${body.length}\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.host}\r\n${length}\r\n`;
      this.socket.write(body === null ? head : Buffer.concat([Buffer.from(head), body]));
    });
  }

  close(): void {
    this.waiting = null;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + 4 + length;
    if (this.received.length < end) return;
    const body = this.received.subarray(headEnd + 4, end);
    this.received = this.received.subarray(end);
    const { waiting } = this;
    this.waiting = null;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  private fail(error: Error): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.reject(error);
  }
}
