/**
 * Entries on their way to a storage thread: one buffer for a whole batch, handed over instead of copied by
 * the runtime, which would clone the network frame behind every entry. What is small and rare travels beside
 * it as it is.
 *
 *   of each group: partition u16 | epoch f64 | entry count u32 | of each entry: byte count u32, bytes
 */
import type { Entry } from '../../core/protocol/entry.js';
import type { LogCommand } from '../../core/protocol/log-command.js';

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

type AppendCommand = Extract<LogCommand, { type: 'append' }>;

/** Plain appends and nothing else, which is what nearly every message holds, need only their bytes. */
export function packAppends(commands: readonly LogCommand[]): ArrayBuffer | null {
  return commands.every(isAppend) ? packGroups(commands as readonly AppendCommand[]) : null;
}

function isAppend(command: LogCommand): boolean {
  return command.type === 'append';
}

/** Adds them to `commands`; answers how many there were. */
export function unpackAppends(packed: ArrayBuffer, commands: LogCommand[]): number {
  const groups = unpackGroups(packed);
  for (const { partition, epoch, entries } of groups) {
    commands.push({ type: 'append', partition, epoch, entries });
  }
  return groups.length;
}

/**
 * A list of commands as it travels: `others` are those that are no plain append, with their places in the
 * list.
 */
export interface PackedCommands {
  packed: ArrayBuffer;
  others: { at: number; command: LogCommand }[];
  count: number;
}

export function packCommands(commands: readonly LogCommand[]): PackedCommands {
  const groups: EntryGroup[] = [];
  const others: PackedCommands['others'] = [];
  commands.forEach((command, at) => {
    if (command.type === 'append') {
      groups.push(command);
    } else if (command.type === 'sync') {
      groups.push(command);
      others.push({ at, command: { ...command, entries: [] } });
    } else {
      others.push({
        at,
        command: command.type === 'ring' ? { ...command, bytes: command.bytes.slice() } : command,
      });
    }
  });
  return { packed: packGroups(groups), others, count: commands.length };
}

export function unpackCommands({ packed, others, count }: PackedCommands): LogCommand[] {
  const groups = unpackGroups(packed);
  const commands: LogCommand[] = [];
  let nextGroup = 0;
  let nextOther = 0;
  for (let at = 0; at < count; at += 1) {
    const other = others[nextOther];
    if (other?.at === at) {
      nextOther += 1;
      if (other.command.type !== 'sync') {
        commands.push(other.command);
        continue;
      }
    }
    const group = groups[nextGroup];
    nextGroup += 1;
    if (group === undefined) break;
    if (other?.at === at && other.command.type === 'sync') {
      commands.push({ ...other.command, entries: group.entries });
    } else {
      commands.push({ type: 'append', ...group });
    }
  }
  return commands;
}

/** For the other direction: entries of one partition, without a header. */
export function packEntries(entries: Entry[]): ArrayBuffer {
  return packGroups([{ partition: 0, epoch: 0, entries }]);
}

export function unpackEntries(buffer: ArrayBuffer): Entry[] {
  return unpackGroups(buffer)[0]?.entries ?? [];
}
