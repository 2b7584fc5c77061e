/**
 * A cluster of its own for a measurement: real processes started by the launcher on a folder that is removed
 * afterwards.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface WorkerUnderLoad {
  id: string;
  url: URL;
  pid: number;
}

export interface ClusterUnderLoad {
  workers: WorkerUnderLoad[];
  controller: URL;
  controllerPid: number;
  /** Processor time of all workers so far, in microseconds. */
  cpuMicros(): Promise<number>;
  stop(): Promise<void>;
  /** All workers at once, then the rest. */
  kill(): Promise<void>;
}

interface Status {
  controller: { pid: number };
  workers: { id: string; url: string; pid: number }[];
  partitions: { total: number; fullyReplicated: number };
}

const launcher = path.resolve(import.meta.dirname, '../launcher/main.js');

/** `environment` is added to that of every process. A folder that is given is kept. */
export async function startCluster(
  port: number,
  environment: Record<string, string> = {},
  keptFolder: string | null = null,
): Promise<ClusterUnderLoad> {
  const folder = keptFolder ?? (await mkdtemp(path.join(tmpdir(), 'kvorum-bench-')));
  const args = [launcher, '--port', String(port), '--data-dir', folder];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const controller = new URL(`http://127.0.0.1:${port}`);
  const status = await ready(controller, child);
  const workers = status.workers.map(({ id, url, pid }) => ({ id, url: new URL(url), pid }));
  return {
    workers,
    controller,
    controllerPid: status.controller.pid,
    cpuMicros: () => cpuMicros(workers.map(({ pid }) => pid)),
    async stop() {
      await end(child, 'SIGINT');
      if (keptFolder === null) await rm(folder, { recursive: true, force: true });
    },
    async kill() {
      for (const { pid } of workers) process.kill(pid, 'SIGKILL');
      process.kill(status.controller.pid, 'SIGKILL');
      await end(child, 'SIGKILL');
    },
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function ready(controller: URL, child: ChildProcess): Promise<Status> {
  const giveUpAt = Date.now() + 120_000;
  while (Date.now() < giveUpAt && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    try {
      const reply = await fetch(new URL('/v1/status', controller));
      const status = (await reply.json()) as Status;
      const { fullyReplicated, total } = status.partitions;
      if (reply.ok && total > 0 && fullyReplicated === total) return status;
    } catch {
      // Not listening yet.
    }
  }
  child.kill('SIGKILL');
  throw new Error('the cluster did not become ready within two minutes');
}

/** From /proc: user and system time, in clock ticks of 10 ms. */
async function cpuMicros(pids: number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * 10_000;
}
