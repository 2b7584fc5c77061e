/** A closed loop of clients: each sends its next request when the last was answered. */
import { partitionOf } from '../core/ring/hash.js';
import type { WorkerUnderLoad } from './cluster-under-load.js';
import { HttpConnection } from './wire/http-connection.js';

export interface LoadOptions {
  method: 'PUT' | 'GET';
  clients: number;
  seconds: number;
  keys: number;
  valueBytes: number;
  /** Send each request to the primary of its key instead of to any worker. */
  primaries: string[] | null;
}

export interface LoadResult {
  perSecond: number;
  operations: number;
  failed: number;
  p50Millis: number;
  p99Millis: number;
}

export async function runLoad(workers: WorkerUnderLoad[], options: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = [];
  let failed = 0;
  const endAt = performance.now() + options.seconds * 1_000;
  const body = Buffer.alloc(options.valueBytes, 'v');
  const client = async (index: number) => {
    const connections = await connectionsFor(workers, options, index);
    while (performance.now() < endAt) {
      const key = `bench/${String(Math.floor(Math.random() * options.keys)).padStart(18, '0')}`;
      const connection = connections(key);
      const startedAt = performance.now();
      const reply = await connection.request(
        options.method,
        `/v1/kv/${key}`,
        options.method === 'PUT' ? body : null,
      );
      latencies.push(performance.now() - startedAt);
      if (reply.status >= 500 || reply.status === 429) failed += 1;
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: options.clients }, (_, index) => client(index)));
  const seconds = (performance.now() - startedAt) / 1_000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
  return {
    perSecond: latencies.length / seconds,
    operations: latencies.length,
    failed,
    p50Millis: at(0.5),
    p99Millis: at(0.99),
  };
}

async function connectionsFor(
  workers: WorkerUnderLoad[],
  options: LoadOptions,
  index: number,
): Promise<(key: string) => HttpConnection> {
  const { primaries } = options;
  if (primaries === null) {
    const worker = workers[index % workers.length];
    if (worker === undefined) throw new Error('no workers');
    const only = await HttpConnection.open(worker.url);
    return () => only;
  }
  const byId = new Map<string, HttpConnection>();
  for (const { id, url } of workers) byId.set(id, await HttpConnection.open(url));
  return (key) => {
    const owner = primaries[partitionOf(Buffer.from(key), primaries.length)] ?? '';
    const connection = byId.get(owner);
    if (connection === undefined) throw new Error(`no connection to ${owner}`);
    return connection;
  };
}
