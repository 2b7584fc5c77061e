import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../core/limits.js';
import { entryContent } from '../../core/protocol/entry.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { RecoveredStore } from '../../core/protocol/log-command.js';
import { LogFile } from '../../node/storage/log-file.js';
import { recoverStore } from '../../node/storage/store-recovery.js';
import { TableFile } from '../../node/storage/table-file.js';
import { TableScrub } from '../../node/storage/table-scrub.js';
import { append, bytesOf, entry, promise, sync, textOf } from './entries.js';
import { newFolder, removeFolder } from './folder.js';

const files = ['log.db', 'log.db-wal', 'table.db', 'table.db-wal'];
const partitions = [1, 2, 3];
const lastSeq = 60;
const committedSeq = 50;
const appliedSeq = 40;
const trials = 50;

/** Pseudo-random numbers from a seed: the same damage in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function written(partition: number, seq: number): Entry {
  // Some of them in blocks with others, some over several blocks.
  const value = `${partition}-${seq}-`.repeat(seq % 4 === 0 ? 1_000 : 20);
  return entry(5, seq, { value, idempotencyKey: seq % 5 === 0 ? `id-${seq}` : '' });
}

function writtenAll(partition: number, fromSeq: number, throughSeq: number): Entry[] {
  return Array.from({ length: throughSeq - fromSeq + 1 }, (_, index) => written(partition, fromSeq + index));
}

function openFiles(folder: string): { log: LogFile; table: TableFile } {
  const log = new LogFile(path.join(folder, 'log.db'), {
    clusterId: 'c',
    newStoreId: 'a1',
    verify: 'afterUncleanEnd',
  });
  const table = new TableFile(path.join(folder, 'table.db'), { newStoreId: 'a1', limits: defaultLimits });
  return { log, table };
}

/**
 * The files of a run that ended at once: all in the main files, or the newer half in the write-ahead logs.
 */
function makeImage(image: string, where: 'main' | 'wal'): void {
  const folder = newFolder('memory');
  const { log, table } = openFiles(folder);
  recoverStore(log, table);
  for (const partition of partitions) {
    log.commit([promise(partition, 5), sync(partition, 5, 0, writtenAll(partition, 1, appliedSeq))]);
    table.apply([{ partition, entries: writtenAll(partition, 1, appliedSeq / 2) }]);
  }
  log.makeDurable();
  table.makeDurable();
  for (let seq = appliedSeq + 1; seq <= lastSeq; seq += 1) {
    log.commit(partitions.map((partition) => append(partition, 5, [written(partition, seq)])));
  }
  const commits = partitions.map((partition) => ({ partition, seq: committedSeq, acks: [] }));
  log.commit([{ type: 'note', commits }]);
  for (const partition of partitions) {
    table.apply([{ partition, entries: writtenAll(partition, appliedSeq / 2 + 1, appliedSeq) }]);
  }
  if (where === 'main') {
    log.makeDurable();
    table.makeDurable();
  }
  for (const name of files) {
    if (existsSync(path.join(folder, name))) cpSync(path.join(folder, name), path.join(image, name));
  }
  log.close();
  table.close();
  removeFolder(folder);
}

function flipByte(file: string, at: number, mask: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  writeFileSync(file, bytes);
}

/** How one opening of damaged files ended; every claim that the store makes must be true. */
type Outcome = 'whole' | 'shorter' | 'forgotten' | 'found' | 'amnesiac' | 'failed';

function judge(folder: string): Outcome {
  let log: LogFile | null = null;
  let table: TableFile | null = null;
  try {
    log = new LogFile(path.join(folder, 'log.db'), {
      clusterId: 'c',
      newStoreId: 'a1',
      verify: 'afterUncleanEnd',
    });
    table = new TableFile(path.join(folder, 'table.db'), { newStoreId: 'a1', limits: defaultLimits });
    const recovered = recoverStore(log, table);
    return judgeOpened(recovered, log, table);
  } catch (error) {
    // A refusal that names its reason; anything else fails the test.
    const name = error instanceof Error ? error.name : '';
    if (name === 'AmnesiacStore' || name === 'ForeignStore') return 'amnesiac';
    if (name === 'StorageFailure') return 'failed';
    throw error;
  } finally {
    log?.database.close();
    table?.database.close();
  }
}

function judgeOpened(recovered: RecoveredStore, log: LogFile, table: TableFile): Outcome {
  let outcome: Outcome = 'whole';
  expect(recovered.storeId).toBe('a1');
  const found = new Set(recovered.replicas.map(({ partition }) => partition));
  for (const replica of recovered.replicas) {
    const { partition } = replica;
    expect(partitions).toContain(partition);
    expect(replica.promisedEpoch).toBe(5);
    if (replica.forgotten) {
      expect(replica).toMatchObject({ syncedEpoch: 0, lastSeq: 0, appliedSeq: 0, tail: [] });
      outcome = 'forgotten';
      continue;
    }
    if (replica.lastSeq < lastSeq) outcome = outcome === 'forgotten' ? outcome : 'shorter';
    let seq = replica.baseSeq;
    for (const one of log.read(partition, replica.baseSeq + 1, 1e9)) {
      seq += 1;
      expect(Buffer.from(one.bytes).equals(Buffer.from(written(partition, seq).bytes))).toBe(true);
    }
    expect(seq).toBe(replica.lastSeq);
    if (!judgeTable(table, partition, replica.appliedSeq)) outcome = 'found';
  }
  if (found.size < partitions.length) outcome = 'shorter';
  return outcome;
}

