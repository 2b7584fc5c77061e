/**
 * One TCP connection that carries frames in both directions. It coalesces what is sent in a turn of the event
 * loop into one write, bounds what waits to be sent, notices silence, and turns whatever is wrong with the
 * other side into the end of this one stream.
 *
 *   open ──end, error, silence, full queue, malformed frame, close()──▶ closed (`onClose` once, with the
 *   reason)
 */
import { messageBytesMax } from '../../core/protocol/peer-message.js';
import { WireError } from '../../core/protocol/wire.js';
import { receiveBytes } from '../socket-bytes.js';
import { FrameParser, preamble } from './frame-parser.js';
import { OutgoingFrames } from './outgoing-frames.js';
import { StreamChecks } from './stream-checks.js';
import type { Socket } from 'node:net';
import type { Limits } from '../../core/limits.js';
import type { Codec } from '../../core/protocol/wire.js';
import type { EndOfTick } from '../end-of-tick.js';
import type { Purpose } from './frame-parser.js';

/** Why a stream is over. `failed`: an error of the connection. `ended`: the other side closed it. */
export const closeReasons = [
  'ended',
  'failed',
  'silent',
  'queueFull',
  'malformed',
  'refused',
  'replaced',
  'stopped',
] as const;
export type CloseReason = (typeof closeReasons)[number];

/** Before the handshake. */
const helloBytesMax = 4_096;
/** A list of messages is closed soon after 256 KiB, and the message that does it may be the largest. */
const frameBytesMax = messageBytesMax + 1024 * 1024;
const lingerMs = 1_000;
const alive = new Uint8Array(0);

export interface StreamSettings {
  /** What may wait to be sent; a stream over it is dropped, and the other side catches up anew. */
  queueBytesMax: number;
  silentMs: number;
  /** Monotonic, in milliseconds. */
  now: () => number;
  endOfTick: EndOfTick;
  checks: StreamChecks;
  /** Bytes of all these streams, counted into. */
  traffic: Traffic;
}

export interface Traffic {
  sent: number;
  received: number;
}

/** Of all streams of one process: they share their timer and what they do at the end of a turn. */
export function streamSettings(
  limits: Pick<Limits, 'peerQueueBytesMax' | 'peerSilentMs'>,
  clock: { now(): number },
  endOfTick: EndOfTick,
  traffic: Traffic = { sent: 0, received: 0 },
): StreamSettings {
  const { peerQueueBytesMax: queueBytesMax, peerSilentMs: silentMs } = limits;
  const now = () => clock.now();
  return { queueBytesMax, silentMs, now, endOfTick, checks: new StreamChecks(silentMs, now), traffic };
}

export interface StreamEnd {
  reason: CloseReason;
  /** For a log. */
  detail: string;
}

export interface StreamHandler {
  /** Throws WireError if it cannot be understood. */
  frame(payload: Uint8Array): void;
  /** Once, never in the middle of a call that sends. */
  closed(end: StreamEnd): void;
}

export class FramedStream {
  /** May be exchanged while the stream is open: first the handshake, then whoever uses the stream. */
  handler: StreamHandler;
  /** A frame to send when there is nothing else to say. */
  aliveFrame: Uint8Array = alive;
  /** What it lets the other side be silent for. */
  patienceMs: number;
  private readonly parser = new FrameParser(helloBytesMax);
  private readonly outgoing = new OutgoingFrames();
  private heardAt: number;
  private sentAt: number;
  private flushing = false;
  private closedReason: CloseReason | null = null;

  constructor(
    private readonly socket: Socket,
    private readonly settings: StreamSettings,
    purpose: Purpose,
    handler: StreamHandler,
  ) {
    this.handler = handler;
    this.patienceMs = settings.silentMs;
    const now = settings.now();
    this.heardAt = now;
    this.sentAt = now;
    settings.checks.add(this);
    socket.setNoDelay(true);
    receiveBytes(socket, (chunk) => this.receive(chunk));
    socket.on('end', () => this.finish('ended', ''));
    socket.on('error', (error) => this.finish('failed', error.message));
    socket.on('close', () => this.finish('ended', ''));
    this.outgoing.raw(preamble(purpose));
    this.scheduleFlush();
  }

