/** Entries and commands for the storage tests. */
import { assert } from '../../core/assert.js';
import { encodeEntry } from '../../core/protocol/entry.js';
import type { Entry, EntryContent } from '../../core/protocol/entry.js';
import type { LogCommand } from '../../core/protocol/log-command.js';
import type Database from 'better-sqlite3';
import { checksum } from '../../node/storage/checksum.js';
import { headBytes, readHead, readItems } from '../../node/storage/log-block.js';

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

export type EntryParts = Partial<Omit<EntryContent, 'key' | 'value'>> & { key?: string; value?: string };

/** A put of `value-<seq>` at `key-<seq>`, unless `parts` says otherwise. */
export function entry(epoch: number, seq: number, parts: EntryParts = {}): Entry {
  const { key = `key-${seq}`, value = `value-${seq}`, kind = 'put', ...rest } = parts;
  const content: EntryContent = {
    kind,
    version: { epoch, seq },
    logTime: 1_700_000_000_000 + seq,
    created: true,
    contentType: 'text/plain',
    idempotencyKey: '',
    digest: 7,
    ...rest,
    key: bytesOf(key),
    value: kind === 'delete' ? new Uint8Array(0) : bytesOf(value),
  };
  return encodeEntry(content, checksum);
}

export function entries(epoch: number, fromSeq: number, throughSeq: number): Entry[] {
  return Array.from({ length: throughSeq - fromSeq + 1 }, (_, index) => entry(epoch, fromSeq + index));
}

/** Of epoch 5, with exactly so many bytes. */
export function sized(seq: number, bytes: number): Entry {
  const { length } = entry(5, seq, { value: '' }).bytes;
  return entry(5, seq, { value: 'x'.repeat(bytes - length) });
}

export function sync(partition: number, epoch: number, cutTo = 0, added: Entry[] = []): LogCommand {
  const epochStarts = [{ epoch, firstSeq: cutTo + 1 }];
  return { type: 'sync', partition, epoch, cutTo, epochStarts, entries: added, copy: null };
}

export function append(partition: number, epoch: number, added: Entry[]): LogCommand {
  return { type: 'append', partition, epoch, entries: added };
}

export function promise(partition: number, epoch: number): LogCommand {
  return { type: 'promise', partition, epoch };
}

/** Changes a bit of an entry in the log, where only the entry's own checksum tells. */
export function spoilEntry(database: Database.Database, partition: number, seq: number): void {
  const slots = database.prepare<[], [number, Uint8Array]>('SELECT slot, block FROM log').raw().all();
  for (const [slot, block] of slots) {
    const item = readItems(block, readHead(block)).find(
      (one) => one.partition === partition && one.seq === seq && !one.isCut,
    );
    if (item === undefined) continue;
    assert(readHead(block).pieces === 1, 'an entry of a run may lie in another block than its item');
    const at = headBytes + item.at + 50;
    block[at] = (block[at] ?? 0) ^ 4;
    database.prepare('UPDATE log SET block = ? WHERE slot = ?').run(block, slot);
    return;
  }
  throw new Error(`no entry ${seq} of partition ${partition}`);
}
