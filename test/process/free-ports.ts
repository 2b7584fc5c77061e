/**
 * Ports for a test that starts programs. Test files run side by side: each process of jest has a range of its
 * own, so that two of them never take the same ports between looking and using them.
 */
import { createServer } from 'node:net';

const host = '127.0.0.1';
/** Below the ports that the kernel gives out by itself (32,768 and more). */
const firstPort = 12_000;
const lastPort = 32_000;
const ranges = 16;
const rangeSize = (lastPort - firstPort) / ranges;

/** The first of `count` ports in a row that are free now. */
export async function freePorts(count: number): Promise<number> {
  const start = firstPort + (Number(process.env.JEST_WORKER_ID ?? 0) % ranges) * rangeSize;
  for (;;) {
    const first = start + Math.floor(Math.random() * (rangeSize - count));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