  get isOpen(): boolean {
    return this.closedReason === null;
  }

  /** What the other side wants; null until it has said so. */
  get purpose(): Purpose | null {
    return this.parser.purpose;
  }

  /** Waiting to be sent. */
  get queuedBytes(): number {
    return this.outgoing.bytes + this.socket.writableLength;
  }

  /** Milliseconds since anything was received. */
  get silentForMs(): number {
    return this.settings.now() - this.heardAt;
  }

  /** After the handshake: frames of full size are accepted from here on. */
  trust(): void {
    this.parser.frameBytesMax = frameBytesMax;
  }

  /** A frame of its own; dropped if the stream is closed. */
  sendFrame(payload: Uint8Array): void {
    if (!this.hasRoom()) return;
    this.outgoing.frame(payload);
    this.scheduleFlush();
  }

  /**
   * Adds a message to this turn's frame; dropped if the stream is closed. Throws WireError if it cannot be
   * encoded.
   */
  sendMessage<T>(codec: Codec<T>, message: T): void {
    if (!this.hasRoom()) return;
    this.outgoing.message(codec, message, messageBytesMax);
    this.scheduleFlush();
  }

  /** Sends what is waiting, then closes. */
  close(reason: CloseReason, detail = ''): void {
    if (this.isOpen) this.flush();
    this.finish(reason, detail);
  }

  /** Checked before a message is added, so that the largest message fits into any queue. */
  private hasRoom(): boolean {
    if (this.closedReason !== null) return false;
    const queued = this.queuedBytes;
    if (queued <= this.settings.queueBytesMax) return true;
    this.finish('queueFull', `${queued} bytes were waiting`);
    return false;
  }

  private scheduleFlush(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.settings.endOfTick.flush(this.flush);
  }

  private readonly flush = (): void => {
    this.flushing = false;
    if (this.closedReason !== null || this.outgoing.bytes === 0) return;
    this.sentAt = this.settings.now();
    this.outgoing.take((bytes) => {
      this.settings.traffic.sent += bytes.length;
      this.socket.write(bytes);
      // With nothing queued the kernel has taken all of it.
      return this.socket.writableLength === 0;
    });
  };

  private receive(chunk: Uint8Array): void {
    if (this.closedReason !== null) return;
    this.heardAt = this.settings.now();
    this.settings.traffic.received += chunk.length;
    try {
      this.parser.push(chunk, this.onFrame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.finish('malformed', error.message);
    }
  }

  private readonly onFrame = (payload: Uint8Array): boolean => {
    if (payload.length > 0) this.handler.frame(payload);
    return this.closedReason === null;
  };

  /** `late`: this process slept, and what the other side sent meanwhile is still unread. */
  check(now: number, sinceCheckMs: number, late: boolean): void {
    if (!late && now - this.heardAt > this.patienceMs) {
      this.finish('silent', `nothing came for ${Math.round(now - this.heardAt)} ms`);
    } else if (now - this.sentAt >= sinceCheckMs) {
      this.sendFrame(this.aliveFrame);
    }
  }

  private finish(reason: CloseReason, detail: string): void {
    if (this.closedReason !== null) return;
    this.closedReason = reason;
    this.settings.checks.delete(this);
    if (reason === 'refused' || reason === 'stopped') {
      // The last words should arrive; but nobody waits for them for long.
      this.socket.setTimeout(lingerMs, () => this.socket.destroy());
      this.socket.resume();
      this.socket.destroySoon();
    } else {
      this.socket.destroy();
    }
    // Found while somebody is sending, who must not be called back in the middle of it.
    if (reason === 'queueFull') this.settings.endOfTick.defer(() => this.handler.closed({ reason, detail }));
    else this.handler.closed({ reason, detail });
  }
}
