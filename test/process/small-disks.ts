/**
 * Disks of a few megabytes for worker processes: each worker's folder is a memory file system of its own,
 * mounted in a mount namespace that only the cluster's processes live in. Nothing of it is seen outside, and
 * it goes with the last of them, however they end. The test reaches it through /proc.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';

const needed =
  'this test mounts small file systems in a namespace of its own: run it on Linux with `unshare` of util-linux, ' +
  'as root with CAP_SYS_ADMIN (docker run --privileged), or where users may make user namespaces';

/** How this machine lets a program have mounts of its own. Throws a sentence if it does not. */
function unshareOptions(): string[] {
  const ways = [
    ['--mount', '--propagation', 'private'],
    ['--user', '--map-root-user', '--mount', '--propagation', 'private'],
  ];
  const reasons: string[] = [];
  for (const options of ways) {
    try {
      const mount = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'];
      execFileSync('unshare', [...options, '--', ...mount], { stdio: 'pipe' });
      return options;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message.trim() : String(error));
    }
  }
  throw new Error(`${needed} (${reasons.join('; ')})`);
}

export class SmallDisks {
  private readonly options = unshareOptions();
  private pid = 0;
  private folder = '';

  constructor(
    readonly workers: string[],
    readonly bytesEach: number,
  ) {}

  /** The command that runs `command` with the disks in place: the process becomes `command` itself. */
  wrap(folder: string, command: string[]): string[] {
    this.folder = folder;
    const places = this.workers.map((worker) => path.join(folder, worker));
    for (const place of places) mkdirSync(place, { recursive: true });
    const script =
      'n=$1; size=$2; shift 2; while [ "$n" -gt 0 ]; do ' +
      'mount -t tmpfs -o "size=$size" tmpfs "$1" || exit 1; shift; n=$((n - 1)); done; exec "$@"';
    const mounting = ['sh', '-c', script, 'sh', String(places.length), String(this.bytesEach), ...places];
    return ['unshare', ...this.options, '--', ...mounting, ...command];
  }

  /** The process that lives where the disks are. */
  startedAs(pid: number): void {
    this.pid = pid;
  }

  private place(worker: string): string {
    return path.join(`/proc/${this.pid}/root`, this.folder, worker);
  }

  /** Takes all the room that is left but so much, in a race with whoever else writes there. */
  fill(worker: string, leaveBytes = 0): void {
    const place = this.place(worker);
    const { bsize, blocks } = statfsSync(place);
    if (blocks * bsize > this.bytesEach) throw new Error(`${worker} has no small disk`);
    const ballast = openSync(path.join(place, 'ballast'), 'a');
    const block = Buffer.alloc(64 * 1024);
    try {
      while (leaveBytes === 0 || this.freeBytes(worker) > leaveBytes) writeSync(ballast, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(ballast);
    }
  }

  private freeBytes(worker: string): number {
    const { bavail, bsize } = statfsSync(this.place(worker));
    return bavail * bsize;
  }

  makeRoom(worker: string): void {
    const ballast = path.join(this.place(worker), 'ballast');
    if (!existsSync(ballast)) throw new Error(`${worker} was not filled`);
    rmSync(ballast);
  }
}
