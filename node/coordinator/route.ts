/**
 * Who can answer a request for a partition, as far as this worker knows: a decision from the ring and from
 * which peers are connected. Kept apart from the coordinator so that it can be read, and tested, without its
 * queues.
 */
import type { NotAppliedReason } from '../../core/protocol/operation.js';
import { commitQuorum } from '../../core/ring/ring-record.js';
import type { PartitionRecord, WorkerId } from '../../core/ring/ring-record.js';

export type Route =
  | { type: 'local' }
  | { type: 'peer'; peer: WorkerId }
  | { type: 'none'; reason: NotAppliedReason; detail: string };

/** What this worker sees of the others. */
export interface Surroundings {
  id: WorkerId;
  isConnected(peer: WorkerId): boolean;
}

const local: Route = { type: 'local' };

/** The primary, or why it cannot be asked. */
export function routeToPrimary(seen: Surroundings, partition: number, record: PartitionRecord): Route {
  const primary = record.primary.id;
  if (primary === seen.id) return local;
  if (seen.isConnected(primary)) return { type: 'peer', peer: primary };
  return { type: 'none', ...explainAbsence(seen, partition, record) };
}

/**
 * Any voter: this worker first, then the primary, then the others. `attempt` counts from 0 and goes round, so
 * that one voter that lags does not keep the rest from being asked.
 */
export function routeToVoter(
  seen: Surroundings,
  partition: number,
  record: PartitionRecord,
  attempt: number,
): Route {
  const rank = (id: WorkerId) => (id === seen.id ? 0 : id === record.primary.id ? 1 : 2);
  const candidates = record.voters
    .map((voter) => voter.id)
    .filter((id) => id === seen.id || seen.isConnected(id))
    .sort((a, b) => rank(a) - rank(b));
  const chosen = candidates[attempt % Math.max(1, candidates.length)];
  if (chosen === undefined) return { type: 'none', ...explainAbsence(seen, partition, record) };
  return chosen === seen.id ? local : { type: 'peer', peer: chosen };
}

function explainAbsence(
  seen: Surroundings,
  partition: number,
  record: PartitionRecord,
): { reason: NotAppliedReason; detail: string } {
  const voters = record.voters.length;
  const needed = commitQuorum(voters);
  const reachable = record.voters.filter(
    (voter) => voter.id === seen.id || seen.isConnected(voter.id),
  ).length;
  if (reachable >= needed) {
    const detail = `the primary of partition ${partition}, ${record.primary.id}, cannot be reached`;
    return { reason: 'unavailable', detail };
  }
  const found = `${reachable} of the ${voters} replicas of partition ${partition} can be reached`;
  const detail = `${found}, ${needed} are needed`;
  return { reason: 'noQuorum', detail };
}
