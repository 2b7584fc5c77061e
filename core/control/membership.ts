/**
 * The members part of the ring record: where to find whom. It says nothing of disks, and filling it in
 * touches no partition's identities.
 */
import type { Member, RingRecord, WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { WorkerExpectation } from './control-event.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

export function memberOf(expectation: WorkerExpectation): Member {
  const { host, peerPort, clientPort, zone, wish } = expectation;
  return { host, peerPort, clientPort, zone, state: wish === 'remove' ? 'draining' : 'active' };
}

function sameMember(a: Member | undefined, b: Member): boolean {
  return (
    a?.host === b.host &&
    a.peerPort === b.peerPort &&
    a.clientPort === b.clientPort &&
    a.zone === b.zone &&
    a.state === b.state
  );
}

/**
 * The record with its members, and the replication factor, as wished; null if they are so already. Who still
 * holds a replica stays a member.
 */
export function withMembers(
  record: RingRecord,
  workers: WorkerDirectory,
  replicationFactor: number,
): RingRecord | null {
  if (workers.all().every((facts) => facts.expected === null)) return null;
  const members: Record<WorkerId, Member> = {};
  let changed = record.replicationFactor !== replicationFactor;
  for (const facts of workers.all()) {
    if (facts.expected === null) continue;
    const member = memberOf(facts.expected);
    changed ||= !sameMember(record.members[facts.id], member);
    members[facts.id] = member;
  }
  let named: Set<WorkerId> | null = null;
  for (const [id, member] of Object.entries(record.members)) {
    if (members[id] !== undefined) continue;
    named ??= namedWorkers(record);
    if (named.has(id)) members[id] = member;
    else changed = true;
  }
  const identified = holds('registration-keeps-identities') ? null : withReportedStores(record, workers);
  if (identified !== null) return { ...identified, members, replicationFactor };
  return changed ? { ...record, members, replicationFactor } : null;
}

/**
 * Whether one that is heard of now was away until now: not before there is a ring, and not one that is new to
 * it and to this controller.
 */
export function isBack(facts: WorkerFacts, record: RingRecord | null): boolean {
  if (facts.deadAt === null || record === null) return false;
  return facts.missed || namedWorkers(record).has(facts.id);
}

export function namedWorkers(record: RingRecord): Set<WorkerId> {
  const named = new Set<WorkerId>();
  for (const { voters, learners } of record.partitions) {
    for (const { id } of voters) named.add(id);
    for (const { id } of learners) named.add(id);
  }
  return named;
}

/**
 * Only with its rule broken: a worker that registers with another store becomes the voter that the record
 * names.
 */
function withReportedStores(record: RingRecord, workers: WorkerDirectory): RingRecord | null {
  const refreshed = <T extends { id: WorkerId; storeId: string }>(identity: T): T => {
    const storeId = workers.get(identity.id)?.storeId ?? '';
    return storeId === '' ? identity : { ...identity, storeId };
  };
  const partitions = record.partitions.map((partition) => ({
    ...partition,
    primary: refreshed(partition.primary),
    voters: partition.voters.map(refreshed),
  }));
  const next = { ...record, partitions };
  return JSON.stringify(next) === JSON.stringify(record) ? null : next;
}
