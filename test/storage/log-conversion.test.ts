import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { fieldsChecksum } from '../../node/storage/checksum.js';
import { logMigrations } from '../../node/storage/log-schema.js';
import { applicationIds, migrate } from '../../node/storage/schema-migration.js';
import { append, entries, entry, sized, sync } from './entries.js';
import { held, heldAgain, open } from './held.js';

describe('a log of rows, as they were kept before', () => {
  function fileOfRows(): Database.Database {
    const database = new Database(':memory:');
    migrate(database, applicationIds.log, logMigrations.slice(0, 2));
    const store = ['a1', 'c', 3, 800, 1, 0] as const;
    database
      .prepare('INSERT INTO store VALUES (1, ?, ?, ?, ?, ?, ?, NULL, ?)')
      .run(...store, fieldsChecksum(['a1', 'c', 3, 800, 1, 0]));
    const replica = (partition: number, baseSeq: number, firstId: number) => {
      const columns = [partition, 5, 5, '[[5,1]]', baseSeq, baseSeq, 0, firstId, 0, '[]'];
      database
        .prepare('INSERT INTO replicas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(...columns, fieldsChecksum(columns));
    };
    replica(1, 10, 12);
    replica(2, 0, 1);
    replica(3, 0, 5_000);
    const insert = database.prepare('INSERT INTO log (partition, seq, epoch, entry) VALUES (?, ?, 5, ?)');
    for (let seq = 1; seq <= 1_500; seq += 1) {
      const one = seq % 100 === 0 ? sized(seq, 9_000) : entry(5, seq);
      insert.run(1, seq, one.bytes);
      if (seq > 6) insert.run(2, seq - 6, entry(5, seq - 6).bytes);
    }
    return database;
  }

  it('is taken over whole, without what counted no more', () => {
    const database = fileOfRows();
    const log = open(database);
    expect([...log.damage]).toEqual([]);
    expect(log.store).toMatchObject({ storeId: 'a1', bootCount: 3 });
    expect(held(log, 1).map(([, seq]) => seq)).toEqual(
      Array.from({ length: 1_490 }, (_, index) => index + 11),
    );
    expect(held(log, 2)).toHaveLength(1_494);
    expect(log.read(1, 1_400, 1)[0]?.bytes).toEqual(sized(1_400, 9_000).bytes);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'log%'").pluck().all();
    expect(tables).toEqual(['log']);
    log.commit([append(1, 5, entries(5, 1_501, 1_502)), sync(3, 6, 0, entries(6, 1, 1))]);
    expect(heldAgain(database, 1)).toHaveLength(1_492);
    expect(heldAgain(database, 3)).toEqual([[6, 1]]);
  });

  it('is taken over with its damage, which is found as before', () => {
    const database = fileOfRows();
    database.exec(`UPDATE log SET entry = CAST(zeroblob(80) AS BLOB) WHERE partition = 2 AND seq = 700;
      UPDATE log SET entry = x'' WHERE partition = 2 AND seq = 300`);
    database.exec('DELETE FROM log WHERE partition = 1 AND seq = 900');
    expect([...open(database).damage].sort()).toEqual([
      [1, 901],
      [2, 700],
    ]);
  });
});
