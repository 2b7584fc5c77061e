/**
 * Streams between workers over real sockets: handshakes, reconnects, bounds, and whatever strangers may send.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { helloCodec, protocolVersion } from '../../../core/protocol/peer-message.js';
import { encode } from '../../../core/protocol/wire.js';
import { preamble } from '../../../platform/stream/frame-parser.js';
import { closeAll, dial, framed, helloOf, join, members, startWorker, until } from './peer-fixture.js';
import type { Hello, PeerMessage } from '../../../core/protocol/peer-message.js';
import type { StartedWorker } from './peer-fixture.js';

afterEach(closeAll);

const ringVersion = (version: number): PeerMessage => ({ type: 'ringVersion', version });

function versionsFrom(worker: StartedWorker): number[] {
  return worker.inbox.messages.flatMap(({ message }) =>
    message.type === 'ringVersion' ? [message.version] : [],
  );
}

describe('peer streams', () => {
  it('connect each pair once and carry messages in order, both ways', async () => {
    const [a, b, c] = [await startWorker('a'), await startWorker('b'), await startWorker('c')];
    join(a, b, c);
    await until('all pairs', () => [a, b, c].every((worker) => worker.inbox.connected.length === 2));
    expect(a.inbox.connected).toContainEqual({ id: 'b', storeId: 'store-b', bootCount: 1, runId: 'run-1' });
    expect([a.peers.pidOf('b'), b.peers.pidOf('a'), a.peers.pidOf('z')]).toEqual([4_321, 4_321, null]);
    for (let version = 0; version < 500; version += 1) {
      a.peers.send('b', ringVersion(version));
      b.peers.send('a', ringVersion(1_000 + version));
    }
    await until('messages', () => versionsFrom(a).length === 500 && versionsFrom(b).length === 500);
    expect(versionsFrom(b)).toEqual([...Array(500).keys()]);
    expect(versionsFrom(a)).toEqual([...Array(500).keys()].map((version) => version + 1_000));
    expect(await a.count('streams_opened_total')).toBe(2);
    expect(a.inbox.disconnected).toEqual([]);
  });

  it('carry values of every size', async () => {
    const [a, b] = [await startWorker('a'), await startWorker('b')];
    join(a, b);
    await until('the pair', () => a.inbox.connected.length === 1);
    const sizes = [0, 1, 65_535, 65_536, 1_048_576, 3_000_000];
    for (const [id, size] of sizes.entries()) {
      const rest = {
        result: 'found' as const,
        version: null,
        contentType: '',
        valueBytes: size,
        staleMs: null,
        ringVersion: 1,
      };
      const value = new Uint8Array(size).fill(id);
      a.peers.send('b', { type: 'readReply', id, value, reason: 'moved', detail: '', ...rest });
    }
    await until('replies', () => b.inbox.messages.length === sizes.length);
    for (const [index, { message }] of b.inbox.messages.entries()) {
      if (message.type !== 'readReply') throw new Error(message.type);
      expect(message.value.length).toBe(sizes[index]);
      expect(message.value.every((byte) => byte === index)).toBe(true);
    }
  });

  it('pass on what the other side remembers of this one', async () => {
    const remembered = { storeId: 'store-b', bootCount: 7, runId: 'run-7' };
    const [a, b] = [await startWorker('a', { seen: remembered }), await startWorker('b')];
    join(a, b);
    await until('a memory', () => b.inbox.messages.length > 0);
    expect(b.inbox.messages[0]).toEqual({ peer: 'a', message: { type: 'remembered', ...remembered } });
  });

  it('come back when the other process does, in either role', async () => {
    for (const [stays, returns] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const stayed = await startWorker(stays);
      const first = await startWorker(returns);
      join(stayed, first);
      await until('the pair', () => stayed.inbox.connected.length === 1);
      first.stop();
      await until('the loss', () => stayed.inbox.disconnected.length === 1);
      const second = await startWorker(returns, { port: first.port, bootCount: 2, runId: 'run-2' });
      join(second, stayed);
      await until('the return', () => stayed.inbox.connected.length === 2);
      expect(stayed.inbox.connected[1]).toMatchObject({ id: returns, bootCount: 2, runId: 'run-2' });
      stayed.peers.send(returns, ringVersion(9));
      await until('a message', () => versionsFrom(second).includes(9));
    }
  });

  it('follow a worker to another address, and let one go that is no member', async () => {
    const [a, b, elsewhere] = [await startWorker('a'), await startWorker('b'), await startWorker('b')];
    a.peers.connect(members(b));
    await until('the first', () => b.inbox.connected.length === 1);
    a.peers.connect(members(elsewhere));
    await until('the second', () => elsewhere.inbox.connected.length === 1);
    expect(b.inbox.disconnected).toEqual(['a']);
    a.peers.connect(members());
    await until('nobody', () => elsewhere.inbox.disconnected.length === 1);
  });

  it('are dropped when more waits than may, and come back', async () => {
    const [a, b] = [await startWorker('a', { queueBytesMax: 200_000 }), await startWorker('b')];
    join(a, b);
    await until('the pair', () => a.inbox.connected.length === 1);
    // Nothing leaves before the turn is over, so that this is a receiver that takes nothing.
    for (let count = 0; count < 5; count += 1) {
      a.peers.send('b', { type: 'ring', payload: new Uint8Array(100_000) });
    }
    expect(a.inbox.disconnected).toEqual([]);
    await until('the end', () => a.inbox.disconnected.length === 1);
    expect(await a.count('streams_closed_total{reason="queueFull"}')).toBe(1);
    await until('the return', () => a.inbox.connected.length === 2);
    expect(b.inbox.messages).toEqual([]);
  });

  it('stay while there is nothing to say, and end when the other side is silent', async () => {
    // Long enough that a busy machine is not taken for a silent peer.
    const settings = { silentMs: 2_500 };
    const [a, b] = [await startWorker('a', settings), await startWorker('b', settings)];
    join(a, b);
    await until('signs of life', () => b.inbox.messages.length >= 6 && a.inbox.messages.length >= 6);
    expect(b.inbox.messages.every(({ message }) => message.type === 'alive')).toBe(true);
    expect(a.inbox.disconnected).toEqual([]);
    // A stranger that greets and then says nothing more.
    dial(b.port, preamble('stream'), framed(encode(helloCodec, helloOf({ id: 'a1' }))));
    await until('the silent one', () => b.inbox.connected.some(({ id }) => id === 'a1'));
    await until('its end', () => b.inbox.disconnected.includes('a1'));
    expect(await b.count('streams_closed_total{reason="silent"}')).toBe(1);
  });

  it('bear with a controller for longer: one that has just begun has all to learn at once', async () => {
    const worker = await startWorker('m', { silentMs: 600 });
    const greet = (hello: Hello) => dial(worker.port, preamble('stream'), framed(encode(helloCodec, hello)));
    greet(helloOf({ role: 'controller', id: 'c' }));
    await until('the controller', () => worker.inbox.controllers.length === 1);
    greet(helloOf({ id: 'a' }));
    await until('the end of the worker', () => worker.inbox.disconnected.includes('a'));
    expect(worker.inbox.controllers).toEqual(['c']);
    await until('the end of the controller', () => worker.inbox.controllers.length === 0);
    expect(await worker.count('streams_closed_total{reason="silent"}')).toBe(2);
  });
});

describe('handshakes', () => {
  async function refusedAs(worker: StartedWorker, hello: Hello, reason: string): Promise<void> {
    const socket = dial(worker.port, preamble('stream'), framed(encode(helloCodec, hello)));
    let answered = 0;
    socket.on('data', (chunk) => (answered += chunk.length));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(await worker.count(`streams_refused_total{reason="${reason}"}`)).toBe(1);
    expect(answered).toBeGreaterThan(8);
  }

  it('refuse who does not belong, with the reason counted and an answer that says who is here', async () => {
    const worker = await startWorker('m');
    await refusedAs(worker, helloOf({ clusterId: 'c2' }), 'otherCluster');
    await refusedAs(worker, helloOf({ id: 'm' }), 'sameId');
    await refusedAs(worker, helloOf({ id: 'z' }), 'wrongDirection');
    await refusedAs(worker, helloOf({ protocolVersion: protocolVersion + 1 }), 'otherVersion');
    expect(worker.inbox.connected).toEqual([]);
  });

  it('let a newer run replace an older one, not the other way round', async () => {
    const worker = await startWorker('m');
    const greet = (changes: Partial<Hello>) =>
      dial(worker.port, preamble('stream'), framed(encode(helloCodec, helloOf(changes))));
    greet({ bootCount: 5, runId: 'five' });
    await until('the first', () => worker.inbox.connected.length === 1);
    await refusedAs(worker, helloOf({ bootCount: 4, runId: 'four' }), 'olderRun');
    expect(worker.inbox.disconnected).toEqual([]);
    greet({ bootCount: 6, runId: 'six' });
    await until('the newer', () => worker.inbox.connected.length === 2);
    expect(worker.inbox.disconnected).toEqual(['a']);
    greet({ bootCount: 1, runId: 'other', storeId: 'new store' });
    await until('another store', () => worker.inbox.connected.length === 3);
    expect(await worker.count('streams_closed_total{reason="replaced"}')).toBe(2);
  });

  it('end when a dialled worker turns out to be another one', async () => {
    const [a, b] = [await startWorker('a'), await startWorker('b')];
    a.peers.connect(members({ id: 'c', port: b.port }));
    await until('a refusal', async () => (await a.count('streams_refused_total{reason="unexpectedId"}')) > 0);
    expect(a.inbox.connected).toEqual([]);
  });
});

describe('what strangers send', () => {
  it('closes their stream, is counted, and disturbs nobody else', async () => {
    const [a, b] = [await startWorker('a'), await startWorker('b')];
    join(a, b);
    await until('the pair', () => b.inbox.connected.length === 1);
    const greeting = [preamble('stream'), framed(encode(helloCodec, helloOf({ id: 'a1' })))];
    const noises = [
      [new TextEncoder().encode('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
      [preamble('stream'), Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
      [preamble('stream'), framed(new Uint8Array(40))],
      [preamble('stream'), framed(new Uint8Array(1))],
      [...greeting, framed(Uint8Array.of(9, 9, 9))],
      [...greeting, framed(Uint8Array.of(0, 0, 0, 1, 250))],
      [...greeting, framed(new Uint8Array(5_000).fill(255))],
    ];
    for (const parts of noises) {
      const socket = dial(b.port, ...parts);
      socket.resume();
      await new Promise((resolve) => socket.on('close', resolve));
    }
    const malformed = await b.count('streams_closed_total{reason="malformed"}');
    const refused = await b.count('streams_refused_total{reason="otherVersion"}');
    expect(malformed + refused).toBe(noises.length);
    expect(malformed).toBeGreaterThanOrEqual(5);
    expect(b.inbox.disconnected).not.toContain('a');
    a.peers.send('b', ringVersion(3));
    await until('a message', () => versionsFrom(b).includes(3));
  });

  it('may be nothing at all, for a while', async () => {
    const worker = await startWorker('m');
    const socket = dial(worker.port);
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(await worker.count('streams_closed_total{reason="silent"}')).toBe(1);
  });
});
