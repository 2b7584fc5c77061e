/** A process that ends is told from one that only breaks connections, and from one that was never reached. */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { watchProcess } from '../../../operator/links/process-watch.js';

const host = '127.0.0.1';
const open = new Set<Socket>();
const ends: (() => void)[] = [];

async function listening(port = 0): Promise<Server> {
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  ends.push(() => server.close());
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

/** At this end first; a while later at the other one too. */
async function connected(server: Server): Promise<void> {
  await new Promise((resolve) => server.once('connection', resolve));
  await pause();
}

function breakAll(): void {
  for (const socket of open) socket.resetAndDestroy();
}

afterEach(() => {
  for (const end of ends.splice(0)) end();
  breakAll();
});

describe('watching a process', () => {
  it('tells of its end, and not of connections that break', async () => {
    const server = await listening();
    let told = 0;
    const first = connected(server);
    const ended = new Promise<void>((resolve) => {
      const stop = watchProcess({ host, port: portOf(server) }, () => {
        told += 1;
        resolve();
      });
      ends.push(stop);
    });
    await first;
    const second = connected(server);
    breakAll();
    await second;
    expect(told).toBe(0);
    server.close();
    breakAll();
    await ended;
    expect(told).toBe(1);
  });

  it('says nothing of one that refused from the beginning: who refuses may be in between', async () => {
    const server = await listening();
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    let told = 0;
    ends.push(watchProcess({ host, port }, () => (told += 1)));
    // It goes on trying: one that comes later is watched all the same.
    await pause();
    const later = await listening(port);
    await connected(later);
    expect(told).toBe(0);
  });

  it('is over when it is not wanted any more', async () => {
    const server = await listening();
    let told = 0;
    const first = connected(server);
    const stop = watchProcess({ host, port: portOf(server) }, () => (told += 1));
    await first;
    stop();
    server.close();
    breakAll();
    await pause();
    expect(told).toBe(0);
  });

  it('does not connect again and again to what ends every connection at once', async () => {
    const server = await listening();
    let connections = 0;
    server.on('connection', (socket: Socket) => {
      connections += 1;
      socket.destroy();
    });
    ends.push(watchProcess({ host, port: portOf(server) }, () => undefined));
    while (connections === 0) await pause();
    await pause();
    await pause();
    expect(connections).toBeLessThan(10);
  });
});
