import { statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { OpenStoreOptions } from '../../node/storage/open-store.js';
import { append, entries, entry, promise, sync } from './entries.js';
import { crashImage, newFolder, open, read, removeFolder, submit, submitDone } from './folder.js';
import { places } from './places.js';

describe.each(places)('the log, committed %s', (where, place) => {
  let folder: string;
  const others: string[] = [];
  beforeEach(() => {
    folder = newFolder();
  });
  afterEach(() => {
    for (const one of [folder, ...others.splice(0)]) removeFolder(one);
  });

  function openHere(changes: Partial<OpenStoreOptions> = {}) {
    return open(folder, { place: place(), ...changes });
  }

  function imageOf(source: string): string {
    const image = crashImage(source);
    others.push(image);
    return image;
  }

  it('answers refusals one by one, and everything in order', async () => {
    const store = await openHere();
    const order: string[] = [];
    const note = (name: string) => (results: { status: string }[]) => {
      order.push(`${name} ${results.map(({ status }) => status).join(' ')}`);
    };
    store.log.submit([promise(1, 5), sync(1, 5)], note('a'));
    store.log.submit([append(1, 5, entries(5, 2, 2)), append(1, 5, entries(5, 1, 1))], note('b'));
    store.log.submit([{ type: 'note', commits: [] }], note('c'));
    const last = await submit(store, [append(1, 4, [])]);
    expect(last).toMatchObject([{ status: 'refused' }]);
    expect(order).toEqual(['a done done', 'b refused done', 'c done']);
    await store.close();
  });

  it('commits a note that nothing follows', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5, 0, entries(5, 1, 1))]);
    await submitDone(store, [{ type: 'note', commits: [{ partition: 1, seq: 1, acks: [] }] }]);
    const image = imageOf(folder);
    await store.close();
    const again = await open(image);
    expect(again.recovered.replicas[0]).toMatchObject({ commitSeq: 1, appliedSeq: 1 });
    await again.close();
  });

  it('puts what waits together into one transaction', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    const before = store.log.commitCount;
    const all: Promise<void>[] = [];
    for (let seq = 1; seq <= 640; seq += 1) {
      all.push(submitDone(store, [append(1, 5, entries(5, seq, seq))]));
      if (seq % 64 === 0) await new Promise((done) => setImmediate(done));
    }
    await Promise.all(all);
    expect(store.log.commitCount - before).toBeGreaterThan(0);
    expect(store.log.commitCount - before).toBeLessThanOrEqual(10);
    expect(store.log.queuedBytes).toBe(0);
    await store.close();
  });

  it('answers each command for itself, whatever it travelled and was committed with', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    const all: ReturnType<typeof submit>[] = [];
    const handIn = (...commands: Parameters<typeof submit>[1]) => all.push(submit(store, commands));
    const nextTurn = () => new Promise((done) => setImmediate(done));
    handIn(append(1, 5, entries(5, 1, 2)));
    await nextTurn();
    handIn(append(1, 5, entries(5, 9, 9)));
    handIn(append(1, 5, entries(5, 3, 3)), append(2, 5, entries(5, 1, 1)));
    await nextTurn();
    handIn(promise(2, 7), append(1, 5, entries(5, 4, 4)), promise(1, 4));
    const results = await Promise.all(all);
    expect(results.map((own) => own.map(({ status }) => status))).toEqual([
      ['done'],
      ['refused'],
      ['done', 'refused'],
      ['done', 'done', 'refused'],
    ]);
    expect(await read(store, 1, 1)).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4 }]);
    await store.close();
  });

  it('keeps the write-ahead log small while writes go on', async () => {
    const store = await openHere({ walBytes: 256 * 1024 });
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    let seq = 0;
    for (let round = 0; round < 400; round += 1) {
      const batch = entries(5, seq + 1, seq + 50);
      seq += 50;
      await submitDone(store, [append(1, 5, batch)]);
      if (round % 100 === 99) await submitDone(store, [{ type: 'trim', partition: 1, throughSeq: seq - 10 }]);
    }
    const wal = new Database(path.join(folder, 'log.db'), { readonly: true });
    const kept = wal.prepare<[], number>('SELECT count(*) FROM log').pluck().get() ?? 0;
    wal.close();
    expect(kept).toBeLessThan(20_000 / 10);
    expect((await read(store, 1, seq - 5)).map((one) => one.seq)).toEqual([
      seq - 5,
      seq - 4,
      seq - 3,
      seq - 2,
      seq - 1,
      seq,
    ]);
    const { size } = statSync(path.join(folder, 'log.db-wal'));
    // 20,000 entries were written, about 4 MB of pages and more with those written again and again.
    expect(size).toBeLessThan(4 * 1024 * 1024);
    await store.close();
  });

  it('is written where it is said to be', async () => {
    const store = await openHere();
    const before = store.log.commitCount;
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    for (let seq = 1; seq <= 11; seq += 1) await submitDone(store, [append(1, 5, [entry(5, seq)])]);
    const { commitCount, commitsHere } = store.log;
    const expected = { 'on the thread that asks': 12, 'on a thread of its own': 0 }[where] ?? 6;
    expect([commitCount - before, commitsHere]).toEqual([12, expected]);
    await store.close();
  });

  it('is durable when it answers', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    for (let seq = 1; seq <= 9; seq += 1) {
      await submitDone(store, [append(1, 5, [entry(5, seq)])]);
      const again = await open(imageOf(folder));
      expect(again.recovered.replicas).toMatchObject([{ partition: 1, lastSeq: seq }]);
      await again.close();
    }
    await store.close();
  });

  it('reads what was handed in before, whatever comes after', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5, 0, entries(5, 1, 3))]);
    const seen: Promise<number[]>[] = [];
    const look = () => seen.push(read(store, 1, 2).then((found) => found.map(({ seq }) => seq)));
    look();
    store.log.submit([append(1, 5, entries(5, 4, 5))], () => undefined);
    look();
    store.log.submit([{ type: 'trim', partition: 1, throughSeq: 3 }], () => undefined);
    look();
    await submitDone(store, [append(1, 5, entries(5, 6, 6))]);
    const [first, second, third] = await Promise.all(seen);
    // What is durable by then may be among them too.
    expect(first?.slice(0, 2)).toEqual([2, 3]);
    expect(second?.slice(0, 4)).toEqual([2, 3, 4, 5]);
    expect(third).toEqual([]);
    expect((await read(store, 1, 4)).map(({ seq }) => seq)).toEqual([4, 5, 6]);
    await store.close();
  });

  it('commits what waits before it lets go of the file', async () => {
    const store = await openHere();
    await submitDone(store, [promise(1, 5), sync(1, 5)]);
    const answered: string[] = [];
    for (let seq = 1; seq <= 40; seq += 1) {
      store.log.submit([append(1, 5, [entry(5, seq)])], ([result]) => answered.push(result?.status ?? ''));
      if (seq % 10 === 0) await new Promise((done) => setImmediate(done));
    }
    await store.close();
    expect(answered).toEqual(new Array(40).fill('done'));
    const again = await open(folder);
    expect(again.recovered.replicas).toMatchObject([{ lastSeq: 40 }]);
    await again.close();
  });

  it('says once that the disk failed, and nothing after it', async () => {
    const failures: Error[] = [];
    const store = await openHere({ onFailure: (error) => failures.push(error) });
    await submitDone(store, [promise(1, 5), sync(1, 5, 0, entries(5, 1, 3))]);
    const other = new Database(path.join(folder, 'log.db'));
    other.exec("CREATE TRIGGER broken BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'broken'); END");
    other.close();
    let answers = 0;
    const hear = () => (answers += 1);
    store.log.submit([append(1, 5, entries(5, 4, 4))], hear);
    while (failures.length === 0) await new Promise((done) => setTimeout(done, 5));
    store.log.submit([append(1, 5, entries(5, 5, 5))], hear);
    await new Promise((done) => setTimeout(done, 50));
    expect(failures).toMatchObject([{ name: 'StorageFailure', message: expect.stringContaining('broken') }]);
    expect(answers).toBe(0);
    await store.close();
  });
});
