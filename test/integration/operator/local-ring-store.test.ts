/**
 * The ring file: compare-and-swap that two controllers cannot both win, durable, and never mistaken for
 * absent.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LocalRingStore } from '../../../operator/local/local-ring-store.js';
import { formatWorker, parseWorker } from '../../../operator/worker-list.js';
import { ProcessLock } from '../../../platform/process-lock.js';
import type { LoadResult, SwapResult } from '../../../operator/ports.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';

let folder = '';
let file = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kvorum-ring-'));
  file = path.join(folder, 'ring.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const members = { a: { host: 'h', peerPort: 1, clientPort: 2, zone: 'z', state: 'active' as const } };

function recordOf(version: number): RingRecord {
  const partitions = [
    {
      epoch: 2,
      attempt: 2,
      primary: { id: 'a', storeId: 's', bootCount: 1 },
      voters: [{ id: 'a', storeId: 's' }],
      learners: [],
    },
  ];
  const counts = { epochCounter: 5, partitionCount: 1, replicationFactor: 3 };
  return { formatVersion: 1, clusterId: 'c', version, ...counts, members, partitions };
}

function load(store: LocalRingStore): Promise<LoadResult> {
  return new Promise((resolve) => store.load(resolve));
}

function swap(store: LocalRingStore, expected: string | null, record: RingRecord): Promise<SwapResult> {
  return new Promise((resolve) => store.swap(expected, record, resolve));
}

function recordIn(result: LoadResult): RingRecord {
  if (result.status !== 'loaded') throw new Error(JSON.stringify(result));
  return result.record;
}

function revisionOf(result: SwapResult): string {
  if (result.status !== 'swapped') throw new Error(JSON.stringify(result));
  return result.revision;
}

describe('LocalRingStore', () => {
  it('creates, replaces and reads back, only from the revision that is named', async () => {
    const store = new LocalRingStore(file, 500);
    expect(await load(store)).toEqual({ status: 'absent' });
    expect(await swap(store, '1-x', recordOf(1))).toEqual({ status: 'conflict' });
    const first = revisionOf(await swap(store, null, recordOf(1)));
    expect(await swap(store, null, recordOf(2))).toEqual({ status: 'conflict' });
    const second = revisionOf(await swap(store, first, recordOf(2)));
    expect(await swap(store, first, recordOf(3))).toEqual({ status: 'conflict' });
    const loaded = { status: 'loaded', record: recordOf(2), revision: second };
    expect(await load(store)).toEqual(loaded);
    expect(await load(new LocalRingStore(file, 500))).toEqual(loaded);
  });

  it('reads what another store has written since, and gives the same record while nothing has changed', async () => {
    const [store, other] = [new LocalRingStore(file, 500), new LocalRingStore(file, 500)];
    const first = revisionOf(await swap(store, null, recordOf(1)));
    const [once, again] = [await load(store), await load(store)];
    expect(again).toEqual(once);
    expect(recordIn(again)).toBe(recordIn(once));
    const second = revisionOf(await swap(other, first, recordOf(2)));
    expect(await load(store)).toEqual({ status: 'loaded', record: recordOf(2), revision: second });
  });

  it('fails on a damaged file, at every byte that may be hit, and never takes it for absent', async () => {
    const store = new LocalRingStore(file, 500);
    const first = revisionOf(await swap(store, null, recordOf(1)));
    const good = readFileSync(file);
    for (let at = 0; at < good.length; at += 7) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x04;
      writeFileSync(file, bad);
      const outcome = await load(store);
      // A flipped bit in the revision makes another revision, which nobody expects.
      if (outcome.status === 'loaded') expect(outcome.revision).not.toBe(first);
      else expect(outcome.status).toBe('failed');
    }
    for (const text of ['', '{}', 'null', good.subarray(0, good.length / 2).toString()]) {
      writeFileSync(file, text);
      expect(await load(store)).toMatchObject({
        status: 'failed',
        reason: expect.stringContaining('damaged'),
      });
      expect((await swap(store, null, recordOf(2))).status).toBe('unknown');
      expect(readFileSync(file, 'utf8')).toBe(text);
    }
  });

  it('says unknown while another holds the lock for long, and works again after', async () => {
    const store = new LocalRingStore(file, 30);
    const lock = ProcessLock.tryAcquire(`${file}.lock`);
    expect(lock).not.toBe(null);
    expect(await swap(store, null, recordOf(1))).toMatchObject({ status: 'unknown' });
    expect(await load(store)).toMatchObject({ status: 'failed' });
    lock?.release();
    expect((await swap(store, null, recordOf(1))).status).toBe('swapped');
  });

  it('lets one of two racing processes win each round, none of them lost', async () => {
    const script = path.join(import.meta.dirname, 'ring-racer.js');
    const each = 40;
    await swap(new LocalRingStore(file, 500), null, recordOf(0));
    const wins = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, [script, file, String(each)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let output = '';
        for await (const chunk of child.stdout) output += String(chunk);
        return JSON.parse(output) as { swapped: number; conflicts: number };
      }),
    );
    expect(wins.map(({ swapped }) => swapped)).toEqual([each, each]);
    const loaded = await load(new LocalRingStore(file, 500));
    expect(loaded).toMatchObject({ status: 'loaded', record: { version: 2 * each } });
  });
});

describe('parseWorker', () => {
  it('reads what it writes, and refuses the rest', () => {
    for (const text of ['worker-1@127.0.0.1:7501:7401/zone-a', 'w@host.local:1:2']) {
      expect(formatWorker(parseWorker(text))).toBe(text);
    }
    for (const text of ['', 'w', 'w@h', 'w@h:1', 'w@h:1:99999', 'w w@h:1:2', 'w@h:1:2/', 'w@h:1:2:3']) {
      expect(() => parseWorker(text)).toThrow(/must hold/);
    }
  });
});
