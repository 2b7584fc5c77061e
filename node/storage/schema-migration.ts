/**
 * Brings a database to the newest schema by numbered migrations, each run once, in order, in one transaction.
 * The number reached is SQLite's `user_version`; migrations that were released are never changed, only
 * followed.
 *
 * Views are for people and hold nothing: they are made anew wherever they differ, without a number of their
 * own, so that the release before can go on with the file.
 */
import type Database from 'better-sqlite3';
import { ForeignStore, isFull } from './storage-error.js';

export interface Migration {
  /** From 1, without gaps. */
  number: number;
  sql: string;
  /** Goes on where SQL ends, in the same transaction. */
  convert?: (database: Database.Database) => void;
}

export interface View {
  name: string;
  /** From CREATE on, as SQLite keeps it. */
  sql: string;
}

/** Tells the two kinds of file apart, and from anything else that is SQLite: 'KVlg' and 'KVtb'. */
export const applicationIds = { log: 0x4b566c67, table: 0x4b567462 } as const;

export function migrate(
  database: Database.Database,
  applicationId: number,
  migrations: readonly Migration[],
): void {
  const found = database.pragma('user_version', { simple: true }) as number;
  const owner = database.pragma('application_id', { simple: true }) as number;
  const newest = migrations.at(-1)?.number ?? 0;
  if (found > newest) {
    throw new ForeignStore(`${database.name} has schema ${found}; this release knows up to ${newest}`);
  }
  if (found > 0 && owner !== applicationId)
    throw new ForeignStore(`${database.name} is not a file of this kind`);
  if (found === newest) return;
  database.transaction(() => {
    for (const { number, sql, convert } of migrations) {
      if (number <= found) continue;
      database.exec(sql);
      convert?.(database);
    }
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${newest}`);
  })();
}

/** Of a file whose store is known to be the right one. On a full disk the view stays as it is. */
export function refreshView(database: Database.Database, { name, sql }: View): void {
  const found = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?").pluck();
  if (found.get(name) === sql) return;
  try {
    database.transaction(() => database.exec(`DROP VIEW IF EXISTS ${name}; ${sql}`))();
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}
