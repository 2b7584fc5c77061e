/**
 * How often each process of a system syncs its files while a number of writes is made, one after another:
 * what shows that a reply means the same on both sides. strace counts; it slows the system down, so this is a
 * run of its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProcessGroup } from './process-group.js';

export interface FsyncCount {
  writes: number;
  /** Syncs per write of each process that made any, the busiest first. */
  perWrite: number[];
}

const traced = 'trace=fsync,fdatasync,sync_file_range,msync';

/** null where strace is missing or may not look. */
export async function countFsyncs(
  processes: ProcessGroup,
  writes: number,
  write: (index: number) => Promise<void>,
): Promise<FsyncCount | null> {
  if (spawnSync('strace', ['-V'], { stdio: 'ignore' }).status !== 0) return null;
  const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-fsyncs-'));
  try {
    const pids = processes.pids();
    const threads = new Map(pids.flatMap((pid) => threadsOf(pid).map((thread) => [thread, pid] as const)));
    const output = path.join(folder, 'trace');
    const tracer = spawn(
      'strace',
      ['-f', '-q', '-e', traced, '-o', output, ...pids.flatMap((pid) => ['-p', String(pid)])],
      {
        stdio: 'ignore',
      },
    );
    const ended = new Promise((resolve) => tracer.once('exit', resolve));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    if (tracer.exitCode !== null) return null;
    for (let index = 0; index < writes; index += 1) await write(index);
    // The third replica is not waited for, and its syncs belong to the writes as well.
    await new Promise((resolve) => setTimeout(resolve, 500));
    tracer.kill('SIGINT');
    await ended;
    return {
      writes,
      perWrite: perProcess(readFileSync(output, 'utf8'), threads).map((count) => count / writes),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls of each process, the most first. Lines are "thread call(…) = 0"; resumed halves are not calls. */
export function perProcess(trace: string, processOfThread: ReadonlyMap<number, number>): number[] {
  const counts = new Map<number, number>();
  for (const [, thread] of trace.matchAll(/^(\d+) +(?:fsync|fdatasync|sync_file_range|msync)\(/gm)) {
    const pid = processOfThread.get(Number(thread)) ?? Number(thread);
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  return [...counts.values()].sort((a, b) => b - a);
}

function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}
