/**
 * Streams to the other workers: one per pair, which the worker with the smaller id opens. A worker that
 * connects again, or its newer run, replaces the stream that is there; an older run is refused.
 */
import { peerFrameCodec, peerMessageCodec } from '../../core/protocol/peer-message.js';
import { decode, encode, WireError } from '../../core/protocol/wire.js';
import { StreamDialer } from '../../platform/stream/stream-dialer.js';
import type { PeerRun } from '../../core/protocol/log-command.js';
import type { Hello, PeerMessage } from '../../core/protocol/peer-message.js';
import type { Member, WorkerId } from '../../core/ring/ring-record.js';
import type { FramedStream, StreamEnd } from '../../platform/stream/framed-stream.js';
import type { Refusal } from '../../platform/stream/handshake.js';
import type { DialerOptions } from '../../platform/stream/stream-dialer.js';
import type { Peers, WorkerInbox } from '../worker/ports.js';

const aliveFrame = encode(peerFrameCodec, [{ type: 'alive' }]);

interface PeerStream {
  stream: FramedStream;
  run: PeerRun;
  pid: number;
}

export interface TcpPeersOptions extends DialerOptions {
  /** The newest run of a peer that this worker remembers. */
  seen: (peer: WorkerId) => Hello['seen'];
}

export class TcpPeers implements Peers {
  private readonly streams = new Map<WorkerId, PeerStream>();
  private readonly dialers = new Map<WorkerId, StreamDialer>();

  constructor(
    private readonly options: TcpPeersOptions,
    private readonly inbox: () => WorkerInbox,
  ) {}

  connect(members: ReadonlyMap<WorkerId, Member>): void {
    for (const [id, dialer] of this.dialers) {
      const member = members.get(id);
      const { host, port } = dialer.address;
      if (member?.host === host && member.peerPort === port) continue;
      this.dialers.delete(id);
      dialer.stop();
    }
    for (const [id, member] of members) {
      if (!this.opensTo(id) || this.dialers.has(id)) continue;
      this.dial(id, { host: member.host, port: member.peerPort });
    }
  }

  send(peer: WorkerId, message: PeerMessage): void {
    try {
      this.streams.get(peer)?.stream.sendMessage(peerMessageCodec, message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const fields = { peer, type: message.type, reason: error.message };
      this.options.logger.error('message cannot be encoded', fields);
    }
  }

  /** What waits to be sent to a peer, and for how long it has been silent; null without a stream. */
  loadOf(peer: WorkerId): { queuedBytes: number; silentForMs: number } | null {
    return this.streams.get(peer)?.stream ?? null;
  }

  /** The peer's process, while it is connected. */
  pidOf(peer: WorkerId): number | null {
    return this.streams.get(peer)?.pid ?? null;
  }

  /** Why a worker that opened a stream cannot have it; null if it can. */
  judge(hello: Hello): Refusal | null {
    if (this.opensTo(hello.id)) return 'wrongDirection';
    const run = this.streams.get(hello.id)?.run;
    const isOlder = run?.storeId === hello.storeId && run.bootCount > hello.bootCount;
    return isOlder ? 'olderRun' : null;
  }

  /** Takes a stream that was opened by a worker, or to it. */
  take(stream: FramedStream, hello: Hello, ended: (end: StreamEnd) => void): void {
    const { id, storeId, bootCount, runId } = hello;
    this.streams.get(id)?.stream.close('replaced', `by run ${runId}`);
    const peer: PeerStream = { stream, run: { id, storeId, bootCount, runId }, pid: hello.pid };
    this.streams.set(id, peer);
    stream.aliveFrame = aliveFrame;
    stream.handler = {
      frame: (payload) => this.inbox().peerMessages(id, decode(peerFrameCodec, payload)),
      closed: (end) => this.lost(peer, end, ended),
    };
    this.inbox().peerConnected(peer.run);
    // What the other side remembers of this worker came with its Hello; the worker judges it like any other
    // message.
    if (hello.seen !== null) this.inbox().peerMessages(id, [{ type: 'remembered', ...hello.seen }]);
  }

  /** Closes all streams, with what is waiting in them sent. */
  close(): void {
    for (const dialer of this.dialers.values()) dialer.stop();
    this.dialers.clear();
    for (const { stream } of [...this.streams.values()]) stream.close('stopped');
  }

  private opensTo(peer: WorkerId): boolean {
    return this.options.self.id < peer;
  }

  private dial(id: WorkerId, address: StreamDialer['address']): void {
    const dialer = new StreamDialer(address, id, this.options, {
      seen: () => this.options.seen(id),
      opened: (stream, hello) => this.take(stream, hello, (end) => dialer.lost(end)),
    });
    this.dialers.set(id, dialer);
    dialer.start();
  }

  private lost(peer: PeerStream, end: StreamEnd, ended: (end: StreamEnd) => void): void {
    ended(end);
    if (this.streams.get(peer.run.id) !== peer) return;
    this.streams.delete(peer.run.id);
    this.inbox().peerDisconnected(peer.run.id);
  }
}
