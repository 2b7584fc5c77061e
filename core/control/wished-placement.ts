/**
 * The placement that the controller works towards. It is worked out anew only when the workers that may hold
 * replicas change, so that what is under way is not turned round by its own progress; and when another
 * controller changed the record, so that what that one made is taken as it is.
 */
import { planPlacement } from '../ring/placement.js';
import type { PartitionPlacement, PlacementMember } from '../ring/placement.js';
import type { PartitionRecord, RingRecord, WorkerId } from '../ring/ring-record.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

/** May hold replicas: expected to stay, heard of, and not away for longer than a restart takes. */
export function mayHold(facts: WorkerFacts, replacementDelayMs: number, now: number): boolean {
  if (facts.expected === null || facts.expected.wish === 'remove' || facts.storeId === '') return false;
  return facts.deadAt === null || now - facts.deadAt < replacementDelayMs;
}

export class WishedPlacement {
  private key = '';
  private placement: readonly PartitionPlacement[] | null = null;

  constructor(private readonly replacementDelayMs: number) {}

  /** Null while nobody may hold anything. */
  of(
    record: RingRecord,
    workers: WorkerDirectory,
    foreignChanges: number,
    now: number,
  ): readonly PartitionPlacement[] | null {
    const members: PlacementMember[] = [];
    for (const facts of workers.all()) {
      const named = facts.expected !== null && this.isNamedUnheard(record, facts, now);
      if (named || mayHold(facts, this.replacementDelayMs, now)) {
        members.push({ id: facts.id, zone: facts.expected?.zone ?? '' });
      }
    }
    members.sort((a, b) => (a.id < b.id ? -1 : 1));
    const { partitionCount, replicationFactor } = record;
    const key = JSON.stringify([members, partitionCount, replicationFactor, foreignChanges]);
    if (key === this.key) return this.placement;
    this.key = key;
    this.placement =
      members.length === 0
        ? null
        : planPlacement({
            members,
            partitionCount,
            replicationFactor,
            current: record.partitions.map(currentHolders),
          });
    return this.placement;
  }

  /**
   * A controller that just started has not heard of everyone yet: who is a member already stays one
   * meanwhile.
   */
  private isNamedUnheard(record: RingRecord, facts: WorkerFacts, now: number): boolean {
    if (facts.storeId !== '' || facts.expected?.wish === 'remove') return false;
    if (facts.deadAt !== null && now - facts.deadAt >= this.replacementDelayMs) return false;
    return record.members[facts.id] !== undefined && record.partitions.some((p) => names(p, facts.id));
  }
}

function names(record: PartitionRecord, id: WorkerId): boolean {
  return record.voters.some((voter) => voter.id === id);
}

/**
 * The voters, the primary first; a learner already stands where a voter that is to go stood, if there is one
 * to spare.
 */
function currentHolders(record: PartitionRecord): WorkerId[] {
  const others = record.voters.map((voter) => voter.id).filter((id) => id !== record.primary.id);
  const primary = record.primary.id === '' ? [] : [record.primary.id];
  return [...new Set([...primary, ...others])];
}
