/**
 * A worker's folder: its lock, the two files, and how they come into being and are put aside. Both files
 * appear under their names only when they are whole, the table first, so that a log without a table is never
 * a store half made.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Limits } from '../../core/limits.js';
import { LogFile } from './log-file.js';
import type { StorePaths } from './log-messages.js';
import { AmnesiacStore, StoreLocked, openingError, sqliteCode } from './storage-error.js';
import { TableFile } from './table-file.js';

const sidecars = ['', '-wal', '-shm'];
const lockWaitMs = 250;

export interface StoreIdentity {
  clusterId: string;
  /** Random hexadecimal; used only if a store has to be made. */
  newStoreId: string;
  limits: Limits;
}

export class StoreFolder {
  readonly paths: StorePaths;
  private readonly lock: Database.Database;

  /**
   * Takes the folder, making it if need be. The lock is SQLite's own, held by an open transaction on a file
   * without content: the operating system drops it with the process, however that ends. @throws StoreLocked
   */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.paths = { log: path.join(folder, 'log.db'), table: path.join(folder, 'table.db') };
    this.lock = new Database(path.join(folder, 'lock.db'), { timeout: lockWaitMs });
    try {
      this.lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      this.lock.close();
      if (!sqliteCode(error).startsWith('SQLITE_BUSY')) throw openingError('the lock of the folder', error);
      throw new StoreLocked(`${folder} is in use by another process`);
    }
  }

  release(): void {
    this.lock.close();
  }

  /** Makes the files if there are none. @throws AmnesiacStore if one of them is gone */
  ensureFiles(identity: StoreIdentity): void {
    const { log, table } = this.paths;
    if (existsSync(log)) {
      if (!existsSync(table)) throw new AmnesiacStore(`${table} is gone`);
      return;
    }
    if (existsSync(table) && !this.isEmptyTable(identity)) throw new AmnesiacStore(`${log} is gone`);
    this.create(identity);
  }

  /** A table that never held anything: the store was being made when the process ended. */
  private isEmptyTable({ limits, newStoreId }: StoreIdentity): boolean {
    const table = new TableFile(this.paths.table, { limits, newStoreId });
    const empty = table.partitions().length === 0;
    table.close();
    return empty;
  }

  private create({ clusterId, newStoreId, limits }: StoreIdentity): void {
    const { log, table } = this.paths;
    for (const file of [log, table]) {
      for (const sidecar of sidecars) rmSync(`${file}.new${sidecar}`, { force: true });
    }
    for (const file of [
      new TableFile(`${table}.new`, { newStoreId, limits }),
      new LogFile(`${log}.new`, { newStoreId, clusterId }),
    ]) {
      file.makeDurable();
      file.close();
    }
    for (const sidecar of sidecars.slice(1)) rmSync(`${table}${sidecar}`, { force: true });
    renameSync(`${table}.new`, table);
    this.syncFolder();
    renameSync(`${log}.new`, log);
    this.syncFolder();
  }

  /** Renames the files to the first `*.disowned-N` that is free; answers their new names. */
  disown(): string[] {
    const taken = new Set(readdirSync(this.folder));
    let number = 1;
    while ([...taken].some((name) => name.includes(`.disowned-${number}`))) number += 1;
    const renamed: string[] = [];
    // The log first: without it the rest is no store.
    for (const file of [this.paths.log, this.paths.table]) {
      for (const sidecar of sidecars) {
        const target = `${file}.disowned-${number}${sidecar}`;
        if (!existsSync(`${file}${sidecar}`)) continue;
        renameSync(`${file}${sidecar}`, target);
        renamed.push(target);
      }
    }
    this.syncFolder();
    return renamed;
  }

  private syncFolder(): void {
    const descriptor = openSync(this.folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
