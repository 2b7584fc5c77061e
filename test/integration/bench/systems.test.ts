/**
 * The systems that Kvorum is compared with, as they really answer: the load generator speaks their protocols
 * by hand, and a comparison is worth nothing if it does not do what it says.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isInstalled } from '../../../bench/comparison/machine.js';
import { compare } from '../../../bench/comparison/run.js';
import { Keyspace } from '../../../bench/load/keyspace.js';
import { etcd } from '../../../bench/systems/etcd.js';
import { kvorum, kvorumOfThree } from '../../../bench/systems/kvorum.js';
import { redis } from '../../../bench/systems/redis.js';
import { freePorts } from '../../process/free-ports.js';
import type { Door, RunningSystem } from '../../../bench/systems/system.js';

jest.setTimeout(600_000);

const systems = [kvorum, kvorumOfThree, etcd, redis];
const installed = systems.filter(({ needs }) => needs === null || isInstalled(needs.program));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kvorum-bench-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(installed)('$name', (system) => {
  let running: RunningSystem | null = null;
  let doors: Door[] = [];

  beforeAll(async () => {
    running = await system.start(path.join(folder, system.name), await freePorts(30));
    doors = running.doors;
  });
  afterAll(() => running?.processes.stop());

  it('has the doors that it announces', () => {
    expect(doors.map(({ name }) => name)).toEqual(system.doors);
  });

  it('keeps what was put through one door and shows it through each', async () => {
    for (const [number, door] of doors.entries()) {
      const writing = await door.connect(0);
      const large = Buffer.alloc(50_000, `through door ${number}`);
      await writing.put('key/large', large);
      await writing.put('key/small', Buffer.from('s'));
      await writing.put('key/small', Buffer.from('replaced'));
      for (const other of doors) {
        const reading = await other.connect(1);
        expect((await reading.get('key/large'))?.equals(large)).toBe(true);
        expect((await reading.get('key/small'))?.toString()).toBe('replaced');
        expect(await reading.get('key/absent')).toBeNull();
        reading.close();
      }
      writing.close();
    }
  });

  it('notices in its sample a value that another client has written', async () => {
    for (const door of doors) {
      const connection = await door.connect(0);
      const keyspace = new Keyspace(20, 64);
      const value = keyspace.newValue();
      for (let index = 0; index < 20; index += 2) await keyspace.write(connection, index, value);
      expect(await keyspace.checkSample(connection, 20)).toBe(10);
      await connection.put(keyspace.key(4), Buffer.alloc(64));
      await expect(keyspace.checkSample(connection, 20)).rejects.toThrow('another value');
      connection.close();
    }
  });

  it('is measured with all its processes', () => {
    const group = running?.processes;
    expect(group?.pids().length).toBeGreaterThanOrEqual(3);
    expect(group?.residentBytes()).toBeGreaterThan(1_000_000);
  });

  it('does not count a write that the system refuses', async () => {
    // Redis takes any key; it has no replica left that could acknowledge.
    const group = running?.processes;
    const replicas = system === redis ? (group?.pids().slice(1, 3) ?? []) : [];
    for (const replica of replicas) process.kill(replica, 'SIGKILL');
    const areLeft = () => group?.pids().some((pid) => replicas.includes(pid)) === true;
    while (areLeft()) await new Promise((resolve) => setTimeout(resolve, 50));
    const key = system === redis ? 'key' : '';
    for (const door of doors) {
      const connection = await door.connect(0);
      await expect(connection.put(key, Buffer.from('v'))).rejects.toThrow();
      connection.close();
    }
  });
});

it('what is not installed here is said, and only that is left out', () => {
  const missing = systems.filter((system) => !installed.includes(system)).map(({ needs }) => needs?.program);
  if (missing.length > 0)
    process.stderr.write(`not installed here, not compared with: ${missing.join(', ')}\n`);
  expect(installed).toContain(kvorum);
});

it('a short comparison fills every row, checks what was written and counts syncs on a majority', async () => {
  const options = {
    clients: [1],
    rounds: 2,
    seconds: 0.3,
    warmUpSeconds: 0.3,
    settleSeconds: 0.3,
    idleSeconds: 1,
    keys: 200,
    folder,
  };
  const lines: string[] = [];
  const say = (line: string) => lines.push(line);
  const { rows, systems: facts } = await compare({
    ...options,
    systems: installed,
    port: await freePorts(30),
    say,
  });
  expect(new Set(rows.map(({ door }) => door))).toEqual(
    new Set(['kvorum', 'kvorum-primary', ...othersMeasured()]),
  );
  for (const { rounds } of rows) {
    expect(rounds).toHaveLength(2);
    for (const { operations, failed, p50Millis, generatorCpuMicros } of rounds) {
      expect(operations).toBeGreaterThan(0);
      expect(generatorCpuMicros).toBeGreaterThan(0);
      expect(failed).toBe(0);
      expect(p50Millis).toBeGreaterThan(0);
    }
  }
  for (const { fsyncs, sampleCompared, idleCpuPercent } of facts) {
    expect(sampleCompared).toBeGreaterThan(0);
    expect(idleCpuPercent).not.toBeNull();
    if (fsyncs === null) continue;
    // One client, one write at a time: nobody shares a sync, and at least two disks have each write.
    expect(fsyncs.perWrite.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2);
  }
  expect(lines.length).toBeGreaterThan(rows.length);
});

function othersMeasured(): string[] {
  const names = installed.flatMap(({ name }) => (name === 'kvorum' ? [] : [name]));
  return names.includes('etcd') ? [...names, 'etcd-any'] : names;
}
