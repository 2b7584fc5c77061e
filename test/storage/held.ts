/** Logs in a database at hand, and what they say that they hold. */
import { expect } from '@jest/globals';
import type Database from 'better-sqlite3';
import type { LogCommand } from '../../core/protocol/log-command.js';
import { LogFile } from '../../node/storage/log-file.js';
import { promise, sync } from './entries.js';

export const identity = { clusterId: 'c', newStoreId: 'a1' };
export const began: LogCommand[] = [promise(1, 5), sync(1, 5), promise(2, 5), sync(2, 5)];

export function open(database: Database.Database): LogFile {
  return new LogFile(database, { ...identity, verify: true });
}

export function held(log: LogFile, partition: number): [number, number][] {
  const found: [number, number][] = [];
  const { baseSeq = 0 } = log.replica(partition) ?? {};
  for (;;) {
    // A read answers with a bounded number of entries.
    const some = log.read(partition, baseSeq + found.length + 1, 1e9);
    if (some.length === 0) return found;
    for (const { epoch, seq } of some) found.push([epoch, seq]);
  }
}

export function slotCount(database: Database.Database): number {
  return database.prepare<[], number>('SELECT count(*) FROM log').pluck().get() ?? 0;
}

/** All slots are free once nothing in them counts, and they are numbered without gaps. */
export function expectAllFree(log: LogFile): void {
  log.commit([1, 2].map((partition) => ({ type: 'trim', partition, throughSeq: 1e9 })));
  const newest = log.database.prepare('SELECT max(slot) FROM log').pluck().get();
  expect([log.freeSlots, newest]).toEqual([slotCount(log.database), slotCount(log.database)]);
}

/** What a file says, opened anew, with all of its checksums proved. */
export function heldAgain(database: Database.Database, partition: number): [number, number][] {
  const log = open(database);
  expect([...log.damage]).toEqual([]);
  return held(log, partition);
}
