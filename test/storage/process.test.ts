import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { entryContent } from '../../core/protocol/entry.js';
import { bytesOf, textOf } from './entries.js';
import { newFolder, open, read, removeFolder } from './folder.js';
import { writtenPartitions, writtenValue } from './storage-program.js';

const program = fileURLToPath(new URL('./storage-program.js', import.meta.url));

/** Newest acknowledged position of each partition. */
type Acks = Map<number, number>;

/**
 * Starts the writer, kills it `killAfterMs` after its first acknowledgement (or after its start, if
 * negative).
 */
async function writeAndKill(folder: string, killAfterMs: number, acks: Acks): Promise<number> {
  const child = spawn(process.execPath, [program, 'write', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  if (killAfterMs < 0) setTimeout(kill, -killAfterMs);
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, partition, seq] = line.split(' ');
    if (word !== 'ack') continue;
    if (count === 0 && killAfterMs >= 0) setTimeout(kill, killAfterMs);
    count += 1;
    acks.set(Number(partition), Number(seq));
  }
  const [code, signal] = (await ended) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
  return count;
}

/** Everything acknowledged is there, in the table or in the log, and nothing else than what was written. */
async function expectAll(folder: string, acks: Acks): Promise<void> {
  const store = await open(folder);
  for (const partition of writtenPartitions) {
    const replica = store.recovered.replicas.find((one) => one.partition === partition);
    const acked = acks.get(partition) ?? 0;
    const lastSeq = replica?.lastSeq ?? 0;
    expect(lastSeq).toBeGreaterThanOrEqual(acked);
    const appliedSeq = replica?.appliedSeq ?? 0;
    for (let seq = 1; seq <= appliedSeq; seq += 1) {
      const row = store.table.get(partition, bytesOf(`${partition}/${seq}`));
      if (row === null || row === 'damaged') throw new Error(`${partition}/${seq} is ${row ?? 'gone'}`);
      expect(textOf(row.value)).toBe(writtenValue(partition, seq));
    }
    const tail = lastSeq > appliedSeq ? await read(store, partition, appliedSeq + 1) : [];
    expect(tail.map(({ seq }) => seq)).toEqual(tail.map((_, index) => appliedSeq + 1 + index));
    expect(appliedSeq + tail.length).toBe(lastSeq);
    for (const one of tail) expect(textOf(entryContent(one).value)).toBe(writtenValue(partition, one.seq));
  }
  await store.close();
}

/** Syncs of the log's write-ahead file between two marks of the program. */
function syncsBetween(trace: string, from: string, to: string): number {
  const lines = trace.split('\n');
  const start = lines.findIndex((line) => line.includes(`/mark-${from}`));
  const end = lines.findIndex((line) => line.includes(`/mark-${to}`));
  expect([start, end].every((at) => at >= 0)).toBe(true);
  return lines.slice(start, end).filter((line) => /f(data)?sync\(\d+<[^>]*log\.db-wal>/.test(line)).length;
}

function ensureStrace(): void {
  for (const folder of (process.env.PATH ?? '').split(':'))
    if (existsSync(path.join(folder, 'strace'))) return;
  try {
    execFileSync('apt-get', ['install', '-y', '-qq', 'strace'], { stdio: 'pipe' });
  } catch (error) {
    throw new Error('this test counts system calls: install strace', { cause: error });
  }
}

describe('a process that writes', () => {
  let folder: string;
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => removeFolder(folder));

  it('loses nothing that it acknowledged, killed a dozen times anywhere', async () => {
    const acks: Acks = new Map();
    let acknowledged = 0;
    for (const killAfterMs of [40, 5, 150, -120, 1, 300, -250, 20, 80, -400, 220, 60]) {
      acknowledged += await writeAndKill(folder, killAfterMs, acks);
      await expectAll(folder, acks);
    }
    expect(acknowledged).toBeGreaterThan(50);
  }, 180_000);

  it('ends when a file cannot be written, and finds all that it acknowledged afterwards', async () => {
    await (await open(folder)).close();
    // Writes beyond this many blocks of 512 bytes fail, as they would on a broken disk.
    const script = 'trap "" XFSZ; ulimit -f 600; exec "$0" "$@"';
    const command = ['-c', script, process.execPath, program, 'write', folder];
    const child = spawn('/bin/sh', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const acks: Acks = new Map();
    let failure = '';
    for await (const line of createInterface({ input: child.stdout })) {
      const [word, partition, seq] = line.split(' ');
      if (word === 'ack') acks.set(Number(partition), Number(seq));
      if (word === 'failed') failure = line;
    }
    expect((await ended)[0]).toBe(70);
    expect(failure).toContain('SQLITE_IOERR');
    expect(Math.max(...acks.values())).toBeGreaterThan(20);
    await expectAll(folder, acks);
  }, 60_000);

  it('syncs once for each commit, and once for all that wait', () => {
    ensureStrace();
    const trace = path.join(folder, 'trace');
    const data = path.join(folder, 'data');
    const calls = 'trace=fsync,fdatasync,access,faccessat,faccessat2,stat,statx,newfstatat';
    const command = ['-f', '-y', '-e', calls, '-o', trace, process.execPath, program, 'count', data];
    const output = execFileSync('strace', command).toString();
    const commits = new Map(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    const commitsBetween = (from: string, to: string) => Number(commits.get(to)) - Number(commits.get(from));
    const calledAtAll = readFileSync(trace, 'utf8');
    expect(commitsBetween('single', 'shared')).toBe(50);
    expect(syncsBetween(calledAtAll, 'single', 'shared')).toBe(50);
    expect(syncsBetween(calledAtAll, 'shared', 'end')).toBe(commitsBetween('shared', 'end'));
    // 640 writes of 64 clients.
    expect(commitsBetween('shared', 'end')).toBeLessThan(320);
  }, 120_000);
});
