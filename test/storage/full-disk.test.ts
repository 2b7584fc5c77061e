import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogFile } from '../../node/storage/log-file.js';
import type { Store } from '../../node/storage/open-store.js';
import { append, bytesOf, entry, promise, sync } from './entries.js';
import { apply, checkpoint, newFolder, open, read, removeFolder, submit, submitDone } from './folder.js';
import { places } from './places.js';

const diskBytes = 6 * 1024 * 1024;

/** A disk of a few megabytes. Only root may mount one, and not in every container. */
function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * Where no disk can be made: the same with a bound that SQLite keeps, on the log alone and without its
 * threads.
 */
function withinBound(folder: string): void {
  const log = new LogFile(path.join(folder, 'log.db'), { clusterId: 'c', newStoreId: 'a1', pagesMax: 60 });
  log.commit([promise(1, 1), sync(1, 1)]);
  let seq = 0;
  const write = () => {
    const [result] = log.commit([append(1, 1, [entry(1, seq + 1, { value: 'x'.repeat(20_000) })])]);
    if (result?.status === 'done') seq += 1;
    return result?.status;
  };
  let status: string | undefined = 'done';
  for (let round = 0; status === 'done' && round < 100; round += 1) status = write();
  expect(status).toBe('full');
  expect(log.read(1, seq, 1).map((one) => one.seq)).toEqual([seq]);
  log.commit([{ type: 'trim', partition: 1, throughSeq: seq - 1 }]);
  expect(write()).toBe('done');
  log.close();
}

describe.each(places)('a full disk, the log committed %s', (_, place) => {
  let folder: string;
  let mounted = false;
  let opened: Store | null = null;
  beforeEach(() => {
    folder = newFolder();
    mounted = mountSmallDisk(folder);
  });
  afterEach(async () => {
    await opened?.close();
    if (mounted) execFileSync('umount', ['-l', folder]);
    removeFolder(folder);
  });

  it('is answered as such, reads go on, and writes go on by themselves when there is room', async () => {
    if (!mounted) {
      withinBound(folder);
      return;
    }
    const data = path.join(folder, 'data');
    mkdirSync(data);
    const ballast = path.join(folder, 'ballast');
    const store = await open(data, { place: place() });
    opened = store;
    await submitDone(store, [promise(1, 1), sync(1, 1)]);
    const value = 'x'.repeat(20_000);
    let seq = 0;
    const write = async () => {
      const [result] = await submit(store, [append(1, 1, [entry(1, seq + 1, { value })])]);
      if (result?.status === 'done') seq += 1;
      return result?.status;
    };
    expect(await write()).toBe('done');
    expect(await apply(store, 1, [entry(1, 1, { value })])).toBe('applied');
    writeFileSync(ballast, Buffer.alloc(freeBytes(folder) - 200_000));

    let status: string | undefined = 'done';
    for (let round = 0; status === 'done' && round < 100; round += 1) status = await write();
    expect(status).toBe('full');
    const lastDone = seq;
    expect(await write()).toBe('full');
    expect((await read(store, 1, lastDone)).map((one) => one.seq)).toEqual([lastDone]);
    expect(store.table.get(1, bytesOf('key-1'))).toMatchObject({ version: { epoch: 1, seq: 1 } });
    const large = Array.from({ length: 40 }, (_, index) => entry(1, index + 2, { value }));
    expect(await apply(store, 1, large)).toBe('full');
    expect(await checkpoint(store)).toEqual([]);

    rmSync(ballast);
    expect(await write()).toBe('done');
    expect(seq).toBe(lastDone + 1);
    expect(await apply(store, 1, large)).toBe('applied');
    expect((await read(store, 1, seq)).map((one) => one.seq)).toEqual([seq]);
    expect(await checkpoint(store)).toEqual([{ partition: 1, seq: 41 }]);
  });

  it('lets a store be closed, which then starts as after an unclean end', async () => {
    if (!mounted) {
      withinBound(folder);
      return;
    }
    const data = path.join(folder, 'data');
    const store = await open(data, { place: place() });
    await submitDone(store, [promise(1, 1), sync(1, 1, 0, [entry(1, 1, { value: 'x'.repeat(100_000) })])]);
    await apply(store, 1, [entry(1, 1, { value: 'x'.repeat(100_000) })]);
    writeFileSync(path.join(folder, 'ballast'), Buffer.alloc(freeBytes(folder)));
    await expect(store.close()).rejects.toMatchObject({ name: 'StorageFailure' });
    await expect(open(data)).rejects.toMatchObject({ name: 'StorageFailure' });
    rmSync(path.join(folder, 'ballast'));
    opened = await open(data);
    expect(opened.recovered.replicas).toMatchObject([{ partition: 1, lastSeq: 1, appliedSeq: 1 }]);
  });
});
