/**
 * Workers whose disks fill up: a write that cannot be stored is refused as 507, reads go on, and all goes on
 * by itself when there is room again. The processes are real and so is their lack of room.
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { eventually, ProcessCluster, sleep } from './cluster.js';
import { Recorder } from './recorder.js';
import { SmallDisks } from './small-disks.js';

const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
const workers = ['worker-1', 'worker-2', 'worker-3'];
const diskBytes = 96 * 1024 * 1024;
const valueBytes = 16 * 1024;
jest.setTimeout(600_000);
let cluster: ProcessCluster | null = null;

afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

interface Scene {
  running: ProcessCluster;
  recorder: Recorder;
  disks: SmallDisks;
  urls: string[];
}

async function start(): Promise<Scene> {
  const disks = new SmallDisks(workers, diskBytes);
  const options = ['--workers', '3', '--partitions', '16', '--no-restart'];
  cluster = await ProcessCluster.start(options, disks);
  const recorder = new Recorder((await cluster.status()).partitions.total, 'x'.repeat(valueBytes));
  const urls = workers.map((_, index) => cluster?.workerUrl(index) ?? '');
  return { running: cluster, recorder, disks, urls };
}

/** Clients write and read while `act` runs; then the judge looks at all that they and it saw. */
async function underLoad({ recorder, urls }: Scene, act: () => Promise<void>): Promise<void> {
  let stopped = false;
  const clients = Array.from({ length: 4 }, () => recorder.clientLoop(urls, keys, () => stopped));
  try {
    await sleep(1_000);
    await act();
    await sleep(1_000);
  } finally {
    stopped = true;
    await Promise.all(clients);
  }
  expect(judgeVersions(recorder.history)).toBeUndefined();
}

async function putStatuses({ recorder, urls }: Scene): Promise<number[]> {
  const puts = keys.map((key, index) => recorder.put(urls[index % urls.length] ?? '', key));
  return (await Promise.all(puts)).map(({ status }) => status);
}

/** A client that keeps writing; resolves when every write of a round gets one of these answers. */
async function everyPutAnswers(scene: Scene, what: string, wanted: number[]): Promise<void> {
  let seen: number[] = [];
  await eventually(
    () => `${what}: ${seen.join(' ')}`,
    async () => {
      seen = await putStatuses(scene);
      return seen.every((status) => wanted.includes(status)) || undefined;
    },
  );
}

async function readEverything({ recorder, urls }: Scene): Promise<void> {
  for (const key of keys) {
    for (const url of urls) {
      const { type } = await recorder.get(url, key);
      // All that a failing run leaves behind; clients that write fail meanwhile as well.
      const failed = recorder.failures.findLast(({ what }) => !what.startsWith('PUT'));
      const failure = type === 'failed' ? failed?.what : undefined;
      expect({ key, url, type, failure }).toMatchObject({ type: 'found' });
    }
  }
  expect(judgeVersions(recorder.history)).toBeUndefined();
}

describe('full disks of worker processes', () => {
  it('one: its worker hands its primaries over, and writes go on', async () => {
    const scene = await start();
    const { running, recorder, disks } = scene;
    await everyPutAnswers(scene, 'every key is written', [200, 201]);
    const before = await running.pids();
    const { primary } = await running.explain('key-0');
    let handedOverAt = Infinity;
    await underLoad(scene, async () => {
      disks.fill(primary);
      await eventually('the worker gives its primaries away', async () => {
        const full = (await running.status()).workers.find(({ id }) => id === primary);
        return (full?.diskFull === true && full.primaries === 0) || undefined;
      });
      handedOverAt = performance.now();
      await sleep(2_000);
      disks.makeRoom(primary);
      await eventually('the worker has room again', async () => {
        const full = (await running.status()).workers.find(({ id }) => id === primary);
        return full?.diskFull === false || undefined;
      });
    });
    // What was under way before may have become unknown, and is told so later.
    expect(recorder.failures.filter(({ invokedAt }) => invokedAt > handedOverAt)).toEqual([]);
    await running.fullyReplicated();
    await readEverything(scene);
    expect(await running.pids()).toEqual(before);
  });

  it('all: writes are refused as 507, reads go on, and writes go on when there is room again', async () => {
    const scene = await start();
    const { running, recorder, disks } = scene;
    await everyPutAnswers(scene, 'every key is written', [200, 201]);
    const before = await running.pids();
    await underLoad(scene, async () => {
      // A little less than the reserve, which is a twentieth of a small disk.
      for (const worker of workers) disks.fill(worker, diskBytes / 21);
      await everyPutAnswers(scene, 'every write is refused', [507]);
      for (const worker of workers) disks.fill(worker);
      for (let round = 0; round < 3; round += 1) await readEverything(scene);
      expect(await putStatuses(scene)).toEqual(keys.map(() => 507));
      for (const worker of workers) disks.makeRoom(worker);
      await everyPutAnswers(scene, 'every write is taken again', [200]);
    });
    await running.fullyReplicated();
    await readEverything(scene);
    expect(recorder.failures.filter(({ what }) => what === 'PUT 507').length).toBeGreaterThan(keys.length);
    expect(await running.pids()).toEqual(before);
  });

  it('all from one moment to the next: nothing acknowledged is lost, and all goes on by itself', async () => {
    const scene = await start();
    const { running, disks } = scene;
    await everyPutAnswers(scene, 'every key is written', [200, 201]);
    const before = await running.pids();
    await underLoad(scene, async () => {
      for (let round = 0; round < 2; round += 1) {
        for (const worker of workers) disks.fill(worker);
        await everyPutAnswers(scene, 'no write is taken', [503, 504, 507]);
        for (const worker of workers) disks.makeRoom(worker);
        await everyPutAnswers(scene, 'every write is taken again', [200]);
      }
    });
    await running.fullyReplicated();
    await readEverything(scene);
    expect(await running.pids()).toEqual(before);
  });
});