/**
 * False if a row is missing or damaged and the scrub says so; wrong or missing without a word fails the test.
 */
function judgeTable(table: TableFile, partition: number, throughSeq: number): boolean {
  let sound = true;
  for (let seq = 1; seq <= throughSeq; seq += 1) {
    const expected = entryContent(written(partition, seq));
    const row = table.get(partition, bytesOf(`key-${seq}`));
    if (row === null || row === 'damaged') sound = false;
    else expect([textOf(row.value), row.version]).toEqual([textOf(expected.value), expected.version]);
    if (expected.idempotencyKey !== '') {
      const reply = table.getReply(partition, expected.idempotencyKey);
      if (reply === null) sound = false;
      else expect(reply).toMatchObject({ version: expected.version, digest: expected.digest });
    }
  }
  if (sound) return true;
  const scrub = new TableScrub(table.database);
  const damaged = new Set<number | null>();
  for (let step = 0; step < 20; step += 1) for (const one of scrub.step(100)) damaged.add(one);
  expect([...damaged].some((one) => one === partition || one === null)).toBe(true);
  return false;
}

it('the scrub looks through a small table more slowly, so that each of its walks takes ten minutes', () => {
  const folder = newFolder('memory');
  const table = new TableFile(path.join(folder, 'table.db'), { newStoreId: 'a1', limits: defaultLimits });
  const scrub = new TableScrub(table.database);
  const insert = table.database.prepare(`INSERT INTO rows VALUES (?, 1, ?, 1, 1, '', 0, x'')`);
  const paces = [1, 60_000, 10_000_000].map((id) => {
    insert.run(id, bytesOf(String(id)));
    return scrub.rowsPerSecond;
  });
  expect(paces).toEqual([20, 100, 200]);
  table.close();
  removeFolder(folder);
});

it('the scrub reports that the last page of the rows is damaged, where it looks for their number', () => {
  const folder = newFolder('memory');
  const file = path.join(folder, 'table.db');
  const table = new TableFile(file, { newStoreId: 'a1', limits: defaultLimits });
  const insert = table.database.prepare(`INSERT INTO rows VALUES (?, 1, ?, 1, 1, '', 0, ?)`);
  for (let id = 1; id <= 100; id += 1) insert.run(id, bytesOf(String(id)), new Uint8Array(500));
  const { page } = table.database
    .prepare<[], { page: number }>(`SELECT max(pageno) AS page FROM dbstat WHERE name = 'rows'`)
    .get() ?? { page: 0 };
  const pageBytes = table.database.pragma('page_size', { simple: true }) as number;
  table.database.pragma('wal_checkpoint(TRUNCATE)');
  table.close();
  const bytes = readFileSync(file);
  bytes.fill(0, (page - 1) * pageBytes, page * pageBytes);
  writeFileSync(file, bytes);
  const damaged = new TableFile(file, { newStoreId: 'a1', limits: defaultLimits });
  expect([...new TableScrub(damaged.database).step(null)]).toEqual([null]);
  damaged.close();
  removeFolder(folder);
});

describe.each(['main', 'wal'] as const)('damaged files, newest part in the %s files', (where) => {
  let image: string;
  let folder: string;
  beforeAll(() => {
    image = newFolder('memory');
    folder = newFolder('memory');
    makeImage(image, where);
  });
  afterAll(() => {
    removeFolder(image);
    removeFolder(folder);
  });

  function restore(): void {
    for (const name of [...files, 'log.db-shm', 'table.db-shm'])
      rmSync(path.join(folder, name), { force: true });
    for (const name of files) {
      if (existsSync(path.join(image, name))) cpSync(path.join(image, name), path.join(folder, name));
    }
  }

  it('are whole as long as nobody touches them', () => {
    restore();
    expect(judge(folder)).toBe('whole');
  });

  it.each(files)('with one byte of %s changed: never a wrong answer', (name) => {
    const file = path.join(folder, name);
    const random = randomFrom(files.indexOf(name) + 1);
    const outcomes = new Map<Outcome, number>();
    for (let trial = 0; trial < trials; trial += 1) {
      restore();
      if (!existsSync(file) || statSync(file).size === 0) return;
      flipByte(file, random(statSync(file).size), 1 << random(8));
      const outcome = judge(folder);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Most of a file is rows: some of it must have been noticed. What a log has newer, or has again, heals by
    // itself.
    const isNewest = where === 'main' || name === 'log.db-wal';
    if (isNewest) expect(outcomes.get('whole') ?? 0).toBeLessThan(trials * 0.95);
  });

  it.each(files.filter((name) => name.endsWith('-wal')))(
    'with %s cut short: never a wrong answer',
    (name) => {
      const file = path.join(folder, name);
      const random = randomFrom(77);
      for (let trial = 0; trial < 25; trial += 1) {
        restore();
        if (!existsSync(file) || statSync(file).size === 0) return;
        truncateSync(file, random(statSync(file).size));
        const outcome = judge(folder);
        // A table that is behind is brought forward; a log that lost its end is for its peers to notice.
        expect(name.startsWith('table') ? ['whole'] : ['whole', 'shorter', 'amnesiac']).toContain(outcome);
      }
    },
  );
});
