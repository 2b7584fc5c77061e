/**
 * Entries on their way to the table's thread, or from the log's reading thread: one buffer for a whole batch,
 * handed over instead of copied by the runtime, which would clone the network frame behind every entry.
 *
 *   of each group: partition u16 | epoch f64 | entry count u32 | of each entry: byte count u32, bytes
 */
import type { Entry } from '../../core/protocol/entry.js';

export interface EntryGroup {
  partition: number;
  epoch: number;
  entries: Entry[];
}

type ReadonlyGroup = Readonly<Omit<EntryGroup, 'entries'>> & { readonly entries: readonly Entry[] };

const groupHeadBytes = 14;

export function packGroups(groups: readonly ReadonlyGroup[]): ArrayBuffer {
  let length = 0;
  for (const { entries } of groups) {
    length += groupHeadBytes;
    for (const { bytes } of entries) length += 4 + bytes.length;
  }
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const { partition, epoch, entries } of groups) {
    view.setUint16(at, partition);
    view.setFloat64(at + 2, epoch);
    view.setUint32(at + 10, entries.length);
    at += groupHeadBytes;
    for (const { bytes } of entries) {
      view.setUint32(at, bytes.length);
      packed.set(bytes, at + 4);
      at += 4 + bytes.length;
    }
  }
  return packed.buffer;
}

/** The entries share the buffer's memory. */
export function unpackGroups(buffer: ArrayBuffer): EntryGroup[] {
  const view = new DataView(buffer);
  const groups: EntryGroup[] = [];
  for (let at = 0; at < buffer.byteLength;) {
    const group: EntryGroup = { partition: view.getUint16(at), epoch: view.getFloat64(at + 2), entries: [] };
    const count = view.getUint32(at + 10);
    at += groupHeadBytes;
    for (let index = 0; index < count; index += 1) {
      const length = view.getUint32(at);
      const bytes = new Uint8Array(buffer, at + 4, length);
      // Epoch and seq stand in the entry's own header.
      group.entries.push({ epoch: view.getFloat64(at + 8), seq: view.getFloat64(at + 16), bytes });
      at += 4 + length;
    }
    groups.push(group);
  }
  return groups;
}

/** Entries of one partition, without a header. */
export function packEntries(entries: Entry[]): ArrayBuffer {
  return packGroups([{ partition: 0, epoch: 0, entries }]);
}

export function unpackEntries(buffer: ArrayBuffer): Entry[] {
  return unpackGroups(buffer)[0]?.entries ?? [];
}
