/**
 * The two changes of the ring record that a reconfiguration makes: allocating its epoch, and committing what
 * it led to. Both say for each partition on what condition they may be made on a document that is newer than
 * the one they were planned on.
 */
import type { PartitionRecord, RingRecord, WorkerId } from '../ring/ring-record.js';
import { hasIdentity } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { FenceAnswer } from './choice.js';
import type { Item } from './reconfiguration-item.js';
import { sameConfiguration } from './reconfiguration-item.js';

/** The boot counts that workers reported last, of whatever run. */
export interface BootCounts {
  bootCountOf(worker: WorkerId): number;
}

/**
 * The configuration that the order was made for still stands; before the first one anything may be put in its
 * place.
 */
export function isAsOrdered(item: Item, current: PartitionRecord): boolean {
  if (item.order.founders !== null) return current.epoch === 0;
  return sameConfiguration(current, item.base);
}

/**
 * `epoch` becomes the newest allocated and the attempt of each partition; null if none is as it was ordered
 * for.
 */
export function withAllocation(record: RingRecord, items: readonly Item[], epoch: number): RingRecord | null {
  const partitions = [...record.partitions];
  let changed = false;
  for (const item of items) {
    const current = partitions[item.order.partition];
    if (item.state !== 'allocating' || current === undefined || !isAsOrdered(item, current)) continue;
    const voters = item.order.founders ?? current.voters;
    partitions[item.order.partition] = { ...current, voters, attempt: epoch };
    changed = true;
  }
  return changed ? { ...record, epochCounter: epoch, partitions } : null;
}

/** On a newer document too, but only while the partition itself is as it was when it was fenced. */
export function mayCommit(item: Item, current: PartitionRecord, epoch: number): boolean {
  if (!holds('commit-checks-attempt')) return current.epoch < epoch;
  return current.attempt === epoch && sameConfiguration(current, item.base);
}

/** The new configurations in place of those that may be replaced; null if none may. */
export function withCommits(
  record: RingRecord,
  items: readonly Item[],
  epoch: number,
  reported: BootCounts,
): RingRecord | null {
  const partitions = [...record.partitions];
  let changed = false;
  for (const item of items) {
    const current = partitions[item.order.partition];
    if (current === undefined || item.chosen === null || !mayCommit(item, current, epoch)) continue;
    partitions[item.order.partition] = configuration(item, item.chosen, epoch);
    changed = true;
  }
  if (!changed) return null;
  if (holds('boot-count-in-record')) return { ...record, partitions };
  return { ...record, partitions: withReportedBootCounts(partitions, reported) };
}

function configuration(item: Item, chosen: FenceAnswer, epoch: number): PartitionRecord {
  const primary = { id: chosen.id, storeId: chosen.storeId, bootCount: item.leaderBootCount };
  const learners = item.base.learners.filter((learner) => !hasIdentity(item.voters, learner));
  return { epoch, attempt: epoch, primary, voters: item.voters, learners };
}

/** Only with its rule broken: the boot count that a worker reported last goes into all its partitions. */
function withReportedBootCounts(
  partitions: readonly PartitionRecord[],
  reported: BootCounts,
): PartitionRecord[] {
  return partitions.map((partition) => {
    const bootCount = Math.max(partition.primary.bootCount, reported.bootCountOf(partition.primary.id));
    return { ...partition, primary: { ...partition.primary, bootCount } };
  });
}
