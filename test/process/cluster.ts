/**
 * A real cluster for a test: the launcher, a controller and workers as processes of their own, on a folder
 * and ports of their own. Whatever a test leaves behind is killed and removed.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './free-ports.js';
import type { SmallDisks } from './small-disks.js';

export interface WorkerStatus {
  id: string;
  url: string;
  /** Null while the controller has no stream to it. */
  pid: number | null;
  state: string;
  primaries: number;
  diskFull: boolean;
}

export interface ClusterState {
  ringVersion: number;
  phase: string;
  workers: WorkerStatus[];
  partitions: {
    total: number;
    fullyReplicated: number;
    underReplicated: number;
    withoutQuorum: number;
    moving: number;
  };
}

export interface Placement {
  partition: number;
  primary: string;
  voters: { id: string }[];
}

/** The controller, its workers from the next port on, and their peer ports from 100 after. */
const portsUsed = 120;
const launcher = path.resolve(import.meta.dirname, '../../launcher/main.js');

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Polls until `attempt` gives something; what it throws meanwhile is told if it never does. */
export async function eventually<T>(
  what: string | (() => string),
  attempt: () => Promise<T | undefined>,
  withinMs = 60_000,
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < giveUpAt) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  const text = typeof what === 'string' ? what : what();
  throw new Error(`${text}: not within ${withinMs} ms`, { cause: last });
}

function connectedPid({ id, pid }: WorkerStatus): number {
  if (pid === null) throw new Error(`${id} is not connected`);
  return pid;
}

export class ProcessCluster {
  private launcherProcess: ChildProcess | null = null;
  output = '';

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly options: string[],
    private readonly disks: SmallDisks | null,
  ) {}

  static async start(options: string[] = [], disks: SmallDisks | null = null): Promise<ProcessCluster> {
    const port = await freePorts(portsUsed);
    const folder = await mkdtemp(path.join(tmpdir(), 'kvorum-process-'));
    const cluster = new ProcessCluster(folder, port, options, disks);
    await cluster.launch();
    return cluster;
  }

  get controller(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  workerUrl(index: number): string {
    return `http://127.0.0.1:${this.port + 1 + index}`;
  }

  async launch(): Promise<void> {
    const settings = ['--port', String(this.port), '--data-dir', this.folder, ...this.options];
    const command = [process.execPath, launcher, ...settings];
    const [program = '', ...args] = this.disks?.wrap(this.folder, command) ?? command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.disks?.startedAs(child.pid ?? 0);
    const note = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    this.launcherProcess = child;
    const ended = new Promise<never>((_, reject) => {
      child.once('exit', (code) => reject(new Error(`the launcher ended with code ${code}\n${this.output}`)));
    });
    await Promise.race([this.fullyReplicated(), ended]);
  }

  async status(): Promise<ClusterState> {
    const reply = await fetch(`${this.controller}/v1/status`, { signal: AbortSignal.timeout(2_000) });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    return (await reply.json()) as ClusterState;
  }

  fullyReplicated(withinMs = 240_000): Promise<ClusterState> {
    return eventually(
      () => `fully replicated\n${this.output}`,
      async () => {
        const status = await this.status();
        const { total, fullyReplicated } = status.partitions;
        return total > 0 && fullyReplicated === total ? status : undefined;
      },
      withinMs,
    );
  }

  /** @throws Error while the controller has no stream to it */
  async pidOf(worker: string): Promise<number> {
    const found = (await this.status()).workers.find(({ id }) => id === worker);
    if (found === undefined) throw new Error(`no worker ${worker}`);
    return connectedPid(found);
  }

  /** Of all workers. @throws Error while one is not connected */
  async pids(): Promise<number[]> {
    return (await this.status()).workers.map(connectedPid);
  }

  /** Connected again, as another process than the one that ended. */
  async backAfter(worker: string, ended: number): Promise<void> {
    await eventually(`${worker} is back`, async () =>
      (await this.pidOf(worker)) !== ended ? true : undefined,
    );
  }

  /** Where a key lives, asked of a worker that answers. */
  async explain(key: string, avoid = ''): Promise<Placement> {
    const { workers } = await this.status();
    for (const worker of workers.filter(({ id }) => id !== avoid)) {
      try {
        const reply = await fetch(`${worker.url}/v1/explain/${key}`, { signal: AbortSignal.timeout(2_000) });
        if (!reply.ok) continue;
        const answer = (await reply.json()) as Omit<Placement, 'primary'> & {
          primary: string | { id: string };
        };
        const { primary } = answer;
        return { ...answer, primary: typeof primary === 'string' ? primary : primary.id };
      } catch {
        // The next one.
      }
    }
    throw new Error('no worker explains the key');
  }

  /** kill -9 of the launcher and everything it started, at once. */
  async killAll(): Promise<void> {
    const pids = [this.launcherProcess?.pid ?? 0, ...(await childrenOf(this.launcherProcess?.pid ?? 0))];
    for (const pid of pids) if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL');
    await eventually('all processes gone', () => Promise.resolve(pids.some(isRunning) ? undefined : true));
  }

  async controllerPid(): Promise<number> {
    for (const pid of await childrenOf(this.launcherProcess?.pid ?? 0)) {
      if ((await commandLine(pid)).includes('operator/main.js')) return pid;
    }
    throw new Error('no controller process');
  }

  async stop(): Promise<void> {
    await this.killAll().catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Ctrl-C. */
  async interrupt(): Promise<number | null> {
    const child = this.launcherProcess;
    if (child === null) throw new Error('not started');
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    return ended;
  }
}

async function commandLine(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
}

function isRunning(pid: number): boolean {
  return pid > 0 && isAlive(pid);
}

async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = await readFile(`/proc/${name}/stat`, 'utf8');
      const parent = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === pid) children.push(Number(name), ...(await childrenOf(Number(name))));
    } catch {
      // Ended meanwhile.
    }
  }
  return children;
}
