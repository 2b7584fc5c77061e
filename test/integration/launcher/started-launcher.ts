/** `npm start` as a process of its own, without npm, on ports that nobody else uses. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';

const program = path.resolve(import.meta.dirname, '../../../launcher/main.js');
const host = '127.0.0.1';

export interface StatusOfCluster {
  ringVersion: number;
  workers: { id: string; url: string; pid: number | null; state: string }[];
  partitions: { total: number; fullyReplicated: number; withoutQuorum: number };
  controller?: { pid: number };
}

export async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'kvorum-launcher-'));
}

export class StartedLauncher {
  output = '';
  errors = '';
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;
  /** Once it has ended, its ports may be somebody else's: who started what is then known from before. */
  private known: number[] = [];

  constructor(
    readonly port: number,
    readonly folder: string,
    options: string[] = [],
    environment: Record<string, string> = {},
  ) {
    const place = ['--port', String(port), '--peer-port', String(port + 20), '--data-dir', folder];
    this.child = spawn(process.execPath, [program, ...place, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.child.stdout?.on('data', (chunk) => (this.output += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.errors += String(chunk)));
    this.exited = new Promise((resolve) => this.child.on('close', (code) => resolve(code)));
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  url(worker: number): string {
    return `http://${host}:${this.port + worker}`;
  }

  /** As the controller sees it; null if it does not answer. */
  async status(worker = 0): Promise<StatusOfCluster | null> {
    try {
      const response = await fetch(`${this.url(worker)}/v1/status`);
      return (await response.json()) as StatusOfCluster;
    } catch {
      return null;
    }
  }

  async untilFullyReplicated(): Promise<StatusOfCluster> {
    const found: StatusOfCluster[] = [];
    await until('full replication', async () => {
      const status = await this.status();
      if (status !== null) found.push(status);
      const { total = 0, fullyReplicated } = status?.partitions ?? {};
      return total > 0 && fullyReplicated === total;
    });
    const last = found.at(-1);
    if (last === undefined) throw new Error('no status');
    return last;
  }

  async pids(): Promise<number[]> {
    const status = await this.status();
    const pids = [status?.controller?.pid, ...(status?.workers ?? []).map(({ pid }) => pid)];
    this.known = pids.filter((pid) => typeof pid === 'number');
    return this.known;
  }

  /** Whatever is left, at the end of a test. */
  async end(): Promise<void> {
    const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
    const pids = hasEnded ? this.known : await this.pids();
    this.signal('SIGKILL');
    await this.exited;
    await until('the end of all processes', () => !pids.some(isRunning));
  }
}
