/** The worker's peer port: hands each stream that passes the handshake to the peers or to the controllers. */
import { StreamServer } from '../../platform/stream/stream-server.js';
import type { Hello } from '../../core/protocol/peer-message.js';
import type { StoreId, WorkerId } from '../../core/ring/ring-record.js';
import type { FramedStream, StreamEnd } from '../../platform/stream/framed-stream.js';
import type { Address } from '../../platform/stream/stream-dialer.js';
import type { ServerOptions } from '../../platform/stream/stream-server.js';
import type { TcpControllers } from './tcp-controllers.js';
import type { TcpPeers } from './tcp-peers.js';

export interface TcpListenerOptions extends ServerOptions {
  seen: (peer: WorkerId, storeId?: StoreId) => Hello['seen'];
}

export class TcpListener {
  private readonly server: StreamServer;

  constructor(
    private readonly options: TcpListenerOptions,
    peers: TcpPeers,
    controllers: TcpControllers,
  ) {
    const ownerOf = (hello: Hello) => (hello.role === 'worker' ? peers : controllers);
    this.server = new StreamServer(options, {
      seen: (hello) => (hello.role === 'worker' ? options.seen(hello.id, hello.storeId) : null),
      judge: (hello) => ownerOf(hello).judge(hello),
      opened: (stream: FramedStream, hello) =>
        ownerOf(hello).take(stream, hello, (end) => this.ended(hello, end)),
    });
  }

  /** Resolves with the port; rejects if the address cannot be used. */
  listen(address: Address): Promise<number> {
    return this.server.listen(address);
  }

  close(): void {
    this.server.close();
  }

  private ended(hello: Hello, { reason, detail }: StreamEnd): void {
    this.options.metrics.countClosed(reason);
    this.options.logger.info('stream closed', { peer: hello.id, role: hello.role, reason, detail });
  }
}
