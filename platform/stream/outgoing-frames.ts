/**
 * Bytes on their way out. Messages of one turn of the event loop are gathered into few frames (a frame is a
 * list of messages), encoded right away so that their exact size is known and nothing else is kept.
 */
import { WireError, Writer } from '../../core/protocol/wire.js';
import type { Codec } from '../../core/protocol/wire.js';

/** A frame that has reached this size is closed, so that the receiver can begin before all has arrived. */
const frameBytesEnough = 256 * 1024;
const messagesPerFrameMax = 65_536;
const frameHeadBytes = 8;
/** A buffer that a burst has made larger than this is not kept. */
const keptBytesMax = 1024 * 1024;

export class OutgoingFrames {
  private writer = new Writer();
  /** Where the open list of messages begins; -1 if there is none. */
  private openAt = -1;
  private messageCount = 0;

  get bytes(): number {
    return this.writer.at;
  }

  /** Bytes that are sent as they are. */
  raw(bytes: Uint8Array): void {
    this.closeFrame();
    this.writer.raw(bytes);
  }

  /** A frame of its own. */
  frame(payload: Uint8Array): void {
    this.closeFrame();
    this.writer.room(4).setUint32(this.writer.at, payload.length);
    this.writer.at += 4;
    this.writer.raw(payload);
  }

  /** Throws WireError, with nothing added, if the message does not fit its codec or is over `bytesMax`. */
  message<T>(codec: Codec<T>, message: T, bytesMax: number): void {
    if (this.openAt < 0) {
      this.openAt = this.writer.at;
      this.writer.room(frameHeadBytes);
      this.writer.at += frameHeadBytes;
    }
    const start = this.writer.at;
    try {
      codec.write(this.writer, message);
      if (this.writer.at - start > bytesMax) {
        throw new WireError(`a message of ${this.writer.at - start} bytes is over ${bytesMax}`);
      }
    } catch (error) {
      this.writer.at = this.messageCount === 0 ? this.openAt : start;
      if (this.messageCount === 0) this.openAt = -1;
      throw error;
    }
    this.messageCount += 1;
    const size = this.writer.at - this.openAt;
    if (size >= frameBytesEnough || this.messageCount === messagesPerFrameMax) this.closeFrame();
  }

  /**
   * Everything so far, for one write. `write` answers whether it is done with the bytes: then their memory is
   * used for the next ones, else it is left alone.
   */
  take(write: (bytes: Uint8Array) => boolean): void {
    this.closeFrame();
    const bytes = this.writer.written;
    if (write(bytes) && bytes.length <= keptBytesMax) this.writer.at = 0;
    else this.writer = new Writer();
  }

  private closeFrame(): void {
    if (this.openAt < 0) return;
    const view = this.writer.room(0);
    view.setUint32(this.openAt, this.writer.at - this.openAt - 4);
    view.setUint32(this.openAt + 4, this.messageCount);
    this.openAt = -1;
    this.messageCount = 0;
  }
}
