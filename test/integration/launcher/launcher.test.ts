/**
 * The launcher with real processes: a cluster that can be used, comes back, stops in order, and never runs
 * twice.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { freePorts } from '../../process/free-ports.js';
import { isRunning, StartedLauncher, temporaryFolder, until } from './started-launcher.js';

jest.setTimeout(180_000);

let folder = '';
const started: StartedLauncher[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const launcher of started.splice(0)) await launcher.end();
  rmSync(folder, { recursive: true, force: true });
});

const small = ['--workers', '3', '--partitions', '8'];

async function start(options: string[] = small, environment: Record<string, string> = {}) {
  const launcher = new StartedLauncher(await freePorts(30), folder, options, environment);
  started.push(launcher);
  return launcher;
}

async function put(launcher: StartedLauncher, worker: number, key: string, value: string): Promise<void> {
  const response = await fetch(`${launcher.url(worker)}/v1/kv/${key}`, { method: 'PUT', body: value });
  expect([200, 201]).toContain(response.status);
}

async function get(launcher: StartedLauncher, worker: number, key: string): Promise<string> {
  const response = await fetch(`${launcher.url(worker)}/v1/kv/${key}`);
  expect(response.status).toBe(200);
  return response.text();
}

describe('the launcher', () => {
  it('starts a cluster that can be used, stops it in order, and finds all data again', async () => {
    const first = await start();
    const status = await first.untilFullyReplicated();
    expect(status.workers.map(({ id }) => id)).toEqual(['worker-1', 'worker-2', 'worker-3']);
    await until('the welcome', () => first.output.includes('/v1/kv/greeting'));
    const page = /See it live: (\S+)/.exec(first.output)?.[1] ?? '';
    expect(await (await fetch(page)).text()).toContain('<title>Kvorum</title>');
    for (let key = 0; key < 20; key += 1) await put(first, 1 + (key % 3), `key-${key}`, `value ${key}`);
    const pids = await first.pids();
    expect(pids).toHaveLength(4);
    first.signal('SIGINT');
    expect(await first.exited).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    const stops = first.output.split('\n').filter((line) => line.endsWith('pid - stopped'));
    expect(stops.map((line) => line.split(' ')[0])).toEqual([
      'controller',
      ...['worker-1', 'worker-2', 'worker-3'].map(() => expect.stringMatching(/^worker-\d$/)),
    ]);
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['controller', 'worker-1', 'worker-3', 'logs']),
    );

    const second = await start(['--workers', '3']);
    await second.untilFullyReplicated();
    expect((await second.status())?.partitions.total).toBe(8);
    for (let key = 0; key < 20; key += 1) {
      expect(await get(second, 1 + ((key + 1) % 3), `key-${key}`)).toBe(`value ${key}`);
    }
  });

  it('starts what was killed again, and leaves nothing behind when it is killed itself', async () => {
    const launcher = await start([...small, '--restart-delay', '200ms']);
    const before = await launcher.untilFullyReplicated();
    await put(launcher, 1, 'kept', 'value');
    const victims = [before.workers[1]?.pid ?? 0, before.controller?.pid ?? 0];
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await until('new processes', async () => {
      const pids = await launcher.pids();
      return pids.length === 4 && !pids.some((pid) => victims.includes(pid));
    });
    await launcher.untilFullyReplicated();
    expect(await get(launcher, 2, 'kept')).toBe('value');
    expect(launcher.output).toContain('was ended by SIGKILL; starts again soon');
    const pids = await launcher.pids();
    launcher.signal('SIGKILL');
    await until('the end of the children', () => !pids.some(isRunning));
  });

  it('leaves an ended process ended with --no-restart, and the cluster goes on', async () => {
    const launcher = await start([...small, '--no-restart']);
    const before = await launcher.untilFullyReplicated();
    const victim = before.workers[2]?.pid ?? 0;
    process.kill(victim, 'SIGKILL');
    await until('the line', () => /worker-3 .*was ended by SIGKILL\n/.test(launcher.output));
    await until('a write', async () => {
      const request = { method: 'PUT', body: 'x' };
      return (await fetch(`${launcher.url(1)}/v1/kv/after`, request)).status < 300;
    });
    expect(await get(launcher, 2, 'after')).toBe('x');
  });

  it('refuses a folder in use, and what does not fit the folder', async () => {
    const first = await start(small, { KVORUM_RESTART_DELAY: '1s' });
    await first.untilFullyReplicated();
    const second = await start();
    expect(await second.exited).toBe(2);
    expect(second.errors).toContain('is in use by another launcher (process ');
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
    const other = await start(['--workers', '3', '--partitions', '16']);
    expect(await other.exited).toBe(2);
    expect(other.errors).toContain('holds a cluster of 8 partitions, which cannot become 16');
    const fewer = await start(['--workers', '2']);
    expect(await fewer.exited).toBe(2);
    expect(fewer.errors).toContain('--workers gives only 2 workers');
  });

  it('says which port is in use', async () => {
    const launcher = new StartedLauncher(await freePorts(30), folder, small);
    started.push(launcher);
    launcher.signal('SIGKILL');
    await launcher.exited;
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(launcher.port + 22, '127.0.0.1', resolve));
    const again = new StartedLauncher(launcher.port, folder, small);
    started.push(again);
    expect(await again.exited).toBe(2);
    expect(again.errors).toContain(
      `127.0.0.1:${launcher.port + 22} is in use by another process (needed for worker-2, for its peers)`,
    );
    await new Promise((resolve) => taken.close(resolve));
  });
});

describe('every program', () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const run = (program: string, options: string[], environment: Record<string, string> = {}) =>
    spawnSync(process.execPath, [path.join(root, program), ...options], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });

  it('explains itself, and refuses what it cannot use with code 2', () => {
    for (const program of ['launcher/main.js', 'node/main.js', 'operator/main.js']) {
      const help = run(program, ['--help']);
      expect(help.status).toBe(0);
      expect(help.stdout).toContain('--replacement-delay <TIME>');
      const wrong = run(program, ['--heartbeat', '2s'], { KVORUM_LEASE: 'long' });
      expect(wrong.status).toBe(2);
      expect(wrong.stderr).toContain(`KVORUM_LEASE must be a time`);
      expect(run(program, ['--heartbeat', '2s', '--data-dir', folder]).stderr).toContain(
        'suspicionMs must be at least twice heartbeatMs',
      );
      expect(run(program, ['--nonsense']).stderr).toContain(`unknown option '--nonsense'`);
    }
    expect(run('node/main.js', []).stderr).toContain('--id must be given');
    expect(run('operator/main.js', []).stderr).toContain('--workers must name at least one worker');
    expect(run('launcher/main.js', ['--partitions', '100']).stderr).toContain('must be a power of two');
  });
});
