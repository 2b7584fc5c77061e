/**
 * Unary gRPC calls over one HTTP/2 connection, framed by hand (RFC 9113): the load generator shares the
 * machine with what it measures, and Node's own HTTP/2 client costs several times as much per call.
 *
 * What the server says in header blocks is not decoded: a unary gRPC call that fails carries no message
 * ("Trailers-Only"), so a complete message followed by the end of the stream is success.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { receiveBytes } from '../../platform/socket-bytes.js';

const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
const flags = { acknowledge: 1, endStream: 1, endHeaders: 4, padded: 8 };
const windowDefault = 65_535;
/** What every receiver takes (SETTINGS_MAX_FRAME_SIZE). */
const frameBytesMax = 16_384;
const windowMax = 2 ** 31 - 1;
/** The connection's window is topped up each time this much has arrived. */
const topUpBytes = 2 ** 24;

interface Call {
  resolve: (message: Buffer) => void;
  reject: (error: Error) => void;
  received: Buffer;
}

const nothing = Buffer.alloc(0);

export class GrpcConnection {
  private readonly calls = new Map<number, Call>();
  private unread: Buffer = nothing;
  private unsent: Buffer[] = [];
  private nextStream = 1;
  /** What the server still takes on this connection and on each new stream. */
  private sendWindow = windowDefault;
  private streamWindow = windowDefault;
  private waitingForWindow: { frames: Buffer; dataBytes: number }[] = [];
  private receivedBytes = 0;
  private ended: Error | null = null;

  private constructor(
    private readonly socket: Socket,
    private readonly authority: string,
  ) {
    socket.setNoDelay(true);
    receiveBytes(socket, (bytes) => this.take(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('connection closed')));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const settings = Buffer.alloc(12);
    settings.writeUInt16BE(2, 0); // ENABLE_PUSH = 0
    settings.writeUInt16BE(4, 6); // INITIAL_WINDOW_SIZE
    settings.writeUInt32BE(windowMax, 8);
    socket.write(frame(frameType.settings, 0, 0, settings));
    socket.write(windowUpdate(windowMax - windowDefault));
  }

