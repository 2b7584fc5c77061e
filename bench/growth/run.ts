/**
 * How costs grow: planning with the number of workers, a failover with the number of partitions, a start and
 * memory with the number of keys, a write with the number of workers on the same cores.
 */
import path from 'node:path';
import { partitionOf } from '../../core/ring/hash.js';
import { planPlacement } from '../../core/ring/placement.js';
import { measure, preload } from '../load/closed-loop.js';
import { Keyspace } from '../load/keyspace.js';
import { anyWorker, readRing, startLauncher, whenReplicated } from '../systems/kvorum.js';
import type { KvorumStatus, Ring } from '../systems/kvorum.js';
import type { ProcessGroup } from '../systems/process-group.js';

export interface GrowthOptions {
  /** Keys to fill with, ascending. */
  rows: readonly number[];
  partitions: readonly number[];
  workers: readonly number[];
  folder: string;
  port: number;
  say: (line: string) => void;
  /** After each size that was started on, all so far: filling the next takes long and may be cut short. */
  measured: (growth: Growth) => void;
}

export interface Growth {
  planning: { workers: number; partitions: number; millis: number; afterLossMillis: number }[];
  failover: { partitions: number; moved: number; firstSeconds: number; lastSeconds: number }[];
  start: { rows: number; seconds: number; megabytes: number }[];
  workers: { workers: number; perSecond: number; serverCpuMicros: number }[];
}

const replicationFactor = 3;
const partitionsPerWorker = 16;
const planningWorkers = [10, 100, 300, 1_000];
const fillClients = 256;
const evenWithinMs = 300_000;
/** Of a worker's share of the primaries. */
const unevenMax = 1.1;
/** More workers on the same cores see less load each, and become fast later. */
const warmUpSeconds = 40;

export async function grow(options: GrowthOptions): Promise<Growth> {
  const planning = planningWorkers.map(timePlanning);
  for (const { workers, partitions, millis, afterLossMillis } of planning) {
    const times = `${millis.toFixed(0)} ms, after the loss of one ${afterLossMillis.toFixed(0)} ms`;
    options.say(`ring of ${workers} workers, ${partitions} partitions: planned in ${times}`);
  }
  const failover = [];
  for (const partitions of options.partitions) failover.push(await timeFailover(options, partitions));
  const workers = [];
  for (const count of options.workers) workers.push(await measureWorkers(options, count));
  const growth: Growth = { planning, failover, workers, start: [] };
  for (const rows of options.rows) {
    growth.start.push(await timeStart(options, rows));
    options.measured(growth);
  }
  return growth;
}

/** In processor time, which does not depend on what else runs here. */
export function timePlanning(workers: number): Growth['planning'][number] {
  const partitionCount = 2 ** Math.ceil(Math.log2(workers * partitionsPerWorker));
  const members = Array.from({ length: workers }, (_, index) => ({
    id: `worker-${index}`,
    zone: `zone-${index % 3}`,
  }));
  const plan = (count: number, current: readonly (readonly string[])[]) => {
    const before = process.cpuUsage();
    const request = { members: members.slice(0, count), partitionCount, replicationFactor, current };
    const placement = planPlacement(request);
    const { user, system } = process.cpuUsage(before);
    return { placement, millis: (user + system) / 1_000 };
  };
  const first = plan(workers, []);
  const current = first.placement.map(({ voters, primary }) => [
    primary,
    ...voters.filter((id) => id !== primary),
  ]);
  const { millis: afterLossMillis } = plan(workers - 1, current);
  return { workers, partitions: partitionCount, millis: first.millis, afterLossMillis };
}

