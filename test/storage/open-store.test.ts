import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { disownStore } from '../../node/storage/open-store.js';
import type { Store } from '../../node/storage/open-store.js';
import { append, bytesOf, entries, entry, promise, spoilEntry, sync, textOf } from './entries.js';
import { apply, checkpoint, crashImage, open, newFolder, read, removeFolder, submitDone } from './folder.js';

function valueOf(store: Store, partition: number, key: string): string | null {
  const row = store.table.get(partition, bytesOf(key));
  if (row === 'damaged') throw new Error('damaged');
  return row === null ? null : textOf(row.value);
}

describe('openStore', () => {
  let folder: string;
  const others: string[] = [];
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => {
    for (const one of [folder, ...others.splice(0)]) removeFolder(one);
  });

  function imageOf(source: string): string {
    const image = crashImage(source);
    others.push(image);
    return image;
  }

  /**
   * Five entries in partition 1, three of them known to be committed, two applied and durable in the table.
   */
  async function fill(store: Store): Promise<void> {
    await submitDone(store, [promise(1, 5), sync(1, 5), append(1, 5, entries(5, 1, 5))]);
    await apply(store, 1, entries(5, 1, 2));
    await checkpoint(store);
    await submitDone(store, [{ type: 'note', commits: [{ partition: 1, seq: 3, acks: [] }] }, promise(2, 1)]);
  }

  it('makes a store, and finds it again with its boot count counted', async () => {
    const first = await open(folder);
    expect(first.recovered).toMatchObject({
      storeId: 'a1',
      bootCount: 1,
      leaseMs: 0,
      ring: null,
      replicas: [],
    });
    await first.close();
    const second = await open(folder, { newStoreId: 'b2' });
    expect(second.recovered).toMatchObject({ storeId: 'a1', bootCount: 2 });
    await second.close();
  });

  it.each(['closed', 'crashed'])(
    'comes back with everything, the table brought forward, after it %s',
    async (how) => {
      const store = await open(folder);
      await fill(store);
      const image = imageOf(folder);
      await store.close();
      const again = await open(how === 'closed' ? folder : image);
      expect(again.recovered.replicas).toMatchObject([
        {
          partition: 1,
          promisedEpoch: 5,
          syncedEpoch: 5,
          baseSeq: 0,
          lastSeq: 5,
          commitSeq: 3,
          appliedSeq: 3,
        },
        { partition: 2, promisedEpoch: 1, syncedEpoch: 0, lastSeq: 0, appliedSeq: 0, tail: [] },
      ]);
      expect(again.recovered.replicas[0]?.tail.map(({ seq }) => seq)).toEqual([4, 5]);
      expect(valueOf(again, 1, 'key-3')).toBe('value-3');
      expect(valueOf(again, 1, 'key-4')).toBeNull();
      expect((await read(again, 1, 2)).map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
      await submitDone(again, [append(1, 5, entries(5, 6, 6))]);
      await again.close();
    },
  );

  it('ends once, for everyone who asks for it', async () => {
    const store = await open(folder);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const again = await open(folder);
    expect(again.recovered.bootCount).toBe(2);
    await again.close();
  });

  it('lets one process in at a time', async () => {
    const store = await open(folder);
    await expect(open(folder)).rejects.toMatchObject({ name: 'StoreLocked' });
    expect(() => disownStore(folder)).toThrow('in use');
    await store.close();
    await (await open(folder)).close();
  });

  it('refuses the files of another cluster', async () => {
    await (await open(folder)).close();
    await expect(open(folder, { clusterId: 'other' })).rejects.toMatchObject({ name: 'ForeignStore' });
    await (await open(folder)).close();
  });

  it.each(['log.db', 'table.db'])('is amnesiac without %s, until it is put aside', async (name) => {
    const store = await open(folder);
    await fill(store);
    await store.close();
    rmSync(path.join(folder, name));
    await expect(open(folder, { newStoreId: 'b2' })).rejects.toMatchObject({ name: 'AmnesiacStore' });
    expect(disownStore(folder)).toHaveLength(1);
    const fresh = await open(folder, { newStoreId: 'b2' });
    expect(fresh.recovered).toMatchObject({ storeId: 'b2', bootCount: 1, replicas: [] });
    await fresh.close();
  });

  it('keeps every store that was put aside', async () => {
    for (const newStoreId of ['a1', 'b2', 'c3']) {
      await (await open(folder, { newStoreId })).close();
      disownStore(folder);
    }
    for (const number of [1, 2, 3]) {
      expect(existsSync(path.join(folder, `log.db.disowned-${number}`))).toBe(true);
      expect(existsSync(path.join(folder, `table.db.disowned-${number}`))).toBe(true);
    }
  });

  it('is amnesiac if a file is from another store, or older than the other', async () => {
    const store = await open(folder);
    await fill(store);
    const older = imageOf(folder);
    await submitDone(store, [append(1, 5, entries(5, 6, 9))]);
    await apply(store, 1, entries(5, 3, 9));
    await checkpoint(store);
    await submitDone(store, [{ type: 'trim', partition: 1, throughSeq: 8 }]);
    await store.close();

    const stranger = newFolder();
    others.push(stranger);
    await (await open(stranger, { newStoreId: 'x9' })).close();
    for (const [name, source] of [
      ['table.db', stranger],
      ['table.db', older],
      ['log.db', older],
    ] as const) {
      const mixed = imageOf(folder);
      rmSync(path.join(mixed, `${name}-wal`), { force: true });
      cpSync(path.join(source, name), path.join(mixed, name));
      const wal = path.join(source, `${name}-wal`);
      if (existsSync(wal)) cpSync(wal, path.join(mixed, `${name}-wal`));
      await expect(open(mixed)).rejects.toMatchObject({ name: 'AmnesiacStore' });
    }
    await (await open(folder)).close();
  });

  it('makes a store that was only half made anew', async () => {
    await (await open(folder)).close();
    renameSync(path.join(folder, 'log.db'), path.join(folder, 'log.db.new'));
    const store = await open(folder, { newStoreId: 'b2' });
    expect(store.recovered).toMatchObject({ storeId: 'b2', bootCount: 1 });
    await store.close();
  });

  it.each([
    ['before the log switched', false, 'old-1'],
    ['after the log switched', true, 'new-1'],
  ])('finishes or drops a copy staged whole when it ended %s', async (_when, switched, expected) => {
    const source = await open(folder);
    await submitDone(source, [promise(1, 5), sync(1, 5, 0, [entry(5, 1, { key: 'new-1' })])]);
    await apply(source, 1, [entry(5, 1, { key: 'new-1' })]);
    const copy = await new Promise<{ handle: number; atSeq: number }>((done) =>
      source.table.openCopy(1, done),
    );
    const chunk = await new Promise<{ rows: Uint8Array; last: boolean }>((done) =>
      source.table.readCopy(copy.handle, 1e6, done),
    );
    source.table.closeCopy(copy.handle);
    await source.close();

    const target = newFolder();
    others.push(target);
    const store = await open(target, { newStoreId: 'b2' });
    await submitDone(store, [promise(1, 4), sync(1, 4, 0, [entry(4, 1, { key: 'old-1' })])]);
    await apply(store, 1, [entry(4, 1, { key: 'old-1' })]);
    const outcome = await new Promise((done) =>
      store.table.stage(1, { number: 9, atSeq: copy.atSeq, chunk: 0, ...chunk }, done),
    );
    expect([outcome, chunk.last]).toEqual(['staged', true]);
    const base = { type: 'sync', partition: 1, epoch: 5, cutTo: 1, epochStarts: [], entries: [] } as const;
    if (switched) {
      await submitDone(store, [{ ...base, epochStarts: [], entries: [], copy: { number: 9, atSeq: 1 } }]);
    }
    const image = imageOf(target);
    await store.close();
    const again = await open(image);
    expect(valueOf(again, 1, expected)).toBe('value-1');
    expect(valueOf(again, 1, switched ? 'old-1' : 'new-1')).toBeNull();
    expect(again.recovered.replicas[0]).toMatchObject({
      appliedSeq: 1,
      lastSeq: 1,
      baseSeq: switched ? 1 : 0,
    });
    await again.close();
    const partly = new Database(path.join(image, 'table.db'), { readonly: true });
    expect(partly.prepare('SELECT count(*) FROM stages').pluck().get()).toBe(0);
    partly.close();
  });

  it('reports damage in the table that its scrub comes across', async () => {
    const found: (number | null)[] = [];
    const store = await open(folder, { scrubRowsPerSecond: 10_000, onDamage: (one) => found.push(one) });
    await submitDone(store, [promise(1, 5), sync(1, 5, 0, entries(5, 1, 9))]);
    await apply(store, 1, entries(5, 1, 9));
    const other = new Database(path.join(folder, 'table.db'));
    other.prepare("UPDATE rows SET value = x'00' WHERE seq = 4").run();
    other.close();
    while (found.length === 0) await new Promise((done) => setTimeout(done, 20));
    expect(found[0]).toBe(1);
    expect(store.table.get(1, bytesOf('key-4'))).toBe('damaged');
    expect(store.table.get(1, bytesOf('key-5'))).toMatchObject({ version: { epoch: 5, seq: 5 } });
    await store.close();
  });

  it('fails when it meets damage in the log, and has forgotten the replica or its log when it is back', async () => {
    const failures: Error[] = [];
    const store = await open(folder, { onFailure: (error) => failures.push(error) });
    await fill(store);
    await submitDone(store, [promise(3, 5), sync(3, 5, 0, entries(5, 1, 2))]);
    await apply(store, 3, entries(5, 1, 2));
    const other = new Database(path.join(folder, 'log.db'));
    spoilEntry(other, 1, 4);
    spoilEntry(other, 3, 1);
    other.close();
    void read(store, 1, 1);
    while (failures.length === 0) await new Promise((done) => setTimeout(done, 20));
    expect(failures[0]).toMatchObject({
      name: 'StorageFailure',
      message: expect.stringContaining('damaged'),
    });
    await store.close();

    const again = await open(folder);
    expect(again.recovered.replicas).toMatchObject([
      { partition: 1, forgotten: true, promisedEpoch: 5, syncedEpoch: 0, lastSeq: 0, appliedSeq: 0 },
      { partition: 2, forgotten: false },
      { partition: 3, forgotten: false, syncedEpoch: 5, baseSeq: 1, lastSeq: 2, appliedSeq: 2 },
    ]);
    expect(valueOf(again, 1, 'key-1')).toBeNull();
    expect(valueOf(again, 3, 'key-1')).toBe('value-1');
    await again.close();
  });

  it('can be looked into with the sqlite3 tool while it runs', async () => {
    const store = await open(folder);
    await fill(store);
    const ask = (file: string, sql: string) => {
      const program = `const D = require('better-sqlite3');
        console.log(JSON.stringify(new D(process.argv[1], { readonly: true }).prepare(process.argv[2]).all()))`;
      return JSON.parse(
        execFileSync(process.execPath, ['-e', program, path.join(folder, file), sql]).toString(),
      ) as unknown;
    };
    expect(ask('log.db', 'SELECT partition, seq, key, value FROM entries WHERE seq = 5')).toEqual([
      { partition: 1, seq: 5, key: 'key-5', value: 'value-5' },
    ]);
    expect(ask('table.db', 'SELECT key, value FROM entries')).toEqual([
      { key: 'key-1', value: 'value-1' },
      { key: 'key-2', value: 'value-2' },
    ]);
    await store.close();
  });
});
