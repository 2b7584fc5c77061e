/**
 * The processes of one system: started, measured together with all their descendants from /proc, stopped
 * together.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const stopTimeoutMs = 30_000;
/** Generous: a machine may be busy with other things. */
const readyTimeoutMs = 240_000;
/** USER_HZ, which is 100 on every Linux that Node runs on: proc(5) counts processor time in these. */
const microsPerTick = 10_000;

/** However this program ends, nobody is left behind. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

interface ProcessFacts {
  pid: number;
  parent: number;
  ticks: number;
}

export class ProcessGroup {
  private readonly children: ChildProcess[] = [];
  private readonly logFiles: string[] = [];
  /** Of each process as it was seen last: those that have ended count on. */
  private readonly ticks = new Map<number, number>();

  /** `stopSignal`: SIGKILL for programs whose last words cost seconds and whose data is thrown away. */
  constructor(private readonly stopSignal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {}

  /** What it says goes to `logFile`, which is shown if it ends early. */
  start(program: string, programArguments: string[], logFile: string, env: NodeJS.ProcessEnv = {}): void {
    const log = openSync(logFile, 'a');
    const child = spawn(program, programArguments, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
      cwd: path.dirname(logFile),
    });
    closeSync(log);
    child.once('error', () => undefined);
    alive.add(child);
    child.once('exit', () => alive.delete(child));
    this.children.push(child);
    this.logFiles.push(logFile);
  }

  /** Asks until `isReady` says so; throws when a process ends or too much time has passed. */
  async whenReady(what: string, isReady: () => Promise<boolean>): Promise<void> {
    const giveUpAt = Date.now() + readyTimeoutMs;
    while (
      Date.now() < giveUpAt &&
      this.children.every(({ pid, exitCode }) => pid !== undefined && exitCode === null)
    ) {
      const ready = await isReady().catch(() => false);
      if (ready) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const said = this.logFiles.map((file) => readFileSync(file, 'utf8').slice(-2_000)).join('\n');
    await this.stop();
    throw new Error(`${what} did not become ready in time; it said:\n${said}`);
  }

  /** Of all processes that run, in the order in which they were started, then their descendants. */
  pids(): number[] {
    return this.facts().map(({ pid }) => pid);
  }

  /** Processor time so far, user and system, in microseconds; of one that ended, until the last look. */
  cpuMicros(): number {
    for (const { pid, ticks } of this.facts()) this.ticks.set(pid, ticks);
    let sum = 0;
    for (const ticks of this.ticks.values()) sum += ticks;
    return sum * microsPerTick;
  }

  /** What each process has in memory; pages they share count in each. */
  residentBytes(): number {
    return this.pids().reduce((sum, pid) => sum + readResidentBytes(pid), 0);
  }

  async stop(): Promise<void> {
    const ends = this.children.map((child) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
        return Promise.resolve();
      return new Promise<void>((resolve) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
        child.once('exit', () => {
          clearTimeout(timer);
          resolve();
        });
        child.kill(this.stopSignal);
      });
    });
    await Promise.all(ends);
  }

  private facts(): ProcessFacts[] {
    const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const known = new Map(
      all.map(readFacts).flatMap((facts) => (facts === null ? [] : [[facts.pid, facts]])),
    );
    const wanted = new Set(this.children.map(({ pid }) => pid ?? -1));
    // A parent may have a higher number than its child, hence until nothing is added.
    for (let before = -1; before !== wanted.size;) {
      before = wanted.size;
      for (const { pid, parent } of known.values()) if (wanted.has(parent)) wanted.add(pid);
    }
    return [...wanted].flatMap((pid) => known.get(pid) ?? []);
  }
}

/** proc(5), /proc/pid/stat; null if the process has ended meanwhile. */
function readFacts(name: string): ProcessFacts | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${name}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command, in parentheses, may hold spaces: counting begins behind it, with field 3.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (number: number) => fields[number - 3] ?? 0;
  return {
    pid: Number(name),
    parent: field(4),
    ticks: field(14) + field(15),
  };
}

function readResidentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}
