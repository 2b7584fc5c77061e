import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { entryContent } from '../../core/protocol/entry.js';
import { TableFile } from '../../node/storage/table-file.js';
import type { TableFileOptions } from '../../node/storage/table-file.js';
import { bytesOf, entries, entry, textOf } from './entries.js';

const options: TableFileOptions = {
  newStoreId: 'a1',
  limits: { idempotencyMs: 1_000, idempotencyKeysPerPartitionMax: 3 },
};

function open(database = new Database(':memory:')): TableFile {
  return new TableFile(database, options);
}

function valueOf(table: TableFile, partition: number, key: string): string | null {
  const row = table.get(partition, bytesOf(key));
  if (row === 'damaged') throw new Error('damaged');
  return row === null ? null : textOf(row.value);
}

/** Everything that a partition holds, as one text. */
function contents(table: TableFile, partition: number): string {
  const one = table.openCopy(partition);
  const chunk = one.read(1e9);
  one.close();
  expect(chunk.last).toBe(true);
  return Buffer.from(chunk.rows).toString('hex');
}

function copyTo(
  source: TableFile,
  target: TableFile,
  partition: number,
  number: number,
  bytesMax = 1e9,
): number {
  const copy = source.openCopy(partition);
  for (let chunk = 0; ; chunk += 1) {
    const { rows, last } = copy.read(bytesMax);
    expect(target.stage(partition, { number, atSeq: copy.atSeq, chunk, rows, last })).toBe('staged');
    if (!last) continue;
    copy.close();
    return chunk + 1;
  }
}

