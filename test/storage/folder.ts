/** A folder of its own for each test, and the store in it. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultLimits } from '../../core/limits.js';
import type { Entry } from '../../core/protocol/entry.js';
import type { LogCommand, LogResult } from '../../core/protocol/log-command.js';
import { openStore } from '../../node/storage/open-store.js';
import type { OpenStoreOptions, Store } from '../../node/storage/open-store.js';

/** `memory`: where a sync costs nothing, for tests that bring no power cut of their own. */
export function newFolder(where: 'disk' | 'memory' = 'disk'): string {
  const base = where === 'memory' && existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  return mkdtempSync(path.join(base, 'kvorum-store-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** What a crash would leave: the files as they are, without their end being written. */
export function crashImage(folder: string): string {
  const image = newFolder();
  for (const name of ['log.db', 'log.db-wal', 'table.db', 'table.db-wal']) {
    if (existsSync(path.join(folder, name))) cpSync(path.join(folder, name), path.join(image, name));
  }
  return image;
}

export function storeOptions(changes: Partial<OpenStoreOptions> = {}): OpenStoreOptions {
  return {
    clusterId: 'c',
    newStoreId: 'a1',
    limits: defaultLimits,
    onFailure: (error) => {
      throw error;
    },
    onDamage: (partition) => {
      throw new Error(`damage in ${String(partition)}`);
    },
    ...changes,
  };
}

export function open(folder: string, changes: Partial<OpenStoreOptions> = {}): Promise<Store> {
  return openStore(folder, storeOptions(changes));
}

export function submit(store: Store, commands: LogCommand[]): Promise<LogResult[]> {
  return new Promise((resolve) => store.log.submit(commands, resolve));
}

export async function submitDone(store: Store, commands: LogCommand[]): Promise<void> {
  for (const result of await submit(store, commands)) {
    if (result.status !== 'done') throw new Error(JSON.stringify(result));
  }
}

export function read(store: Store, partition: number, fromSeq: number, bytesMax = 1e9): Promise<Entry[]> {
  return new Promise((resolve) => store.log.read(partition, fromSeq, bytesMax, resolve));
}

export function apply(store: Store, partition: number, entries: Entry[]): Promise<'applied' | 'full'> {
  return new Promise((resolve) => store.table.apply([{ partition, entries }], resolve));
}

export function checkpoint(store: Store): Promise<{ partition: number; seq: number }[]> {
  return new Promise((resolve) => store.table.checkpoint(resolve));
}
