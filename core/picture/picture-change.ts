/**
 * What changed between two pictures, and how a viewer that has the first one comes to the second:
 * `applied(before, changeBetween(before, after))` equals `after`. Slots and events are added at the end and
 * dropped at the front, never elsewhere.
 */
import type {
  ClusterHead,
  ClusterPicture,
  EventPicture,
  LatencySlot,
  WorkerPicture,
  WorkPicture,
} from './cluster-picture.js';

export interface PictureChange {
  at: number;
  head?: ClusterHead;
  workers?: WorkerPicture[];
  ages?: (number | null)[];
  works?: WorkPicture[];
  /** How many there are now, and those that differ, by number. */
  partitions?: { count: number; changed: Record<string, string> };
  /** The first slot that is kept, and those that differ. */
  latency?: { slotMs: number; slotsMax: number; first: number; changed: LatencySlot[] };
  /** The first event that is kept, and those that are new. */
  events?: { first: number; added: EventPicture[] };
}

/** Null if nothing but the time differs. */
export function changeBetween(before: ClusterPicture, after: ClusterPicture): PictureChange | null {
  const change: PictureChange = { at: after.at };
  if (differs(before.head, after.head)) change.head = after.head;
  if (differs(before.workers, after.workers)) change.workers = after.workers;
  if (differs(before.ages, after.ages)) change.ages = after.ages;
  if (differs(before.works, after.works)) change.works = after.works;
  const partitions = changedPartitions(before.partitions, after.partitions);
  if (partitions !== null) change.partitions = partitions;
  const latency = changedLatency(before, after);
  if (latency !== null) change.latency = latency;
  const events = changedEvents(before.events, after.events);
  if (events !== null) change.events = events;
  return Object.keys(change).length > 1 ? change : null;
}

/** The picture after the change; `before` stays as it is. */
export function applied(before: ClusterPicture, change: PictureChange): ClusterPicture {
  return {
    at: change.at,
    head: change.head ?? before.head,
    workers: change.workers ?? before.workers,
    ages: change.ages ?? before.ages,
    works: change.works ?? before.works,
    partitions: appliedPartitions(before.partitions, change.partitions),
    latency: appliedLatency(before, change.latency),
    events: appliedEvents(before.events, change.events),
  };
}

function differs(before: unknown, after: unknown): boolean {
  return before !== after && JSON.stringify(before) !== JSON.stringify(after);
}

function changedPartitions(before: string[], after: string[]): PictureChange['partitions'] | null {
  const changed: Record<string, string> = {};
  after.forEach((text, partition) => {
    if (text !== before[partition]) changed[partition] = text;
  });
  const same = before.length === after.length && Object.keys(changed).length === 0;
  return same ? null : { count: after.length, changed };
}

function appliedPartitions(before: string[], change: PictureChange['partitions']): string[] {
  if (change === undefined) return before;
  return Array.from(
    { length: change.count },
    (_, partition) => change.changed[partition] ?? before[partition] ?? '',
  );
}

function changedLatency(before: ClusterPicture, after: ClusterPicture): PictureChange['latency'] | null {
  if (!differs(before.latency, after.latency)) return null;
  const { slotMs, slotsMax, slots } = after.latency;
  const known = new Map(before.latency.slots.map((slot) => [slot.slot, slot]));
  const changed = slots.filter((slot) => differs(known.get(slot.slot), slot));
  return { slotMs, slotsMax, first: slots[0]?.slot ?? Number.MAX_SAFE_INTEGER, changed };
}

function appliedLatency(before: ClusterPicture, change: PictureChange['latency']): ClusterPicture['latency'] {
  if (change === undefined) return before.latency;
  const { slotMs, slotsMax, first, changed } = change;
  const slots = new Map(before.latency.slots.map((slot) => [slot.slot, slot]));
  for (const slot of changed) slots.set(slot.slot, slot);
  const kept = [...slots.values()].filter((slot) => slot.slot >= first);
  return { slotMs, slotsMax, slots: kept.sort((a, b) => a.slot - b.slot) };
}

function changedEvents(before: EventPicture[], after: EventPicture[]): PictureChange['events'] | null {
  const newest = before.at(-1)?.id ?? 0;
  const added = after.filter((event) => event.id > newest);
  const first = after[0]?.id ?? newest + 1;
  return added.length === 0 && before[0]?.id === after[0]?.id ? null : { first, added };
}

function appliedEvents(before: EventPicture[], change: PictureChange['events']): EventPicture[] {
  if (change === undefined) return before;
  return [...before.filter((event) => event.id >= change.first), ...change.added];
}