describe('TableFile', () => {
  it('holds the newest value of each key', () => {
    const table = open();
    table.apply([
      { partition: 1, entries: [entry(5, 1, { key: 'b' }), entry(5, 2, { key: 'a' })] },
      { partition: 2, entries: [entry(5, 1, { key: 'a', value: 'other' })] },
      { partition: 1, entries: [entry(5, 3, { key: 'b', value: '' })] },
    ]);
    expect(valueOf(table, 1, 'a')).toBe('value-2');
    expect(valueOf(table, 1, 'b')).toBe('');
    expect(valueOf(table, 2, 'a')).toBe('other');
    expect(valueOf(table, 3, 'a')).toBeNull();
    expect(table.get(1, bytesOf('a'))).toMatchObject({
      version: { epoch: 5, seq: 2 },
      contentType: 'text/plain',
    });
    table.apply([{ partition: 1, entries: [entry(6, 4, { key: 'a', kind: 'delete' })] }]);
    expect(valueOf(table, 1, 'a')).toBeNull();
    expect(table.positions()).toEqual([
      { partition: 1, seq: 4 },
      { partition: 2, seq: 1 },
    ]);
  });

  it('passes over what was applied before, and asserts that nothing is left out', () => {
    const table = open();
    table.apply([{ partition: 1, entries: entries(5, 1, 3) }]);
    table.apply([{ partition: 1, entries: entries(5, 2, 5) }]);
    expect(table.positions()).toEqual([{ partition: 1, seq: 5 }]);
    expect(() => table.apply([{ partition: 1, entries: entries(5, 7, 7) }])).toThrow('without gaps');
  });

  it('remembers replies within log time and count, alike however the entries were batched', () => {
    const write = fc.record({
      wait: fc.integer({ min: 0, max: 700 }),
      key: fc.constantFrom('', 'i1', 'i2', 'i3', 'i4', 'i5', 'i6'),
    });
    const plan = fc.tuple(fc.array(write, { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 7 })));
    fc.assert(
      fc.property(plan, ([writes, sizes]) => {
        let logTime = 1_700_000_000_000;
        const log = writes.map(({ wait, key }, index) => {
          logTime += wait;
          return entry(5, index + 1, { logTime, idempotencyKey: key, key: `k${index % 4}` });
        });
        const [oneByOne, batched] = [open(), open()];
        for (const one of log) oneByOne.apply([{ partition: 1, entries: [one] }]);
        for (let at = 0, batch = 0; at < log.length; batch += 1) {
          const size = sizes[batch] ?? 5;
          batched.apply([{ partition: 1, entries: log.slice(at, at + size) }]);
          at += size;
        }
        expect(contents(batched, 1)).toBe(contents(oneByOne, 1));
        expect(batched.replica(1)?.replyCount ?? 0).toBeLessThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });

  it('knows from the index alone whether a key has a row', () => {
    const table = open();
    const first = entry(5, 1);
    const { key } = entryContent(first);
    expect(table.has(1, key)).toBe(false);
    table.apply([{ partition: 1, entries: [first] }]);
    expect(table.has(1, key)).toBe(true);
    expect(table.has(2, key)).toBe(false);
    const plan = table.database
      .prepare('EXPLAIN QUERY PLAN SELECT 1 FROM rows WHERE slot = 1 AND key = ?')
      .all(key);
    expect(JSON.stringify(plan)).toContain('COVERING INDEX');
  });

  it('answers a remembered reply until it is too old', () => {
    const table = open();
    const first = entry(5, 1, { idempotencyKey: 'i', created: false, digest: 9, logTime: 5_000 });
    table.apply([{ partition: 1, entries: [first] }]);
    expect(table.getReply(1, 'i')).toEqual({
      version: { epoch: 5, seq: 1 },
      created: false,
      kind: 'put',
      digest: 9,
    });
    expect(table.getReply(2, 'i')).toBeNull();
    table.apply([{ partition: 1, entries: [entry(5, 2, { logTime: 6_000 })] }]);
    expect(table.getReply(1, 'i')).not.toBeNull();
    table.apply([{ partition: 1, entries: [entry(5, 3, { logTime: 6_001 })] }]);
    expect(table.getReply(1, 'i')).toBeNull();
  });

  it.each([1, 500, 1e9])('copies a partition in chunks of %d bytes', (bytesMax) => {
    const [source, target] = [open(), open()];
    const log = entries(5, 1, 40);
    log.push(entry(5, 41, { idempotencyKey: 'i1' }), entry(5, 42, { idempotencyKey: 'i2' }));
    source.apply([{ partition: 1, entries: log }]);
    target.apply([{ partition: 1, entries: [entry(4, 1, { key: 'old' })] }]);
    copyTo(source, target, 1, 7, bytesMax);
    expect(valueOf(target, 1, 'old')).toBe('value-1');
    expect(target.adopt(1, 7)).toBe('adopted');
    expect(contents(target, 1)).toBe(contents(source, 1));
    expect(target.replica(1)).toMatchObject({ appliedSeq: 42, copyNumber: 7, replyCount: 2 });
    expect(target.adopt(1, 7)).toBe('adopted');
    while (target.reclaim(3));
    expect(target.database.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(42);
    const rest = [entry(5, 43, { idempotencyKey: 'i3' }), entry(5, 44, { idempotencyKey: 'i4' })];
    for (const table of [source, target]) table.apply([{ partition: 1, entries: rest }]);
    expect(contents(target, 1)).toBe(contents(source, 1));
    expect(target.getReply(1, 'i1')).toBeNull();
  });

  it('copies what was there when the copy was opened, and an empty partition too', () => {
    const [source, target] = [open(), open()];
    source.apply([{ partition: 1, entries: entries(5, 1, 3) }]);
    const copy = source.openCopy(1);
    source.apply([{ partition: 1, entries: [entry(5, 4, { key: 'key-1', value: 'later' })] }]);
    const { rows, last } = copy.read(1e9);
    copy.close();
    expect(last).toBe(true);
    target.stage(1, { number: 1, atSeq: copy.atSeq, chunk: 0, rows, last });
    target.adopt(1, 1);
    expect(valueOf(target, 1, 'key-1')).toBe('value-1');
    expect(target.positions()).toEqual([{ partition: 1, seq: 3 }]);
    copyTo(source, target, 9, 2);
    expect(target.adopt(9, 2)).toBe('adopted');
  });

  it('refuses chunks that are out of order, of another copy, damaged, or of another partition', () => {
    const [source, target] = [open(), open()];
    source.apply([{ partition: 1, entries: entries(5, 1, 3) }]);
    const { rows } = source.openCopy(1).read(1e9);
    const part = { number: 1, atSeq: 3, chunk: 0, rows, last: false };
    expect(target.stage(1, { ...part, chunk: 1 })).toBe('malformed');
    expect(target.stage(2, part)).toBe('malformed');
    expect(target.stage(1, { ...part, atSeq: 2 })).toBe('malformed');
    expect(target.stage(1, { ...part, rows: rows.subarray(0, rows.length - 1) })).toBe('malformed');
    for (let at = 0; at < rows.length; at += 1) {
      const flipped = rows.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(target.stage(1, { ...part, rows: flipped })).toBe('malformed');
    }
    expect(target.stage(1, part)).toBe('staged');
    expect(target.stage(1, { ...part, chunk: 2 })).toBe('malformed');
    expect(target.stage(1, { ...part, chunk: 1, number: 2 })).toBe('malformed');
    expect(target.stage(1, { ...part, chunk: 1, last: true })).toBe('staged');
    expect(target.stage(1, { ...part, chunk: 2 })).toBe('malformed');
  });

  it('drops a partition with its stage, and gives the room back', () => {
    const table = open();
    table.apply([{ partition: 1, entries: entries(5, 1, 10) }]);
    copyTo(table, table, 1, 4);
    table.drop(1);
    expect(table.partitions()).toEqual([]);
    expect(valueOf(table, 1, 'key-1')).toBeNull();
    while (table.reclaim(4));
    expect(table.database.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(0);
    table.apply([{ partition: 1, entries: entries(6, 1, 2) }]);
    expect(valueOf(table, 1, 'key-1')).toBe('value-1');
  });

  it('tells a damaged row from a missing one', () => {
    const table = open();
    table.apply([{ partition: 1, entries: [entry(5, 1, { idempotencyKey: 'i' }), entry(5, 2)] }]);
    const changes = ["value = x'00'", 'seq = 9', "content_type = 'x'", 'checksum = 1'];
    for (const change of changes) {
      table.database.exec(`SAVEPOINT s; UPDATE rows SET ${change} WHERE seq = 2`);
      expect(table.get(1, bytesOf('key-2'))).toBe('damaged');
      table.database.exec('ROLLBACK TO s; RELEASE s');
    }
    expect(valueOf(table, 1, 'key-2')).toBe('value-2');
    table.database.exec('UPDATE replies SET digest = 8');
    expect(() => table.getReply(1, 'i')).toThrow('damaged');
  });

  it('undoes what there is no room for, and goes on when there is', () => {
    const database = new Database(':memory:');
    const table = new TableFile(database, { ...options, pagesMax: 40 });
    table.apply([{ partition: 1, entries: entries(5, 1, 2) }]);
    const large = entry(5, 3, { value: 'x'.repeat(300_000), idempotencyKey: 'i' });
    expect(table.apply([{ partition: 1, entries: [large] }])).toBe('full');
    expect(table.positions()).toEqual([{ partition: 1, seq: 2 }]);
    expect(table.getReply(1, 'i')).toBeNull();
    database.pragma('max_page_count = 100000');
    expect(table.apply([{ partition: 1, entries: [large] }])).toBe('applied');
    expect(table.positions()).toEqual([{ partition: 1, seq: 3 }]);
  });

  it('goes on where it was when it is opened again', () => {
    const database = new Database(':memory:');
    const table = open(database);
    table.apply([{ partition: 1, entries: entries(5, 1, 3) }]);
    copyTo(table, table, 1, 4);
    expect(table.checkpoint()).toEqual([{ partition: 1, seq: 3 }]);
    const again = open(database);
    expect(again.stageOf(1)).toMatchObject({ number: 4, complete: true, atSeq: 3 });
    expect(again.checkpoint()).toEqual([{ partition: 1, seq: 3 }]);
    expect(again.adopt(1, 4)).toBe('adopted');
    expect(valueOf(again, 1, 'key-3')).toBe('value-3');
  });

  it('shows keys, values and replies in plain SQL', () => {
    const table = open();
    table.apply([{ partition: 1, entries: [entry(5, 1, { key: 'grüße', idempotencyKey: 'i' })] }]);
    expect(table.database.prepare('SELECT * FROM entries').all()).toEqual([
      {
        partition: 1,
        key: 'grüße',
        version: '5-1',
        content_type: 'text/plain',
        value: 'value-1',
        value_bytes: 7,
      },
    ]);
    const [reply] = table.database.prepare('SELECT * FROM remembered_replies').all();
    expect(reply).toMatchObject({
      partition: 1,
      idempotency_key: 'i',
      version: '5-1',
      kind: 'put',
      created: 1,
    });
  });
});
