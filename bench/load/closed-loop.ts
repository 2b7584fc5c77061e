/** A closed loop of clients: each sends its next request when the last was answered. */
import { LatencyHistogram } from './latency-histogram.js';
import type { ProcessGroup } from '../systems/process-group.js';
import type { Door } from '../systems/system.js';
import type { Connection } from '../wire/connection.js';
import type { Keyspace } from './keyspace.js';

export interface Workload {
  /** Short and unique: put-256. */
  name: string;
  valueBytes: number;
  /** 0: writes alone; 1: reads alone. */
  readShare: number;
}

/** Of one measurement. Processor time is in microseconds per operation. */
export interface Figures {
  operations: number;
  perSecond: number;
  p50Millis: number;
  p99Millis: number;
  p999Millis: number;
  serverCpuMicros: number;
  generatorCpuMicros: number;
  /** Share of one core that the load generator took: near 1 it is what was measured. */
  generatorBusy: number;
  failed: number;
  firstFailure: string | null;
}

/** Not counted: the first requests on new connections. */
const settleSeconds = 0.2;
const preloadAttempts = 10;

export async function measure(
  processes: ProcessGroup,
  door: Door,
  keyspace: Keyspace,
  load: { readShare: number; clients: number; seconds: number },
): Promise<Figures> {
  const connections = await openConnections(door, load.clients);
  const run = new Run(keyspace, load);
  const clients = Promise.all(connections.map((connection, client) => run.client(connection, client)));
  await new Promise((resolve) => setTimeout(resolve, settleSeconds * 1_000));
  const serverBefore = processes.cpuMicros();
  const generatorBefore = process.cpuUsage();
  run.startCounting();
  await clients;
  const seconds = run.secondsCounted();
  const generator = process.cpuUsage(generatorBefore);
  const serverMicros = processes.cpuMicros() - serverBefore;
  for (const connection of connections) connection.close();
  return figuresOf(run, seconds, serverMicros, generator.user + generator.system);
}

export async function openConnections(door: Door, clients: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: clients }, (_, client) => door.connect(client)));
}

/**
 * Writes every key once, in an order that jumps about; a write that fails is tried again a few times.
 * `wrote` is told how many are there.
 */
export async function preload(
  door: Door,
  keyspace: Keyspace,
  clients: number,
  wrote: (count: number) => void = () => undefined,
): Promise<void> {
  const connections = await openConnections(door, clients);
  let next = 0;
  let written = 0;
  const writeNext = async (connection: Connection) => {
    const value = keyspace.newValue();
    while (next < keyspace.keys) {
      const index = keyspace.scattered(next);
      next += 1;
      await writeStubbornly(() => keyspace.write(connection, index, value));
      written += 1;
      wrote(written);
    }
  };
  await Promise.all(connections.map(writeNext));
  for (const connection of connections) connection.close();
}

async function writeStubbornly(write: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await write();
      return;
    } catch (error) {
      if (attempt === preloadAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

class Run {
  readonly latencies = new LatencyHistogram();
  failed = 0;
  firstFailure: string | null = null;
  private countFrom = Infinity;
  private endAt: number;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly load: { readShare: number; clients: number; seconds: number },
  ) {
    this.endAt = performance.now() + (settleSeconds + load.seconds) * 1_000;
  }

  startCounting(): void {
    this.countFrom = performance.now();
    this.endAt = this.countFrom + this.load.seconds * 1_000;
  }

  secondsCounted(): number {
    return (performance.now() - this.countFrom) / 1_000;
  }

  async client(connection: Connection, client: number): Promise<void> {
    const { keyspace } = this;
    const { readShare, clients } = this.load;
    const value = keyspace.newValue();
    let counted = 0;
    // On a machine that stands still for a moment, one operation of each client still counts.
    for (let startedAt = performance.now(); startedAt < this.endAt || counted === 0;) {
      try {
        if (readShare > 0 && Math.random() < readShare) await this.read(connection);
        else await keyspace.write(connection, keyspace.randomOwnKey(client, clients), value);
      } catch (error) {
        if (!this.mayGoOn(error)) return;
      }
      const now = performance.now();
      if (startedAt >= this.countFrom) {
        this.latencies.add(now - startedAt);
        counted += 1;
      }
      startedAt = now;
    }
  }

  private async read(connection: Connection): Promise<void> {
    const { keyspace } = this;
    const found = await connection.get(keyspace.key(keyspace.randomKey()));
    if (found?.length !== keyspace.valueBytes)
      throw new Error('a read found nothing, or a value of another size');
  }

  /** A system that fails each request at once must not be asked for ever. */
  private mayGoOn(error: unknown): boolean {
    this.failed += 1;
    this.firstFailure ??= error instanceof Error ? error.message : String(error);
    return this.failed < 1_000;
  }
}

function figuresOf(run: Run, seconds: number, serverMicros: number, generatorMicros: number): Figures {
  const operations = run.latencies.count;
  const each = Math.max(1, operations);
  return {
    operations,
    perSecond: operations / seconds,
    p50Millis: run.latencies.quantileMillis(0.5),
    p99Millis: run.latencies.quantileMillis(0.99),
    p999Millis: run.latencies.quantileMillis(0.999),
    serverCpuMicros: serverMicros / each,
    generatorCpuMicros: generatorMicros / each,
    generatorBusy: generatorMicros / (seconds * 1_000_000),
    failed: run.failed,
    firstFailure: run.firstFailure,
  };
}
