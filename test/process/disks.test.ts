/** All processes die at once; folders vanish or come back older than they were. */
import { cp, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { eventually, ProcessCluster, sleep } from './cluster.js';
import { Recorder } from './recorder.js';

const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
const rounds = Number(process.env.KVORUM_TEST_KILL_ROUNDS ?? 4);
jest.setTimeout(600_000);
let cluster: ProcessCluster | null = null;

afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

function urlsOf(running: ProcessCluster): string[] {
  return [0, 1, 2, 3].map((index) => running.workerUrl(index));
}

function folderOf(running: ProcessCluster, worker: string): string {
  const name = readdirSync(running.folder).find((entry) => entry === worker || entry.endsWith(worker));
  if (name === undefined) throw new Error(`no folder of ${worker} in ${running.folder}`);
  return path.join(running.folder, name);
}

async function writeFor(recorder: Recorder, urls: string[], ms: number): Promise<void> {
  const until = Date.now() + ms;
  const stop = () => Date.now() >= until;
  await Promise.all(Array.from({ length: 8 }, () => recorder.clientLoop(urls, keys, stop)));
}

/**
 * Everything acknowledged so far must be what the keys show now: the judge sees these reads after all writes.
 */
async function readAll(recorder: Recorder, urls: string[]): Promise<void> {
  for (const key of keys) for (const url of urls) await recorder.get(url, key);
  expect(judgeVersions(recorder.history)).toBeUndefined();
}

describe('a cluster of processes', () => {
  it('explains a key through any worker as its primary sees it', async () => {
    cluster = await ProcessCluster.start();
    for (const url of urlsOf(cluster)) {
      const seen = await eventually('the view of the primary', async () => {
        const view = (await (await fetch(`${url}/v1/explain/key-0`)).json()) as {
          primary: string;
          seenBy: string;
          voters: { lag: number | null }[];
        };
        return view.seenBy === view.primary ? view : undefined;
      });
      expect(seen.voters.map(({ lag }) => lag)).toEqual([0, 0, 0]);
    }
  });

  it(`has every acknowledged write after kill -9 of all processes under load, ${rounds} times`, async () => {
    cluster = await ProcessCluster.start();
    const running = cluster;
    const recorder = new Recorder((await running.status()).partitions.total);
    for (let round = 0; round < rounds; round += 1) {
      const load = writeFor(recorder, urlsOf(running), 3_000);
      await sleep(1_500);
      await running.killAll();
      await load;
      await running.launch();
      await readAll(recorder, urlsOf(running));
    }
    expect(recorder.history.filter(({ result }) => result.type === 'applied').length).toBeGreaterThan(
      50 * rounds,
    );
  });

  it('refills a worker whose folder was deleted', async () => {
    cluster = await ProcessCluster.start(['--restart-delay', '1000']);
    const running = cluster;
    const recorder = new Recorder((await running.status()).partitions.total);
    await writeFor(recorder, urlsOf(running), 1_500);
    const { primary } = await running.explain('key-0');
    const pid = await running.pidOf(primary);
    process.kill(pid, 'SIGKILL');
    await rm(folderOf(running, primary), { recursive: true });
    await running.backAfter(primary, pid);
    await running.fullyReplicated();
    await readAll(recorder, urlsOf(running));
  });

  it('never counts a worker whose folder was replaced by an older copy as having what it lost', async () => {
    cluster = await ProcessCluster.start(['--restart-delay', '4000']);
    const running = cluster;
    const recorder = new Recorder((await running.status()).partitions.total);
    await writeFor(recorder, urlsOf(running), 1_000);
    const { primary } = await running.explain('key-0');
    const folder = folderOf(running, primary);
    const copy = `${running.folder}-older`;
    const first = await running.pidOf(primary);
    process.kill(first, 'SIGKILL');
    await cp(folder, copy, { recursive: true });
    await running.backAfter(primary, first);
    await running.fullyReplicated();
    await writeFor(recorder, urlsOf(running), 1_500);
    const second = await running.pidOf(primary);
    process.kill(second, 'SIGKILL');
    await rm(folder, { recursive: true });
    await cp(copy, folder, { recursive: true });
    await rm(copy, { recursive: true });
    await eventually('the older files are put aside', () =>
      Promise.resolve(readdirSync(folder).some((name) => name.includes('disowned')) ? true : undefined),
    );
    await running.backAfter(primary, second);
    await running.fullyReplicated();
    await readAll(recorder, urlsOf(running));
    const { workers } = await running.status();
    expect(workers.find(({ id }) => id === primary)).toMatchObject({ bootCount: 1 });
  });
});
