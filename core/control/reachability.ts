/**
 * The primary that reaches the controller but not its backups. Its heartbeats are in time, so it counts as
 * alive, yet it can commit nothing; when the others reach one another, one of them should lead.
 */
import type { PartitionRecord, WorkerId } from '../ring/ring-record.js';
import { commitQuorum } from '../ring/ring-record.js';
import type { PlanView } from './plan-view.js';
import { presentVoters } from './plan-view.js';
import { isPresent } from './worker-facts.js';

/** Does `from` see `to`, as far as it reported? Unknown counts as yes: it is no reason to act. */
function sees(view: PlanView, from: WorkerId, to: WorkerId): boolean {
  return view.workers.get(from)?.peers.get(to)?.connected ?? true;
}

function joined(view: PlanView, a: WorkerId, b: WorkerId): boolean {
  return sees(view, a, b) && sees(view, b, a);
}

/** The primary cannot reach a majority, and without it a majority of the voters reaches one another. */
export function isPrimaryCutOff(view: PlanView, partition: number): boolean {
  const record = view.record.partitions[partition];
  if (record === undefined) return false;
  const quorum = commitQuorum(record.voters.length);
  const { id: primary } = record.primary;
  const others = presentVoters(view, record).flatMap(({ id }) => (id === primary ? [] : [id]));
  if (1 + others.filter((id) => joined(view, primary, id)).length >= quorum) return false;
  return others.some(
    (leader) => 1 + others.filter((id) => id !== leader && joined(view, leader, id)).length >= quorum,
  );
}

export interface Hearing {
  /** Backups that said lately that their stream to the primary lives, which silence would have ended. */
  hear: number;
  /** That said lately that they have none. */
  deny: number;
}

/** What the backups say of their primary. One reached through others alone tells nothing of its streams. */
export function hearingOf(view: PlanView, { primary, voters }: PartitionRecord): Hearing {
  const found = { hear: 0, deny: 0 };
  for (const voter of voters) {
    const facts = view.workers.get(voter.id);
    if (voter.id === primary.id || facts?.connected !== true || !isPresent(facts, voter)) continue;
    if (view.now - facts.peersAt > view.limits.suspicionMs) continue;
    if (facts.peers.get(primary.id)?.connected === true) found.hear += 1;
    else found.deny += 1;
  }
  return found;
}
