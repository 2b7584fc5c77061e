/** Reads of one turn see one view of the table, and none that is older than what memory has let go of. */
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { TableSnapshot } from '../../node/storage/table-snapshot.js';
import { append, bytesOf, entries, sync, textOf } from './entries.js';
import { apply, newFolder, open, removeFolder, submitDone } from './folder.js';

describe('TableSnapshot', () => {
  let folder: string;
  beforeEach(() => {
    folder = newFolder('memory');
  });
  afterEach(() => removeFolder(folder));

  it('shows one view until it ends, and then what was written meanwhile', () => {
    const file = path.join(folder, 'any.db');
    const writer = new Database(file);
    writer.pragma('journal_mode = WAL');
    writer.exec('CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1)');
    const reader = new Database(file, { readonly: true });
    const ends: (() => void)[] = [];
    const snapshot = new TableSnapshot(reader, (run) => ends.push(run));
    const sum = () => {
      snapshot.begin();
      return reader.prepare('SELECT sum(n) FROM numbers').pluck().get();
    };
    expect(sum()).toBe(1);
    writer.exec('INSERT INTO numbers VALUES (2)');
    expect(sum()).toBe(1);
    expect(ends).toHaveLength(1);
    snapshot.end();
    expect(sum()).toBe(3);
    writer.exec('INSERT INTO numbers VALUES (3)');
    // Both ends of turns that were asked for; the first finds the view that began after it.
    for (const end of ends) end();
    expect(reader.inTransaction).toBe(false);
    expect(sum()).toBe(6);
    reader.close();
    writer.close();
  });

  it('ends before memory hears that something is applied, though the turn goes on', async () => {
    const turn: (() => void)[] = [];
    const store = await open(folder, { endOfTurn: (run) => turn.push(run) });
    const submitted = submitDone(store, [sync(1, 5), append(1, 5, entries(5, 1, 2))]);
    for (const end of turn.splice(0)) end();
    await submitted;
    const found = () => {
      const row = store.table.get(1, bytesOf('key-1'));
      return row === null || row === 'damaged' ? row : textOf(row.value);
    };
    expect(found()).toBeNull();
    expect(turn).toHaveLength(1);
    // The turn never ends here: without an end of the view this read would miss the row.
    expect(await apply(store, 1, entries(5, 1, 2))).toBe('applied');
    expect(found()).toBe('value-1');
    for (const end of turn) end();
    await store.close();
  });
});
