/**
 * Streams from controllers. There may be two for a while, when one takes over from another; each has an id of
 * its own.
 */
import { controlRequestFrameCodec, workerReportCodec } from '../../core/protocol/control-message.js';
import { decode, WireError } from '../../core/protocol/wire.js';
import type { WorkerReport } from '../../core/protocol/control-message.js';
import type { Hello } from '../../core/protocol/peer-message.js';
import type { Logger } from '../../platform/logger.js';
import type { FramedStream, StreamEnd } from '../../platform/stream/framed-stream.js';
import type { Refusal } from '../../platform/stream/handshake.js';
import type { Controllers, WorkerInbox } from '../worker/ports.js';

const controllersMax = 16;
/**
 * One that has just begun has all to learn at once, and may say nothing for a while. A stream that ends then
 * delays what partitions wait for; one that stays for longer than its controller harms nobody.
 */
const patience = 3;

export class TcpControllers implements Controllers {
  private readonly streams = new Map<string, FramedStream>();

  constructor(
    private readonly logger: Logger,
    private readonly inbox: () => WorkerInbox,
  ) {}

  send(controller: string, report: WorkerReport): void {
    try {
      this.streams.get(controller)?.sendMessage(workerReportCodec, report);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const fields = { controller, type: report.type, reason: error.message };
      this.logger.error('report cannot be encoded', fields);
    }
  }

  /** Why a controller cannot have a stream; null if it can. */
  judge(hello: Hello): Refusal | null {
    return this.streams.size >= controllersMax && !this.streams.has(hello.id) ? 'tooMany' : null;
  }

  take(stream: FramedStream, hello: Hello, ended: (end: StreamEnd) => void): void {
    const { id } = hello;
    this.streams.get(id)?.close('replaced', `by run ${hello.runId}`);
    this.streams.set(id, stream);
    stream.patienceMs *= patience;
    stream.handler = {
      frame: (payload) => {
        const requests = decode(controlRequestFrameCodec, payload);
        for (const request of requests) this.inbox().controllerRequest(id, request);
      },
      closed: (end) => {
        ended(end);
        if (this.streams.get(id) !== stream) return;
        this.streams.delete(id);
        this.inbox().controllerDisconnected(id);
      },
    };
    this.inbox().controllerConnected(id);
  }

  close(): void {
    for (const stream of [...this.streams.values()]) stream.close('stopped');
  }
}
