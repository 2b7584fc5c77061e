/**
 * Redis commands over one connection, several in one write (the Redis serialization protocol, RESP2). One
 * batch is under way at a time.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { receiveBytes } from '../../platform/socket-bytes.js';

export type RespReply = string | number | Buffer | null;

interface Batch {
  replies: RespReply[];
  expected: number;
  resolve: (replies: RespReply[]) => void;
  reject: (error: Error) => void;
}

const endOfLine = Buffer.from('\r\n');

export class RespConnection {
  private unread: Buffer = Buffer.alloc(0);
  private batch: Batch | null = null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    // What was received is overwritten by what comes next, on whichever connection.
    receiveBytes(socket, (bytes) => this.take(Buffer.from(bytes)));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('connection closed')));
  }

  static open(host: string, port: number): Promise<RespConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      const connection = new RespConnection(socket);
      socket.once('connect', () => resolve(connection));
      socket.once('error', reject);
    });
  }

  /** Rejects with the first error among the replies. */
  send(encoded: Buffer, commands: number): Promise<RespReply[]> {
    return new Promise((resolve, reject) => {
      this.batch = { replies: [], expected: commands, resolve, reject };
      this.socket.write(encoded);
    });
  }

  close(): void {
    this.batch = null;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    const { batch } = this;
    while (batch !== null && batch.replies.length < batch.expected) {
      const found = parseReply(this.unread);
      if (found === null) return;
      this.unread = this.unread.subarray(found.bytes);
      if (found.reply instanceof Error) {
        this.fail(found.reply);
        return;
      }
      batch.replies.push(found.reply);
    }
    this.batch = null;
    batch?.resolve(batch.replies);
  }

  private fail(error: Error): void {
    const { batch } = this;
    this.batch = null;
    batch?.reject(error);
  }
}

export function encodeCommand(parts: readonly (string | Buffer)[]): Buffer {
  const pieces: Buffer[] = [];
  let head = `*${parts.length}\r\n`;
  for (const part of parts) {
    head += `$${Buffer.byteLength(part)}\r\n`;
    if (typeof part === 'string') head += `${part}\r\n`;
    else {
      pieces.push(Buffer.from(head), part);
      head = '\r\n';
    }
  }
  pieces.push(Buffer.from(head));
  return Buffer.concat(pieces);
}

/** The first reply in these bytes and its length; null while it is incomplete. */
export function parseReply(bytes: Buffer): { reply: RespReply | Error; bytes: number } | null {
  const lineEnd = bytes.indexOf(endOfLine);
  if (lineEnd < 0) return null;
  const kind = String.fromCharCode(bytes.readUInt8(0));
  const line = bytes.toString('latin1', 1, lineEnd);
  const after = lineEnd + 2;
  if (kind === '+') return { reply: line, bytes: after };
  if (kind === '-') return { reply: new Error(line), bytes: after };
  if (kind === ':') return { reply: Number(line), bytes: after };
  if (kind !== '$') throw new Error(`a reply that begins with ${kind}`);
  const length = Number(line);
  if (length < 0) return { reply: null, bytes: after };
  if (bytes.length < after + length + 2) return null;
  return { reply: bytes.subarray(after, after + length), bytes: after + length + 2 };
}
