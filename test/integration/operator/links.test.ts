/** The controller's links to workers over real sockets. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { workerReportCodec } from '../../../core/protocol/control-message.js';
import { helloCodec } from '../../../core/protocol/peer-message.js';
import { encode } from '../../../core/protocol/wire.js';
import { TcpLinks } from '../../../operator/links/tcp-links.js';
import { SystemClock } from '../../../platform/clock.js';
import { EndOfTick } from '../../../platform/end-of-tick.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { preamble } from '../../../platform/stream/frame-parser.js';
import { streamSettings } from '../../../platform/stream/framed-stream.js';
import { StreamMetrics } from '../../../platform/stream/stream-metrics.js';
import {
  closeAll,
  closeLater,
  framed,
  helloOf,
  host,
  logger,
  members,
  startWorker,
  until,
} from '../peers/peer-fixture.js';
import type { WorkerReport } from '../../../core/protocol/control-message.js';

afterEach(closeAll);

describe('links of a controller', () => {
  function startController(id: string) {
    const reports: { worker: string; report: WorkerReport; via: string | null }[] = [];
    const connected: { worker: string; storeId: string }[] = [];
    const disconnected: string[] = [];
    const options = {
      self: {
        role: 'controller' as const,
        clusterId: 'c1',
        id,
        storeId: '',
        bootCount: 0,
        runId: 'r',
        pid: 1,
      },
      settings: streamSettings(
        { peerQueueBytesMax: 1_000_000, peerSilentMs: 1_500 },
        new SystemClock(),
        new EndOfTick(),
      ),
      connectTimeoutMs: 500,
      helloTimeoutMs: 3_000,
      logger,
      metrics: new StreamMetrics(new Metrics()),
    };
    const links = new TcpLinks(options, () => ({
      workerConnected: (worker, { storeId }) => connected.push({ worker, storeId }),
      workerDisconnected: (worker) => disconnected.push(worker),
      workerReport: (worker, report, via) => reports.push({ worker, report, via }),
    }));
    closeLater(() => links.close());
    return { links, reports, connected, disconnected };
  }

  const probed: WorkerReport = { type: 'probed', nonce: 4, storeId: 's', bootCount: 1 };

  it('carry requests and reports, and what is passed on for others', async () => {
    const worker = await startWorker('m');
    const { links, reports, connected, disconnected } = startController('k1');
    links.connect(members(worker));
    await until('the link', () => connected.length === 1);
    expect(connected[0]).toEqual({ worker: 'm', storeId: 'store-m' });
    expect(worker.inbox.controllers).toEqual(['k1']);
    expect(links.pidOf('m')).toBe(4_321);
    links.send('m', { type: 'probe', nonce: 4 });
    links.sendThrough('m', 'n', { type: 'reportAll' });
    await until('requests', () => worker.inbox.requests.length === 2);
    expect(worker.inbox.requests[0]).toEqual({ type: 'probe', nonce: 4 });
    expect(worker.inbox.requests[1]).toMatchObject({ type: 'relay', worker: 'n' });
    worker.controllers.send('k1', probed);
    const payload = encode(workerReportCodec, probed);
    worker.controllers.send('k1', { type: 'relayed', worker: 'n', payload: Uint8Array.of(99) });
    worker.controllers.send('k1', { type: 'relayed', worker: 'n', payload });
    await until('reports', () => reports.length === 2);
    expect(reports).toEqual([
      { worker: 'm', report: probed, via: null },
      { worker: 'n', report: probed, via: 'm' },
    ]);
    worker.stop();
    await until('the end', () => disconnected.length === 1);
    expect(links.pidOf('m')).toBe(null);
  });

  it('serve two controllers at once, and one that comes again', async () => {
    const worker = await startWorker('m');
    const [one, two, again] = [startController('k1'), startController('k2'), startController('k1')];
    one.links.connect(members(worker));
    two.links.connect(members(worker));
    await until('both', () => worker.inbox.controllers.length === 2);
    again.links.connect(members(worker));
    await until('the replaced one', () => one.disconnected.length > 0);
    expect(two.disconnected).toEqual([]);
  });

  /** A worker that answers each Hello after so long; `taken` counts who came. */
  async function slowWorker(id: string, answerMs: number) {
    const seen = { id, port: 0, taken: 0 };
    const answer = Buffer.concat([preamble('stream'), framed(encode(helloCodec, helloOf({ id })))]);
    const server = createServer((socket) => {
      seen.taken += 1;
      socket.on('error', () => undefined);
      setTimeout(() => socket.write(answer), answerMs);
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    closeLater(() => server.close());
    const address = server.address();
    seen.port = typeof address === 'object' && address !== null ? address.port : 0;
    return seen;
  }

  it('wait longer for a Hello than for a connection: who is there may be slow', async () => {
    const slow = await slowWorker('s', 1_000);
    const { links, connected } = startController('k1');
    links.connect(members(slow));
    await until('the link', () => connected.length === 1);
    expect(slow.taken).toBe(1);
  });

  it('look once more before they give up, having been too busy themselves', async () => {
    const worker = await slowWorker('s', 0);
    const { links, connected } = startController('k1');
    links.connect(members(worker));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    await until('the link', () => connected.length === 1);
    expect(worker.taken).toBe(1);
  });

  it('tell a dead process from a silent one', async () => {
    const worker = await startWorker('m');
    const stalled = createServer();
    await new Promise<void>((resolve) => stalled.listen(0, host, resolve));
    closeLater(() => stalled.close());
    const address = stalled.address();
    const stalledPort = typeof address === 'object' && address !== null ? address.port : 0;
    const gone = await startWorker('g');
    gone.stop();
    const { links } = startController('k1');
    links.connect(members(worker, { id: 'g', port: gone.port }, { id: 's', port: stalledPort }));
    const probe = (id: string) =>
      new Promise<string>((resolve) => {
        links.probe(id, 2_000, resolve);
      });
    expect(await Promise.all(['m', 'g', 's', 'unknown'].map(probe))).toEqual([
      'answered',
      'refused',
      'silent',
      'silent',
    ]);
    await until('the link', () => worker.inbox.controllers.length === 1);
    expect(worker.inbox.controllers).toEqual(['k1']);
  });
});
