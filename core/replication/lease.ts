/**
 * The right to answer reads: leases that backups granted, or a confirmation by requests sent after the read
 * arrived.
 */
import { holds } from '../rules.js';
import type { Context } from './context.js';
import type { Leader } from './leader.js';
import { quorumOfPeers } from './leader.js';
import type { Replica } from './replica.js';

/** Serves clients: named by the ring record, synced in its epoch, and nothing higher promised. */
export function isServing(replica: Replica): boolean {
  const leader = replica.leader;
  if (leader?.active !== true || replica.stalled || replica.deleting) return false;
  if (replica.promisedEpoch > leader.epoch && holds('fenced-primary-stops')) return false;
  return replica.syncedEpoch === leader.epoch;
}

export function hasLease(context: Context, replica: Replica, leader: Leader): boolean {
  if (!holds('lease-for-reads')) return true;
  if (replica.givenBackEpoch >= leader.epoch && holds('no-lease-after-give-back')) {
    return leader.voters.length === 1;
  }
  const now = holds('lease-checked-after-read') ? context.now : context.earlier;
  return quorumOfPeers(leader, (progress) => progress.leaseUntil > now);
}

/** A wall clock that ran away from the monotonic one: this machine may have been suspended. */
export function dropLeases(context: Context): void {
  context.leasesFrom = context.now;
  for (const replica of context.replicas.values()) {
    for (const progress of replica.leader?.peers.values() ?? []) progress.leaseUntil = -Infinity;
  }
}

/** The round whose echoes confirm a read that arrives now. */
export function confirmingRound(leader: Leader): number {
  return holds('fresh-confirmation') ? leader.round + 1 : Math.min(leader.round, 1);
}

export function isConfirmed(leader: Leader, round: number): boolean {
  return quorumOfPeers(leader, (progress) => progress.synced && progress.ackedRound >= round);
}