/** Until a write to each of the partitions that lost their primary was acknowledged. */
async function timeFailover(options: GrowthOptions, partitions: number): Promise<Growth['failover'][number]> {
  const more = ['--partitions', String(partitions), '--no-restart'];
  return withCluster(options, `failover-${partitions}`, more, async (_, status) => {
    const records = await whenEven(options.port, status);
    const lost = mostPrimaries(status, records);
    const keys = keysOf(records.length).filter(
      (_key, partition) => records[partition]?.primary.id === lost.id,
    );
    const others = status.workers
      .filter(({ id }) => id !== lost.id)
      .map(({ id, url }) => ({ id, url: new URL(url) }));
    const door = anyWorker(others);
    const connections = await Promise.all(keys.map((_key, index) => door.connect(index)));
    process.kill(lost.pid, 'SIGKILL');
    const startedAt = performance.now();
    const times = await Promise.all(
      connections.map(async (connection, index) => {
        await writeUntilTaken(() => connection.put(keys[index] ?? '', Buffer.from('after')));
        connection.close();
        return (performance.now() - startedAt) / 1_000;
      }),
    );
    const [firstSeconds, lastSeconds] = [Math.min(...times), Math.max(...times)];
    options.say(
      `failover of ${keys.length} of ${partitions} partitions: first ${firstSeconds.toFixed(2)} s, last ${lastSeconds.toFixed(2)} s`,
    );
    return { partitions, moved: keys.length, firstSeconds, lastSeconds };
  });
}

/**
 * Primaries that came about otherwise than wished are moved a few at a time, which takes a while if they are
 * many.
 */
async function whenEven(port: number, status: KvorumStatus): Promise<Ring['partitions']> {
  const giveUpAt = performance.now() + evenWithinMs;
  for (;;) {
    const { partitions } = await readRing(port);
    const { id } = mostPrimaries(status, partitions);
    const most = partitions.filter(({ primary }) => primary.id === id).length;
    if (most <= unevenMax * (partitions.length / status.workers.length)) return partitions;
    if (performance.now() > giveUpAt)
      throw new Error(`${id} still has ${most} of ${partitions.length} primaries`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

function mostPrimaries(
  { workers }: KvorumStatus,
  records: Ring['partitions'],
): KvorumStatus['workers'][number] {
  const count = (id: string) => records.filter(({ primary }) => primary.id === id).length;
  const [most] = [...workers].sort((a, b) => count(b.id) - count(a.id));
  if (most === undefined) throw new Error('no workers');
  return most;
}

async function writeUntilTaken(write: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** One key for each partition. */
function keysOf(partitions: number): string[] {
  const keys: string[] = [];
  let found = 0;
  for (let number = 0; found < partitions; number += 1) {
    const key = `growth/${number}`;
    const partition = partitionOf(Buffer.from(key), partitions);
    if (keys[partition] !== undefined) continue;
    keys[partition] = key;
    found += 1;
  }
  return keys;
}

async function measureWorkers(options: GrowthOptions, count: number): Promise<Growth['workers'][number]> {
  const more = ['--workers', String(count)];
  return withCluster(options, `workers-${count}`, more, async (processes, status) => {
    const door = anyWorker(status.workers.map(({ id, url }) => ({ id, url: new URL(url) })));
    const keyspace = new Keyspace(20_000, 256);
    await preload(door, keyspace, fillClients);
    const load = { readShare: 0, clients: 64 };
    await measure(processes, door, keyspace, { ...load, seconds: warmUpSeconds });
    const { perSecond, serverCpuMicros } = await measure(processes, door, keyspace, { ...load, seconds: 4 });
    options.say(
      `${count} workers: ${perSecond.toFixed(0)} PUT/s at 64 clients, ${serverCpuMicros.toFixed(0)} µs of CPU each`,
    );
    return { workers: count, perSecond, serverCpuMicros };
  });
}

/** The same folder filled further each time, then started again. */
async function timeStart(options: GrowthOptions, rows: number): Promise<Growth['start'][number]> {
  await withCluster(options, 'start', [], async (_, status) => {
    const door = anyWorker(status.workers.map(({ id, url }) => ({ id, url: new URL(url) })));
    await preload(door, new Keyspace(rows, 256), fillClients);
  });
  const startedAt = performance.now();
  return withCluster(options, 'start', [], (processes) => {
    const seconds = (performance.now() - startedAt) / 1_000;
    const megabytes = processes.residentBytes() / 1_000_000;
    options.say(`${rows} keys: started in ${seconds.toFixed(1)} s, ${megabytes.toFixed(0)} MB of memory`);
    return Promise.resolve({ rows, seconds, megabytes });
  });
}

async function withCluster<T>(
  options: GrowthOptions,
  folder: string,
  more: string[],
  use: (processes: ProcessGroup, status: KvorumStatus) => Promise<T>,
): Promise<T> {
  const processes = startLauncher(path.join(options.folder, folder), options.port, more);
  try {
    return await use(processes, await whenReplicated(processes, options.port));
  } finally {
    await processes.stop();
  }
}
