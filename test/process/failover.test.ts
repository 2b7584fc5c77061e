/**
 * One process dies or stands still under load, the others go on: nothing acknowledged is lost, and histories
 * stay linearizable.
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { judgeVersions } from '../simulation/judges/version-witness.js';
import { eventually, ProcessCluster, sleep } from './cluster.js';
import { Recorder } from './recorder.js';

const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
const controllerAwaySeconds = Number(process.env.KVORUM_TEST_CONTROLLER_AWAY_SECONDS ?? 10);
jest.setTimeout(600_000);
let cluster: ProcessCluster | null = null;

afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

async function start(...options: string[]): Promise<{ running: ProcessCluster; recorder: Recorder }> {
  cluster = await ProcessCluster.start(options);
  const { partitions } = await cluster.status();
  return { running: cluster, recorder: new Recorder(partitions.total) };
}

function urlsOf(running: ProcessCluster): string[] {
  return [0, 1, 2, 3].map((index) => running.workerUrl(index));
}

/** Runs clients around `act`, and gives what they saw to the judge. */
async function underLoad(recorder: Recorder, urls: string[], act: () => Promise<void>): Promise<void> {
  let stopped = false;
  const clients = Array.from({ length: 8 }, () => recorder.clientLoop(urls, keys, () => stopped));
  try {
    await sleep(1_000);
    await act();
    await sleep(1_000);
  } finally {
    stopped = true;
    await Promise.all(clients);
  }
  expect(recorder.history.length).toBeGreaterThan(50);
  expect(judgeVersions(recorder.history)).toBeUndefined();
}

describe('a cluster of processes', () => {
  it('goes on and becomes fully replicated again without a primary that was killed', async () => {
    const { running, recorder } = await start('--no-restart', '--replacement-delay', '3000');
    const { primary } = await running.explain('key-0');
    const pid = await running.pidOf(primary);
    const others = (await running.status()).workers.filter(({ id }) => id !== primary).map(({ url }) => url);
    const applied = () =>
      recorder.history.filter(({ key, result }) => key === 'key-0' && result.type === 'applied');
    await underLoad(recorder, others, async () => {
      process.kill(pid, 'SIGKILL');
      const before = applied().length;
      await eventually('writes to the key go on', () =>
        Promise.resolve(applied().length > before + 3 || undefined),
      );
    });
    const after = await running.explain('key-0', primary);
    expect(after.primary).not.toBe(primary);
    await eventually('three replicas of every key without the worker', async () => {
      const placement = await running.explain('key-0', primary);
      const { total, fullyReplicated } = (await running.status()).partitions;
      const gone = placement.voters.every(({ id }) => id !== primary);
      return (gone && total === fullyReplicated) || undefined;
    });
  });

  it('loses nothing and serves nothing stale when a primary stands still and wakes up', async () => {
    const { running, recorder } = await start();
    const { primary } = await running.explain('key-1');
    const pid = await running.pidOf(primary);
    await underLoad(recorder, urlsOf(running), async () => {
      process.kill(pid, 'SIGSTOP');
      await sleep(5_000);
      process.kill(pid, 'SIGCONT');
      await sleep(2_000);
    });
    await running.fullyReplicated();
  });

  it(`fails no request while the controller is away for ${controllerAwaySeconds} s`, async () => {
    const { running, recorder } = await start('--no-restart');
    const pid = await running.controllerPid();
    await underLoad(recorder, urlsOf(running), async () => {
      process.kill(pid, 'SIGKILL');
      await sleep(controllerAwaySeconds * 1_000);
    });
    expect(recorder.failures).toEqual([]);
  });

  it('fails no request while a worker is restarted on purpose', async () => {
    const { running, recorder } = await start('--restart-delay', '500');
    const { primary } = await running.explain('key-2');
    const pid = await running.pidOf(primary);
    const others = (await running.status()).workers.filter(({ id }) => id !== primary).map(({ url }) => url);
    await underLoad(recorder, others, async () => {
      process.kill(pid, 'SIGTERM');
      await running.backAfter(primary, pid);
    });
    expect(recorder.failures).toEqual([]);
    await running.fullyReplicated();
  });
});
