/**
 * `npm run profile`: one kind of load on a cluster of real processes, and where the workers' processor time
 * goes, per operation: by thread from the kernel's books, by part of the program and by function from V8's
 * profiler. With `--clients 0`: what an idle cluster does, per second.
 */
import { Command } from 'commander';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startCluster } from '../cluster-under-load.js';
import type { ClusterUnderLoad } from '../cluster-under-load.js';
import { runLoad } from '../load.js';
import type { LoadOptions } from '../load.js';
import { summarize } from './profile-summary.js';
import type { Share } from './profile-summary.js';
import { difference, threadTimes } from './thread-times.js';

const program = new Command('npm run profile --')
  .description('Shows where the workers’ processor time goes, per operation.')
  .option('--method <method>', 'PUT or GET', 'PUT')
  .option('--clients <n>', 'number of clients; 0 profiles an idle cluster', '64')
  .option('--seconds <n>', 'how long to look', '5')
  .option('--settle <n>', 'seconds of the same load before that: code that was never run is slow', '10')
  .option('--keys <n>', 'number of different keys', '100000')
  .option('--value-bytes <n>', 'size of a value', '256')
  .option('--top <n>', 'lines of each table', '16')
  .option('--keep <folder>', 'keep V8’s profiles there, for Chrome’s developer tools')
  .option('--port <n>', 'first port of the cluster under load', '17500')
  .parse();

interface Options {
  method: 'PUT' | 'GET';
  clients: string;
  seconds: string;
  settle: string;
  keys: string;
  valueBytes: string;
  top: string;
  keep?: string;
  port: string;
}
const options = program.opts<Options>();
const top = Number(options.top);
const seconds = Number(options.seconds);
/** For the profilers to start, and for the profiles to be written. */
const profilerMs = 3_000;

const folder = path.resolve(options.keep ?? mkdtempSync(path.join(tmpdir(), 'kvorum-profile-')));
// Every thread writes there as it starts, and would end if there were no such folder.
mkdirSync(folder, { recursive: true });
const recorder = pathToFileURL(path.join(import.meta.dirname, 'recorder.js')).href;
const cluster = await startCluster(Number(options.port), {
  NODE_OPTIONS: `--import=${recorder}`,
  PROFILE_FOLDER: folder,
});
try {
  await measure(cluster);
} finally {
  await cluster.stop();
  if (options.keep === undefined) rmSync(folder, { recursive: true, force: true });
}

async function measure({ workers, controllerPid }: ClusterUnderLoad): Promise<void> {
  const idle = Number(options.clients) === 0;
  const pids = workers.map(({ pid }) => pid);
  if (idle) pids.push(controllerPid);
  const load = async (forSeconds: number) => {
    if (!idle) return (await runLoad(workers, loadOptions(forSeconds))).operations;
    await pause(forSeconds * 1_000);
    return forSeconds;
  };
  // Something to read; and code that has been compiled.
  if (options.method === 'GET')
    await runLoad(workers, { ...loadOptions(Number(options.settle)), method: 'PUT' });
  await load(Number(options.settle));
  // First without the profilers, which cost time themselves.
  const before = threadTimes(folder, pids);
  const operations = await load(seconds);
  const spent = difference(before, threadTimes(folder, pids));
  signal(pids);
  await pause(profilerMs);
  const profiled = await load(seconds);
  signal(pids);
  await pause(profilerMs);
  const unit = idle ? 'a second' : 'an operation';
  console.log(
    `${options.method}, ${options.clients} clients, ${operations} ${idle ? 'seconds' : 'operations'}`,
  );
  console.log(`\nprocessor time by thread, µs ${unit}`);
  const shares = [...spent].map(([name, { userAndSystem, threads }]) => ({
    name: `${name} (${threads})`,
    micros: userAndSystem,
  }));
  shares.push({ name: 'all', micros: shares.reduce((sum, { micros }) => sum + micros, 0) });
  print(shares, operations, shares.length);
  for (const thread of spent.keys()) {
    if (thread === 'others') continue;
    const { busyMicros, parts, functions } = summarize(folder, thread);
    console.log(`\n${thread}: ${(busyMicros / profiled).toFixed(1)} µs ${unit} as the profiler sees it`);
    print(parts, profiled, top);
    console.log('  of these');
    print(functions, profiled, top);
  }
}

function loadOptions(forSeconds: number): LoadOptions {
  return {
    method: options.method,
    clients: Number(options.clients),
    seconds: forSeconds,
    keys: Number(options.keys),
    valueBytes: Number(options.valueBytes),
    primaries: null,
  };
}

function print(shares: readonly Share[], operations: number, lines: number): void {
  for (const { name, micros } of shares.slice(0, lines)) {
    console.log(`${(micros / Math.max(1, operations)).toFixed(2).padStart(10)}  ${name}`);
  }
}

function signal(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, 'SIGUSR2');
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
