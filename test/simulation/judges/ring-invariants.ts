/** What may change in the ring record from one version to the next. */
import type { PartitionRecord, RingRecord } from '../../../core/ring/ring-record.js';
import { hasIdentity } from '../../../core/ring/ring-record.js';
import type { Finding } from './history.js';

export function checkRingChange(before: RingRecord | null, after: RingRecord): Finding {
  if (before !== null) {
    if (after.version !== before.version + 1)
      return `ring version went from ${before.version} to ${after.version}`;
    if (after.epochCounter < before.epochCounter) {
      return `epoch counter fell from ${before.epochCounter} to ${after.epochCounter}`;
    }
    if (after.partitions.length !== before.partitions.length) return 'the number of partitions changed';
  }
  for (const [partition, record] of after.partitions.entries()) {
    const problem =
      checkRecord(record, after) ??
      checkChange(before?.partitions[partition], record, before?.epochCounter ?? 0);
    if (problem !== undefined) return `ring version ${after.version}, partition ${partition}: ${problem}`;
  }
  return undefined;
}

function checkRecord(record: PartitionRecord, ring: RingRecord): Finding {
  if (record.attempt > ring.epochCounter) return `attempt ${record.attempt} is above the counter`;
  if (record.epoch > record.attempt) return `epoch ${record.epoch} is above the attempt ${record.attempt}`;
  if (record.epoch > 0 && !hasIdentity(record.voters, record.primary)) return 'the primary is not a voter';
  const stores = [...record.voters, ...record.learners].map(({ id, storeId }) => `${id}/${storeId}`);
  if (new Set(stores).size !== stores.length) return `a store is named twice: ${stores.join()}`;
  const voters = record.voters.map(({ id }) => id);
  if (new Set(voters).size !== voters.length) return `a worker has two votes: ${voters.join()}`;
  return undefined;
}

function checkChange(
  before: PartitionRecord | undefined,
  after: PartitionRecord,
  counterBefore: number,
): Finding {
  if (before === undefined) return undefined;
  if (after.epoch < before.epoch) return `epoch fell from ${before.epoch} to ${after.epoch}`;
  if (after.attempt < before.attempt) return `attempt fell from ${before.attempt} to ${after.attempt}`;
  if (after.attempt !== before.attempt && after.attempt <= counterBefore) {
    return `attempt ${after.attempt} was allocated before`;
  }
  if (after.epoch !== before.epoch) {
    if (after.epoch !== before.attempt)
      return `epoch ${after.epoch} committed over the attempt ${before.attempt}`;
    return undefined;
  }
  // Epoch 0 is no configuration: it says who shall hold the partition at first.
  if (after.epoch === 0) return undefined;
  const named = ({ primary, voters }: PartitionRecord) => JSON.stringify([primary, voters]);
  if (named(before) !== named(after)) return `changed within epoch ${after.epoch}`;
  return undefined;
}
