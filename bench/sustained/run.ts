/**
 * Sustained load: all keys are written once; then random writes over them for minutes, seen in windows, with
 * what the files and the processes have grown to. A run may lose a worker with its disk half-way, to see what
 * its refilling costs the clients of the others.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { LatencyHistogram } from '../load/latency-histogram.js';
import { openConnections, preload } from '../load/closed-loop.js';
import { Keyspace } from '../load/keyspace.js';
import { anyWorker, readStatus, startLauncher, whenReplicated } from '../systems/kvorum.js';
import type { KvorumStatus } from '../systems/kvorum.js';
import type { ProcessGroup } from '../systems/process-group.js';
import type { Door } from '../systems/system.js';
import type { Connection } from '../wire/connection.js';

export interface SustainedOptions {
  seconds: number;
  clients: number;
  keys: number;
  valueBytes: number;
  /** Half-way, kill one worker and remove its disk. */
  refill: boolean;
  folder: string;
  port: number;
  say: (line: string) => void;
}

export interface Window {
  /** Since the load began, at the end of the window. */
  atSeconds: number;
  seconds: number;
  operations: number;
  failed: number;
  perSecond: number;
  p50Millis: number;
  p99Millis: number;
  p999Millis: number;
  serverCpuMicros: number;
  /** All workers together; the write-ahead log is the largest of all. */
  logMegabytes: number;
  tableMegabytes: number;
  walMegabytes: number;
  residentMegabytes: number;
  /** A worker is away, or replicas of it are being filled. */
  refilling: boolean;
}

/** Before the load: writes per second of the first and of the last tenth of the keys. */
export interface Filling {
  seconds: number;
  firstPerSecond: number;
  lastPerSecond: number;
}

export interface Sustained {
  filling: Filling;
  windows: Window[];
  sampleCompared: number;
  /** Over the whole run, warm-up left out. */
  p999Millis: number;
}

const windowSeconds = 5;
const sampleSize = 1_000;

export async function sustain(options: SustainedOptions): Promise<Sustained> {
  const data = path.join(options.folder, 'data');
  const processes = startLauncher(data, options.port, []);
  try {
    const status = await whenReplicated(processes, options.port);
    return await new Load(options, processes, data, status).run();
  } finally {
    await processes.stop();
  }
}

class Load {
  private readonly keyspace: Keyspace;
  private readonly windows: Window[] = [];
  private readonly overall = new LatencyHistogram();
  private current = new LatencyHistogram();
  private failed = 0;
  private ended = false;
  private refilling = false;

  constructor(
    private readonly options: SustainedOptions,
    private readonly processes: ProcessGroup,
    private readonly data: string,
    private readonly status: KvorumStatus,
  ) {
    this.keyspace = new Keyspace(options.keys, options.valueBytes);
  }

  async run(): Promise<Sustained> {
    const workers = this.status.workers.map(({ id, url }) => ({ id, url: new URL(url) }));
    // The last worker is the one that may be lost: nobody is connected to it, others pass requests on to it.
    const door = anyWorker(this.options.refill ? workers.slice(0, -1) : workers);
    const filling = await this.fill(door);
    const connections = await openConnections(door, this.options.clients);
    const clients = Promise.all(connections.map((connection, client) => this.client(connection, client)));
    await this.watch();
    this.ended = true;
    await clients;
    const reader = await door.connect(1);
    const sampleCompared = await this.keyspace.checkSample(reader, sampleSize);
    for (const connection of [...connections, reader]) connection.close();
    const p999Millis = this.overall.quantileMillis(0.999);
    return { filling, windows: this.windows, sampleCompared, p999Millis };
  }

  /** The tables have the size that they keep before anything is measured. */
  private async fill(door: Door): Promise<Filling> {
    const { keyspace, options } = this;
    const tenth = keyspace.keys / 10;
    const tenthsAt = [performance.now()];
    await preload(door, keyspace, options.clients, (written) => {
      if (written < tenth * tenthsAt.length) return;
      tenthsAt.push(performance.now());
      options.say(`${written} of ${keyspace.keys} keys are there`);
    });
    const secondsOf = (nth: number) => ((tenthsAt[nth] ?? NaN) - (tenthsAt[nth - 1] ?? NaN)) / 1_000;
    return {
      seconds: ((tenthsAt.at(-1) ?? NaN) - (tenthsAt[0] ?? NaN)) / 1_000,
      firstPerSecond: tenth / secondsOf(1),
      lastPerSecond: tenth / secondsOf(10),
    };
  }

