/**
 * Streams from the controller to the workers' peer ports. A worker that this controller cannot reach is
 * reached through another one, which passes encoded messages on as they are.
 */
import {
  controlRequestCodec,
  workerReportCodec,
  workerReportFrameCodec,
} from '../../core/protocol/control-message.js';
import { decode, encode, WireError } from '../../core/protocol/wire.js';
import { StreamDialer } from '../../platform/stream/stream-dialer.js';
import { probeStream } from '../../platform/stream/stream-probe.js';
import type { ControlRequest, WorkerReport } from '../../core/protocol/control-message.js';
import type { Member, WorkerId } from '../../core/ring/ring-record.js';
import type { FramedStream } from '../../platform/stream/framed-stream.js';
import type { Address, DialerOptions } from '../../platform/stream/stream-dialer.js';
import type { ProbeOutcome } from '../../platform/stream/stream-probe.js';
import type { ControllerInbox, Links } from '../ports.js';

type Inbox = Pick<ControllerInbox, 'workerConnected' | 'workerDisconnected' | 'workerReport'>;

export class TcpLinks implements Links {
  private readonly dialers = new Map<WorkerId, StreamDialer>();
  private readonly streams = new Map<WorkerId, { stream: FramedStream; pid: number }>();

  constructor(
    private readonly options: DialerOptions,
    private readonly inbox: () => Inbox,
  ) {}

  connect(workers: ReadonlyMap<WorkerId, Pick<Member, 'host' | 'peerPort'>>): void {
    for (const [id, dialer] of this.dialers) {
      const worker = workers.get(id);
      const { host, port } = dialer.address;
      if (worker?.host === host && worker.peerPort === port) continue;
      this.dialers.delete(id);
      dialer.stop();
    }
    for (const [id, worker] of workers) {
      if (!this.dialers.has(id)) this.dial(id, { host: worker.host, port: worker.peerPort });
    }
  }

  send(worker: WorkerId, request: ControlRequest): void {
    try {
      this.streams.get(worker)?.stream.sendMessage(controlRequestCodec, request);
    } catch (error) {
      this.cannotEncode(worker, request, error);
    }
  }

  sendThrough(via: WorkerId, worker: WorkerId, request: ControlRequest): void {
    try {
      const payload = encode(controlRequestCodec, request);
      this.streams.get(via)?.stream.sendMessage(controlRequestCodec, { type: 'relay', worker, payload });
    } catch (error) {
      this.cannotEncode(worker, request, error);
    }
  }

  probe(worker: WorkerId, timeoutMs: number, done: (outcome: ProbeOutcome) => void): void {
    const address = this.dialers.get(worker)?.address;
    if (address !== undefined) probeStream(address, worker, { ...this.options, timeoutMs }, done);
    // Nobody knows where it is: that proves nothing.
    else setImmediate(done, 'silent');
  }

  /** The worker's process, while it is connected. */
  pidOf(worker: WorkerId): number | null {
    return this.streams.get(worker)?.pid ?? null;
  }

  close(): void {
    for (const dialer of this.dialers.values()) dialer.stop();
    this.dialers.clear();
  }

  private dial(id: WorkerId, address: Address): void {
    const dialer = new StreamDialer(address, id, this.options, {
      seen: () => null,
      opened: (stream, hello) => {
        this.streams.set(id, { stream, pid: hello.pid });
        stream.handler = {
          frame: (payload) => this.receive(id, payload),
          closed: (end) => {
            dialer.lost(end);
            if (this.streams.get(id)?.stream !== stream) return;
            this.streams.delete(id);
            this.inbox().workerDisconnected(id);
          },
        };
        this.inbox().workerConnected(id, { storeId: hello.storeId, bootCount: hello.bootCount });
      },
    });
    this.dialers.set(id, dialer);
    dialer.start();
  }

  private receive(id: WorkerId, payload: Uint8Array): void {
    for (const report of decode(workerReportFrameCodec, payload)) {
      if (report.type === 'relayed') this.receiveRelayed(id, report.worker, report.payload);
      else this.inbox().workerReport(id, report, null);
    }
  }

  private receiveRelayed(via: WorkerId, worker: WorkerId, payload: Uint8Array): void {
    let report: WorkerReport;
    try {
      report = decode(workerReportCodec, payload);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // The one that passed it on did not look into it: its own stream is fine.
      this.options.logger.warn('relayed report cannot be read', { via, worker, reason: error.message });
      return;
    }
    if (report.type !== 'relayed') this.inbox().workerReport(worker, report, via);
  }

  private cannotEncode(worker: WorkerId, request: ControlRequest, error: unknown): void {
    if (!(error instanceof WireError)) throw error;
    const fields = { worker, type: request.type, reason: error.message };
    this.options.logger.error('request cannot be encoded', fields);
  }
}
