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

/**
 * As many voters as it takes to commit said lately that their stream to the primary lives, which silence
 * would have ended. One that is only reached through others tells nothing of its streams.
 */
export function isHeardByQuorum(view: PlanView, { primary, voters }: PartitionRecord): boolean {
  const hearing = voters.filter((voter) => {
    const facts = view.workers.get(voter.id);
    if (facts?.connected !== true || !isPresent(facts, voter)) return false;
    if (view.now - facts.peersAt > view.limits.suspicionMs) return false;
    return facts.peers.get(primary.id)?.connected === true;
  });
  return 1 + hearing.length >= commitQuorum(voters.length);
}