  private async client(connection: Connection, client: number): Promise<void> {
    const { keyspace, options } = this;
    const value = keyspace.newValue();
    while (!this.ended) {
      const startedAt = performance.now();
      try {
        await keyspace.write(connection, keyspace.randomOwnKey(client, options.clients), value);
        this.current.add(performance.now() - startedAt);
      } catch {
        this.failed += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  private async watch(): Promise<void> {
    const startedAt = performance.now();
    const { seconds, refill } = this.options;
    for (let at = startedAt, cpu = this.processes.cpuMicros(); at - startedAt < seconds * 1_000;) {
      await new Promise((resolve) => setTimeout(resolve, windowSeconds * 1_000));
      const [now, cpuNow] = [performance.now(), this.processes.cpuMicros()];
      await this.look({
        atSeconds: (now - startedAt) / 1_000,
        seconds: (now - at) / 1_000,
        cpuMicros: cpuNow - cpu,
      });
      [at, cpu] = [now, cpuNow];
      const isHalfWay = now - startedAt >= seconds * 500;
      if (refill && isHalfWay && !this.windows.some(({ refilling }) => refilling) && !this.refilling)
        this.loseWorker();
    }
  }

  private async look(span: { atSeconds: number; seconds: number; cpuMicros: number }): Promise<void> {
    const { current, failed } = this;
    this.current = new LatencyHistogram();
    this.failed = 0;
    if (span.atSeconds > warmUpSeconds(this.options.seconds)) this.overall.addAll(current);
    const window: Window = {
      ...{ atSeconds: span.atSeconds, seconds: span.seconds, operations: current.count, failed },
      perSecond: current.count / span.seconds,
      p50Millis: current.quantileMillis(0.5),
      p99Millis: current.quantileMillis(0.99),
      p999Millis: current.quantileMillis(0.999),
      serverCpuMicros: span.cpuMicros / Math.max(1, current.count),
      ...fileSizes(this.data),
      residentMegabytes: this.processes.residentBytes() / 1_000_000,
      refilling: this.refilling,
    };
    this.windows.push(window);
    this.options.say(lineOf(window));
    if (this.refilling) this.refilling = !(await this.isWhole());
  }

  private async isWhole(): Promise<boolean> {
    const status = await readStatus(this.options.port).catch(() => null);
    if (status === null) return false;
    const last = this.status.workers.at(-1);
    const isBack = status.workers.some(({ id, pid }) => id === last?.id && pid !== last.pid);
    return isBack && status.partitions.fullyReplicated === status.partitions.total;
  }

  /** The launcher starts it again after five seconds, with an empty disk. */
  private loseWorker(): void {
    const last = this.status.workers.at(-1);
    if (last === undefined) return;
    this.options.say(`kill -9 of ${last.id}, and its disk is emptied`);
    process.kill(last.pid, 'SIGKILL');
    rmSync(path.join(this.data, last.id), { recursive: true, force: true });
    this.refilling = true;
  }
}

/** Of the whole: compilers and caches become warm. */
export function warmUpSeconds(seconds: number): number {
  return Math.min(60, seconds / 5);
}

function fileSizes(data: string): Pick<Window, 'logMegabytes' | 'tableMegabytes' | 'walMegabytes'> {
  const sizes = { log: 0, table: 0, wal: 0 };
  for (const worker of readdirSync(data).filter((name) => name.startsWith('worker-'))) {
    for (const file of readdirSync(path.join(data, worker))) {
      const bytes = statSync(path.join(data, worker, file), { throwIfNoEntry: false })?.size ?? 0;
      if (file.endsWith('-wal')) sizes.wal = Math.max(sizes.wal, bytes);
      else if (file.startsWith('log')) sizes.log += bytes;
      else if (file.startsWith('table')) sizes.table += bytes;
    }
  }
  const [logMegabytes, tableMegabytes, walMegabytes] = [sizes.log / 1e6, sizes.table / 1e6, sizes.wal / 1e6];
  return { logMegabytes, tableMegabytes, walMegabytes };
}

function lineOf(window: Window): string {
  const { atSeconds, perSecond, serverCpuMicros, p50Millis, p99Millis, p999Millis } = window;
  const { logMegabytes, walMegabytes, residentMegabytes } = window;
  const failed = window.failed === 0 ? '' : `, ${window.failed} failed`;
  return [
    `${atSeconds.toFixed(0).padStart(5)} s  ${perSecond.toFixed(0).padStart(6)}/s`,
    `${serverCpuMicros.toFixed(0)} µs/op  p50 ${p50Millis.toFixed(1)} ms, p99 ${p99Millis.toFixed(1)} ms, p99.9 ${p999Millis.toFixed(1)} ms`,
    `log ${logMegabytes.toFixed(0)} MB, WAL ${walMegabytes.toFixed(0)} MB, memory ${residentMegabytes.toFixed(0)} MB`,
    `${window.refilling ? 'refilling' : ''}${failed}`,
  ].join('  ');
}