  static open(host: string, port: number): Promise<GrpcConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, host);
      const connection = new GrpcConnection(socket, `${host}:${port}`);
      socket.once('connect', () => resolve(connection));
      socket.once('error', reject);
    });
  }

  /** `path`: /package.Service/Method. Resolves with the reply's message. */
  call(path: string, message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) throw this.ended;
      const dataBytes = 5 + message.length;
      // Nothing here sends a message in parts.
      if (dataBytes > this.streamWindow) throw new Error(`a message of ${message.length} bytes is too large`);
      const stream = this.nextStream;
      this.nextStream += 2;
      this.calls.set(stream, { resolve, reject, received: nothing });
      const head = frame(frameType.headers, flags.endHeaders, stream, this.headerBlock(path, stream === 1));
      const frames = Buffer.concat([head, ...dataFrames(stream, message)]);
      this.waitingForWindow.push({ frames, dataBytes });
      this.sendWhatFits();
    });
  }

  close(): void {
    this.calls.clear();
    this.socket.destroy();
  }

  /**
   * RFC 7541. The first block of the connection puts three fields into the dynamic table, all later ones
   * refer to them: the last that was put in has index 62.
   */
  private headerBlock(path: string, first: boolean): Buffer {
    const post = Buffer.of(0x83, 0x86); // :method POST, :scheme http
    const target = Buffer.concat([Buffer.of(0x04), text(path)]);
    if (!first) return Buffer.concat([post, target, Buffer.of(0xc0, 0xbf, 0xbe)]);
    const authority = Buffer.concat([Buffer.of(0x41), text(this.authority)]);
    const contentType = Buffer.concat([Buffer.of(0x5f), text('application/grpc')]);
    const te = Buffer.concat([Buffer.of(0x40), text('te'), text('trailers')]);
    return Buffer.concat([post, target, authority, contentType, te]);
  }

  private sendWhatFits(): void {
    let [next] = this.waitingForWindow;
    while (next !== undefined && next.dataBytes <= this.sendWindow) {
      this.sendWindow -= next.dataBytes;
      this.waitingForWindow.shift();
      this.send(next.frames);
      [next] = this.waitingForWindow;
    }
  }

  /** What is said within one turn of the event loop leaves in one write. */
  private send(frames: Buffer): void {
    this.unsent.push(frames);
    if (this.unsent.length > 1) return;
    process.nextTick(() => {
      const [only] = this.unsent;
      this.socket.write(this.unsent.length === 1 && only !== undefined ? only : Buffer.concat(this.unsent));
      this.unsent = [];
    });
  }

  private take(chunk: Buffer): void {
    const bytes = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const stream = bytes.readUInt32BE(at + 5) & windowMax;
      this.takeFrame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), stream, bytes.subarray(at + 9, end));
      at = end;
    }
    // What was received is overwritten by what comes next, on whichever connection.
    this.unread = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at));
  }

  private takeFrame(type: number, flag: number, stream: number, payload: Buffer): void {
    if (type === frameType.data) this.takeData(stream, payload, flag);
    else if (type === frameType.settings && (flag & flags.acknowledge) === 0) this.takeSettings(payload);
    else if (type === frameType.ping && (flag & flags.acknowledge) === 0) {
      this.send(frame(frameType.ping, flags.acknowledge, 0, payload));
    } else if (type === frameType.windowUpdate && stream === 0) {
      this.sendWindow += payload.readUInt32BE(0);
      this.sendWhatFits();
    } else if (type === frameType.reset) this.settle(stream, new Error('the call was reset'));
    else if (type === frameType.goAway) this.fail(new Error('the server said goodbye'));
    const ends = type === frameType.data || type === frameType.headers;
    if (ends && (flag & flags.endStream) !== 0) this.settle(stream, null);
  }

  private takeData(stream: number, payload: Buffer, flag: number): void {
    if ((flag & flags.padded) !== 0) throw new Error('padded data is not expected');
    const call = this.calls.get(stream);
    if (call === undefined) return;
    call.received =
      call.received.length === 0 ? Buffer.from(payload) : Buffer.concat([call.received, payload]);
    this.receivedBytes += payload.length;
    if (this.receivedBytes < topUpBytes) return;
    this.send(windowUpdate(this.receivedBytes));
    this.receivedBytes = 0;
  }

  private takeSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === 4) this.streamWindow = payload.readUInt32BE(at + 2);
    }
    this.send(frame(frameType.settings, flags.acknowledge, 0, Buffer.alloc(0)));
  }

  private settle(stream: number, error: Error | null): void {
    const call = this.calls.get(stream);
    if (call === undefined) return;
    this.calls.delete(stream);
    const { received } = call;
    const isWhole = received.length >= 5 && received.length === 5 + received.readUInt32BE(1);
    if (error !== null) call.reject(error);
    else if (!isWhole) call.reject(new Error('the call failed: no message in the reply'));
    else call.resolve(received.subarray(5));
  }

  private fail(error: Error): void {
    this.ended ??= error;
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }
}

/** The message, prefixed as gRPC wants it: not compressed, length. */
function dataFrames(stream: number, message: Buffer): Buffer[] {
  const data = Buffer.allocUnsafe(5 + message.length);
  message.copy(data, data.writeUInt32BE(message.length, data.writeUInt8(0, 0)));
  const frames: Buffer[] = [];
  for (let at = 0; at < data.length; at += frameBytesMax) {
    const end = at + frameBytesMax;
    const flag = end >= data.length ? flags.endStream : 0;
    frames.push(frame(frameType.data, flag, stream, data.subarray(at, end)));
  }
  return frames;
}

/** A string literal without Huffman coding, shorter than 127 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')]);
}

function windowUpdate(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes, 0);
  return frame(frameType.windowUpdate, 0, 0, payload);
}

function frame(type: number, flag: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  let at = bytes.writeUIntBE(payload.length, 0, 3);
  at = bytes.writeUInt8(type, at);
  at = bytes.writeUInt8(flag, at);
  at = bytes.writeUInt32BE(stream, at);
  payload.copy(bytes, at);
  return bytes;
}
