import path from 'node:path';
import { statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { LogCommand } from '../../core/protocol/log-command.js';
import { BlockBuilder, readHead } from '../../node/storage/log-block.js';
import { LogFile } from '../../node/storage/log-file.js';
import { LogRecordReader } from '../../node/storage/log-record-reader.js';
import { append, entries, entry, promise, sized, sync } from './entries.js';
import { newFolder, removeFolder } from './folder.js';
import { began, expectAllFree, held, heldAgain, identity, open, slotCount } from './held.js';

describe('the slots of a log', () => {
  it('are filled from commit to commit', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit(began);
    for (let seq = 1; seq <= 60; seq += 1) log.commit([append(1, 5, [sized(seq, 380)])]);
    expect(slotCount(database)).toBe(6);
    expect(heldAgain(database, 1)).toHaveLength(60);
  });

  it('change one page with a commit, and no other', () => {
    const folder = newFolder('memory');
    const file = path.join(folder, 'log.db');
    const log = new LogFile(file, identity);
    log.commit([...began, append(1, 5, entries(5, 1, 400))]);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 400 }]);
    log.makeDurable();
    for (let seq = 401; seq <= 500; seq += 1) log.commit([append(1, 5, [sized(seq, 380)])]);
    const frames = (statSync(`${file}-wal`).size - 32) / (4_096 + 24);
    expect(frames).toBe(100);
    log.close();
    removeFolder(folder);
  });

  it('are kept as long as one entry in them counts', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, entries(5, 1, 5)), append(2, 5, entries(5, 1, 5))]);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 5 }]);
    expect(log.freeSlots).toBe(0);
    expect(heldAgain(database, 2)).toHaveLength(5);
    log.commit([{ type: 'trim', partition: 2, throughSeq: 5 }]);
    expect(log.freeSlots).toBe(1);
    log.commit([append(2, 5, entries(5, 6, 6))]);
    expect([slotCount(database), log.freeSlots]).toEqual([1, 0]);
    expect(heldAgain(database, 2)).toEqual([[5, 6]]);
  });

  it('hold large entries in pieces, and pieces that nobody needs harm nobody', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, [entry(5, 1), sized(2, 20_000), sized(3, 9_000), entry(5, 4)])]);
    expect(heldAgain(database, 1)).toHaveLength(4);
    expect(log.read(1, 2, 1)[0]?.bytes).toEqual(sized(2, 20_000).bytes);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 2 }]);
    // Takes two of the slots of what was trimmed.
    log.commit([append(2, 5, [sized(1, 6_000)])]);
    expect(heldAgain(database, 1)).toEqual([
      [5, 3],
      [5, 4],
    ]);
    expect(heldAgain(database, 2)).toEqual([[5, 1]]);
    expect(open(database).freeSlots).toBe(log.freeSlots);
  });

  it('are filled by large entries of one transaction, one after the other', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, entries(5, 1, 2))]);
    const large = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => sized(from + index, 4_200));
    const before = slotCount(database);
    // 7 of 4,200 bytes and an item's 21 in 8 blocks, then 5 and a small one in 6.
    log.commit([append(1, 5, large(3, 8)), append(2, 5, [entry(5, 1)]), append(1, 5, large(9, 14))]);
    expect(slotCount(database) - before).toBe(14);
    log.commit([append(1, 5, [entry(5, 15)]), append(2, 5, [entry(5, 2)])]);
    for (const one of [log, open(database)]) {
      expect(held(one, 1)).toEqual(entries(5, 1, 15).map(({ epoch, seq }) => [epoch, seq]));
      expect(held(one, 2)).toHaveLength(2);
      expect(one.read(1, 7, 1)[0]?.bytes).toEqual(sized(7, 4_200).bytes);
    }
    // As long as one of them counts all of its slots are needed.
    log.commit([{ type: 'trim', partition: 1, throughSeq: 14 }]);
    expect(log.freeSlots).toBeLessThan(14);
    expect(heldAgain(database, 2)).toHaveLength(2);
    expectAllFree(log);
  });

  it('forget what was cut from a run, and keep what went into it before and after', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([
      ...began,
      append(1, 5, [sized(1, 5_000), sized(2, 5_000), entry(5, 3)]),
      append(2, 5, [sized(1, 3_000)]),
      sync(1, 6, 1, [entry(6, 2)]),
      append(2, 5, [sized(2, 3_000)]),
    ]);
    log.commit([sync(2, 6, 1, [entry(6, 2)])]);
    for (const one of [log, open(database)]) {
      expect([...one.damage]).toEqual([]);
      for (const partition of [1, 2])
        expect(held(one, partition)).toEqual([
          [5, 1],
          [6, 2],
        ]);
    }
    expectAllFree(log);
  });

  it('forget what was cut, and nothing that stands beside it', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit(began);
    for (let seq = 1; seq <= 8; seq += 1)
      log.commit([append(1, 5, [entry(5, seq)]), append(2, 5, [entry(5, seq)])]);
    log.commit([sync(1, 6, 3, [entry(6, 4)])]);
    const expected: [number, number][] = [
      [5, 1],
      [5, 2],
      [5, 3],
      [6, 4],
    ];
    expect(held(log, 1)).toEqual(expected);
    expect(heldAgain(database, 1)).toEqual(expected);
    expect(heldAgain(database, 2)).toHaveLength(8);
    expectAllFree(log);
  });

  it('tell a replica that was emptied from the same positions written anew', () => {
    const database = new Database(':memory:');
    const log = open(database);
    // All of one transaction, and one block if nobody took care.
    log.commit([
      ...began,
      append(1, 5, entries(5, 1, 4)),
      append(2, 5, entries(5, 1, 2)),
      { type: 'delete', partition: 1, recordEpoch: 5 },
      sync(1, 6, 0, entries(6, 1, 2)),
    ]);
    const expected: [number, number][] = [
      [6, 1],
      [6, 2],
    ];
    expect(held(log, 1)).toEqual(expected);
    expect(heldAgain(database, 1)).toEqual(expected);
    expect(heldAgain(database, 2)).toHaveLength(2);
  });

  it.each([
    ['a large entry', append(2, 5, [sized(26, 100_000)])],
    ['what is no entry', { type: 'ring', version: 1, bytes: new Uint8Array(100_000) }],
  ] as [string, LogCommand][])('are as before when there is no room for %s', (_what, tooMuch) => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, entries(5, 1, 12)), append(2, 5, entries(5, 1, 3))]);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 4 }]);
    const pages = database.pragma('page_count', { simple: true }) as number;
    database.pragma(`max_page_count = ${pages + 5}`);
    const results = log.commit([
      append(2, 5, entries(5, 4, 5)),
      sync(1, 6, 6, [entry(6, 7)]),
      append(2, 5, entries(5, 6, 25)),
      tooMuch,
    ]);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['full']));
    database.pragma('max_page_count = 100000');
    expect(held(log, 1)).toEqual(entries(5, 5, 12).map(({ epoch, seq }) => [epoch, seq]));
    expect(open(database).freeSlots).toBe(log.freeSlots);
    log.commit([append(1, 5, entries(5, 13, 14)), append(2, 5, entries(5, 4, 9))]);
    expect(open(database).freeSlots).toBe(log.freeSlots);
    for (const one of [log, open(database)]) {
      expect(held(one, 1)).toEqual(entries(5, 5, 14).map(({ epoch, seq }) => [epoch, seq]));
      expect(held(one, 2)).toHaveLength(9);
    }
    expectAllFree(log);
  });

  it('are read no further by who was told of a record that was written over since', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, entries(5, 1, 5))]);
    const places = log.locate(1, 1, 10);
    const reader = new LogRecordReader(database);
    expect(reader.read(1, 1, places, 1e9)).toHaveLength(5);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 5 }]);
    log.commit([append(2, 5, entries(5, 1, 5))]);
    expect(reader.read(1, 1, places, 1e9)).toEqual([]);
    expect(reader.read(2, 1, places, 1e9)).toEqual([]);
  });

  it('are read as far as the pieces of an entry are there, and no other piece is asked for', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, [sized(1, 5_000), sized(2, 5_000), sized(3, 5_000)])]);
    const places = log.locate(1, 1, 10);
    expect(places.map(({ slots }) => slots.length)).toEqual([4]);
    const other = new BlockBuilder();
    other.add(9, entry(5, 1));
    database.prepare('UPDATE log SET block = ? WHERE slot = ?').run(other.seal(1_000), places[0]?.slots[3]);
    const found = new LogRecordReader(database).read(1, 1, places, 1e9);
    expect(found.map(({ seq, bytes }) => [seq, bytes.length])).toEqual([
      [1, 5_000],
      [2, 5_000],
    ]);
  });

  it('make a store amnesiac of which it cannot be told whose entries are lost', () => {
    const database = new Database(':memory:');
    open(database).commit([...began, append(1, 5, entries(5, 1, 3))]);
    const spoil = (sql: string) => {
      const copy = new Database(database.serialize());
      copy.exec(sql);
      return () => open(copy);
    };
    expect(spoil('UPDATE log SET block = CAST(zeroblob(4) || substr(block, 5) AS BLOB)')).toThrow('damaged');
    expect(spoil('INSERT INTO log (block) SELECT block FROM log')).toThrow('two blocks');
    expect(spoil('UPDATE log SET slot = 69')).toThrow('slot 1 of the log is missing');
    expect(() => readHead(null)).toThrow('damaged');
  });

  it('show what is lost with a block that another was written over', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([
      ...began,
      append(1, 5, entries(5, 1, 60)),
      append(1, 5, [sized(61, 9_000), sized(62, 9_000), entry(5, 63)]),
    ]);
    const [, second = 0] = log.locate(1, 1, 60).map(({ slots }) => slots[0] ?? 0);
    const [large] = log.locate(1, 61, 1);
    const spoilt = (slot: number) => {
      const copy = new Database(database.serialize());
      const dead = new BlockBuilder();
      dead.add(9, entry(5, 1));
      copy.prepare('UPDATE log SET block = ? WHERE slot = ?').run(dead.seal(1_000), slot);
      return [...new LogFile(copy, identity).damage];
    };
    // What follows it is there, with a gap before.
    expect(spoilt(second)).toEqual([[1, 61]]);
    // The entries are there, and not all pieces of the record: of each entry in turn.
    expect(large?.slots).toHaveLength(5);
    expect(spoilt(large?.slots[1] ?? 0)).toEqual([[1, 61]]);
    expect(spoilt(large?.slots[3] ?? 0)).toEqual([[1, 62]]);
    expect(spoilt(large?.slots[4] ?? 0)).toEqual([[1, 63]]);
  });

  it('give what lies beside a lost piece, and no more', () => {
    const database = new Database(':memory:');
    const log = open(database);
    const large = [1, 2, 3].map((partition) => append(partition, 5, [sized(1, 7_000)]));
    log.commit([...began, promise(3, 5), sync(3, 5), ...large]);
    const [place] = log.locate(1, 1, 1);
    const other = new BlockBuilder();
    other.add(9, entry(5, 1));
    database.prepare('UPDATE log SET block = ? WHERE slot = ?').run(other.seal(1_000), place?.slots[2]);
    const again = open(database);
    expect([...again.damage]).toEqual([[2, 1]]);
    expect(again.read(1, 1, 1)[0]?.bytes).toEqual(sized(1, 7_000).bytes);
    expect(again.read(3, 1, 1)[0]?.bytes).toEqual(sized(1, 7_000).bytes);
    again.commit([{ type: 'trim', partition: 3, throughSeq: 1 }]);
    expectAllFree(again);
  });

  it.each([4_028 - 21, 4_028, 2 * 4_028 - 21, 2 * 4_028])(
    'read an entry of %i bytes, which ends where a block does or begins another',
    (bytes) => {
      const database = new Database(':memory:');
      const log = open(database);
      const pair = [sized(2, bytes), sized(3, 2_500)];
      log.commit([...began, append(1, 5, [sized(1, bytes)]), promise(2, 5), sync(2, 5, 0, [entry(5, 1)])]);
      log.commit([append(1, 5, pair)]);
      for (const one of [log, open(database)]) {
        const all = one.read(1, 1, 1e9);
        expect(all.map((each) => each.bytes)).toEqual([sized(1, bytes), ...pair].map((each) => each.bytes));
      }
    },
  );

  it('keep a promise to later records in numbers that are gone from the file', () => {
    const database = new Database(':memory:');
    open(database).commit([...began, append(1, 5, entries(5, 1, 50))]);
    const log = open(database);
    log.commit([{ type: 'delete', partition: 1, recordEpoch: 5 }]);
    open(database).commit([append(2, 5, entries(5, 1, 60))]);
    const again = open(database);
    again.commit([sync(1, 6, 0, entries(6, 1, 2))]);
    expect(heldAgain(database, 1)).toHaveLength(2);
    expect(heldAgain(database, 2)).toHaveLength(60);
  });

  it('give those of a long log back a part at a time, and all of them', () => {
    const database = new Database(':memory:');
    const log = open(database);
    log.commit([...began, append(1, 5, entries(5, 1, 50_000)), append(2, 5, entries(5, 1, 9))]);
    log.commit([{ type: 'trim', partition: 1, throughSeq: 50_000 }]);
    const first = log.freeSlots;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(slotCount(database) / 2);
    expect(heldAgain(database, 2)).toHaveLength(9);
    for (let seq = 10; seq <= 14; seq += 1) log.commit([append(2, 5, entries(5, seq, seq))]);
    expect(log.freeSlots).toBeGreaterThan(slotCount(database) - 5);
    expectAllFree(log);
    expect(heldAgain(database, 1)).toEqual([]);
  });
});
