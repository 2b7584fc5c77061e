/** Workers that are nothing but their peer port, with an inbox that records what arrives. */
import { connect } from 'node:net';
import { defaultLimits } from '../../../core/limits.js';
import { protocolVersion } from '../../../core/protocol/peer-message.js';
import { TcpControllers } from '../../../node/peers/tcp-controllers.js';
import { TcpListener } from '../../../node/peers/tcp-listener.js';
import { TcpPeers } from '../../../node/peers/tcp-peers.js';
import { SystemClock } from '../../../platform/clock.js';
import { EndOfTick } from '../../../platform/end-of-tick.js';
import { createLogger } from '../../../platform/logger.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { streamSettings } from '../../../platform/stream/framed-stream.js';
import { StreamMetrics } from '../../../platform/stream/stream-metrics.js';
import type { Socket } from 'node:net';
import type { ControlRequest } from '../../../core/protocol/control-message.js';
import type { PeerRun } from '../../../core/protocol/log-command.js';
import type { Hello, PeerMessage } from '../../../core/protocol/peer-message.js';
import type { Member } from '../../../core/ring/ring-record.js';
import type { WorkerInbox } from '../../../node/worker/ports.js';

export const host = '127.0.0.1';
export const logger = createLogger({ level: 'silent', format: 'json', fields: {} });
const closers: (() => void)[] = [];

/** Runs at the end of the test. */
export function closeLater(close: () => void): void {
  closers.push(close);
}

export function closeAll(): void {
  for (const close of closers.splice(0)) close();
}

export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class RecordingInbox implements WorkerInbox {
  readonly connected: PeerRun[] = [];
  readonly disconnected: string[] = [];
  readonly messages: { peer: string; message: PeerMessage }[] = [];
  readonly controllers: string[] = [];
  readonly requests: ControlRequest[] = [];

  peerConnected(peer: PeerRun): void {
    this.connected.push(peer);
  }
  peerDisconnected(peer: string): void {
    this.disconnected.push(peer);
  }
  peerMessages(peer: string, messages: PeerMessage[]): void {
    for (const message of messages) this.messages.push({ peer, message });
  }
  controllerConnected(controller: string): void {
    this.controllers.push(controller);
  }
  controllerDisconnected(controller: string): void {
    this.controllers.splice(this.controllers.indexOf(controller), 1);
  }
  controllerRequest(_controller: string, request: ControlRequest): void {
    this.requests.push(request);
  }
}

interface WorkerSettings {
  clusterId?: string;
  storeId?: string;
  bootCount?: number;
  runId?: string;
  port?: number;
  queueBytesMax?: number;
  silentMs?: number;
  seen?: Hello['seen'];
}

export async function startWorker(id: string, settings: WorkerSettings = {}) {
  const inbox = new RecordingInbox();
  const metrics = new Metrics();
  const seen = () => settings.seen ?? null;
  const options = {
    self: {
      role: 'worker' as const,
      clusterId: settings.clusterId ?? 'c1',
      id,
      storeId: settings.storeId ?? `store-${id}`,
      bootCount: settings.bootCount ?? 1,
      runId: settings.runId ?? 'run-1',
      pid: 4_321,
    },
    settings: streamSettings(
      {
        peerQueueBytesMax: settings.queueBytesMax ?? defaultLimits.peerQueueBytesMax,
        peerSilentMs: settings.silentMs ?? 1_500,
      },
      new SystemClock(),
      new EndOfTick(),
    ),
    connectTimeoutMs: 500,
    helloTimeoutMs: 500,
    logger,
    metrics: new StreamMetrics(metrics),
    seen,
  };
  const peers = new TcpPeers(options, () => inbox);
  const controllers = new TcpControllers(logger, () => inbox);
  const listener = new TcpListener(options, peers, controllers);
  const port = await listener.listen({ host, port: settings.port ?? 0 });
  const stop = () => {
    listener.close();
    peers.close();
    controllers.close();
  };
  closers.push(stop);
  const count = async (series: string) => {
    const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`kvorum_${series} `));
    return Number(line?.split(' ')[1]);
  };
  return { id, inbox, peers, controllers, port, stop, count, options };
}

export type StartedWorker = Awaited<ReturnType<typeof startWorker>>;

export function members(...workers: { id: string; port: number }[]): Map<string, Member> {
  const rest = { host, clientPort: 1, zone: 'z', state: 'active' as const };
  return new Map(workers.map(({ id, port }) => [id, { ...rest, peerPort: port }]));
}

export function join(...workers: StartedWorker[]): void {
  for (const worker of workers) worker.peers.connect(members(...workers));
}

export function helloOf(changes: Partial<Hello> = {}): Hello {
  const rest = { protocolVersion, role: 'worker' as const, clusterId: 'c1', storeId: 's', seen: null };
  return { ...rest, id: 'a', bootCount: 1, runId: 'r', pid: 0, ...changes };
}

export function framed(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, 4);
  return frame;
}

export function dial(port: number, ...parts: Uint8Array[]): Socket {
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  closers.push(() => socket.destroy());
  for (const part of parts) socket.write(part);
  return socket;
}
