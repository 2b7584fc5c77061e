import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { logMigrations } from '../../node/storage/log-schema.js';
import { applicationIds, migrate } from '../../node/storage/schema-migration.js';
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
  ['log', applicationIds.log, logMigrations],
  ['table', applicationIds.table, tableMigrations],
] as const)('the schema of the %s', (name, applicationId, migrations) => {
  it('is the one on record', () => {
    const database = new Database(':memory:');
    migrate(database, applicationId, migrations);
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
