import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { LogFile } from '../../node/storage/log-file.js';
import { currentEntriesView, logMigrations } from '../../node/storage/log-schema.js';
import { applicationIds, migrate, refreshView } from '../../node/storage/schema-migration.js';
import { tableMigrations } from '../../node/storage/table-schema.js';

// KVORUM_REWRITE_GOLDEN=1 writes the files anew; the difference is for a person to review.
const rewrite = process.env.KVORUM_REWRITE_GOLDEN === '1';

function schemaOf(database: Database.Database): string {
  const statements = database
    .prepare<[], string>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name')
    .pluck()
    .all();
  return `${statements.join(';\n\n')};\n`;
}

describe.each([
  ['log', applicationIds.log, logMigrations, [currentEntriesView]],
  ['table', applicationIds.table, tableMigrations, []],
] as const)('the schema of the %s', (name, applicationId, migrations, views) => {
  it('is the one on record', () => {
    const database = new Database(':memory:');
    migrate(database, applicationId, migrations);
    for (const view of views) refreshView(database, view);
    const golden = new URL(`../../../test/storage/golden/${name}-schema.sql`, import.meta.url);
    if (rewrite) writeFileSync(golden, schemaOf(database));
    expect(schemaOf(database)).toBe(readFileSync(golden, 'utf8'));
    expect(database.pragma('user_version', { simple: true })).toBe(migrations.length);
  });

  it('has migrations numbered from 1, each run once', () => {
    expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, index) => index + 1));
    const database = new Database(':memory:');
    migrate(database, applicationId, migrations);
    const before = schemaOf(database);
    migrate(database, applicationId, migrations);
    expect(schemaOf(database)).toBe(before);
  });

  it('goes on from the number that a file has', () => {
    const database = new Database(':memory:');
    migrate(database, applicationId, migrations);
    const next = { number: migrations.length + 1, sql: 'CREATE TABLE added (id INTEGER PRIMARY KEY)' };
    migrate(database, applicationId, [...migrations, next]);
    expect(schemaOf(database)).toContain('CREATE TABLE added');
    expect(() => migrate(database, applicationId, migrations)).toThrow('knows up to');
  });

  it('leaves a file of another kind alone', () => {
    const database = new Database(':memory:');
    database.pragma('user_version = 1');
    expect(() => migrate(database, applicationId, migrations)).toThrow('not a file of this kind');
  });

  it('changes nothing if a migration fails', () => {
    const database = new Database(':memory:');
    const broken = { number: migrations.length + 1, sql: 'CREATE TABLE half (id INTEGER); nonsense' };
    expect(() => migrate(database, applicationId, [...migrations, broken])).toThrow('syntax');
    expect(schemaOf(database)).toBe(';\n');
    expect(database.pragma('user_version', { simple: true })).toBe(0);
  });
});

describe('a view', () => {
  const bring = (database: Database.Database, sql: string) =>
    refreshView(database, { name: 'shown', sql: `CREATE VIEW shown AS ${sql}` });
  const shown = (database: Database.Database) => database.prepare('SELECT * FROM shown').pluck().all();

  it('is made anew where it differs', () => {
    const database = new Database(':memory:');
    for (const number of [1, 2, 1]) {
      bring(database, `SELECT ${number}`);
      expect(shown(database)).toEqual([number]);
    }
  });

  it('is left alone where nothing changed', () => {
    const database = new Database(':memory:');
    bring(database, 'SELECT 1');
    const before = database.pragma('schema_version', { simple: true });
    bring(database, 'SELECT 1');
    expect(database.pragma('schema_version', { simple: true })).toBe(before);
  });

  it('stays as it is where the disk is full', () => {
    const database = new Database(':memory:');
    bring(database, 'SELECT 1');
    const pages = database.pragma('page_count', { simple: true }) as number;
    database.pragma(`max_page_count = ${pages}`);
    bring(database, `SELECT '${'x'.repeat(20_000)}'`);
    expect(shown(database)).toEqual([1]);
    bring(database, 'SELECT 3');
    expect(shown(database)).toEqual([3]);
  });

  it('of a log of another cluster is not touched', () => {
    const database = new Database(':memory:');
    const identity = { clusterId: 'c', newStoreId: 'a1' };
    new LogFile(database, identity);
    database.exec('DROP VIEW entries; CREATE VIEW entries AS SELECT 1');
    const before = schemaOf(database);
    expect(() => new LogFile(database, { ...identity, clusterId: 'd' })).toThrow('of cluster c');
    expect(schemaOf(database)).toBe(before);
    new LogFile(database, identity);
    expect(schemaOf(database)).toContain('RECURSIVE');
  });
});
