/**
 * What the controller knows of each worker: from the platform, from its stream, from its reports. Facts
 * alone; whether a worker counts as alive is the failure detector's to say.
 */
import type { ReplicaReport, WorkerReportOf } from '../protocol/control-message.js';
import type { Identity, WorkerId } from '../ring/ring-record.js';
import type { WorkerExpectation } from './control-event.js';

/** unknown: never heard yet. */
export type Liveness = 'unknown' | 'alive' | 'suspected' | 'dead';

export interface PeerView {
  connected: boolean;
  /** Since when it has been so, by this controller's clock. */
  since: number;
}

export interface WorkerFacts {
  readonly id: WorkerId;
  expected: WorkerExpectation | null;
  /** The direct stream is open. */
  connected: boolean;
  /** Another worker through which its last word came; null if directly. */
  via: WorkerId | null;
  /** '' until it was heard. */
  storeId: string;
  bootCount: number;
  runId: string;
  heardAt: number;
  ringVersion: number;
  ringSentAt: number;
  /** All its replicas are known, for this run of it. */
  complete: boolean;
  reportAskedAt: number;
  replicas: Map<number, ReplicaReport>;
  peers: Map<WorkerId, PeerView>;
  /** When it told of them last. */
  peersAt: number;
  leaving: boolean;
  diskFull: boolean;
  /** By this controller's clock; means nothing while the disk is not full. */
  diskFullSince: number;
  liveness: Liveness;
  /** Since when it counts as dead. */
  deadAt: number | null;
  /** It had been there before it was taken for dead. */
  missed: boolean;
  /** Why it counts as dead: nobody is there, or it just said nothing. */
  lostBy: 'refusal' | 'silence' | null;
  /** Lost with all others: until then it may be back by itself. */
  awaitedUntil: number;
}

function newFacts(id: WorkerId, now: number): WorkerFacts {
  return {
    id,
    expected: null,
    connected: false,
    via: null,
    storeId: '',
    bootCount: 0,
    runId: '',
    heardAt: now,
    ringVersion: 0,
    ringSentAt: -Infinity,
    complete: false,
    reportAskedAt: -Infinity,
    replicas: new Map(),
    peers: new Map(),
    peersAt: -Infinity,
    leaving: false,
    diskFull: false,
    diskFullSince: -Infinity,
    liveness: 'unknown',
    deadAt: null,
    missed: false,
    lostBy: null,
    awaitedUntil: -Infinity,
  };
}

const workersMax = 1_024;

export class WorkerDirectory {
  private readonly workers = new Map<WorkerId, WorkerFacts>();

  get(id: WorkerId): WorkerFacts | undefined {
    return this.workers.get(id);
  }

  all(): WorkerFacts[] {
    return [...this.workers.values()];
  }

  /** Facts of a worker, new ones if it was not known; undefined beyond the most workers a ring can name. */
  ensure(id: WorkerId, now: number): WorkerFacts | undefined {
    const known = this.workers.get(id);
    if (known !== undefined) return known;
    if (this.workers.size >= workersMax) return undefined;
    const facts = newFacts(id, now);
    this.workers.set(id, facts);
    return facts;
  }

  expect(expectations: readonly WorkerExpectation[], now: number): void {
    const ids = new Set(expectations.map((expectation) => expectation.id));
    for (const facts of this.workers.values()) {
      if (!ids.has(facts.id)) facts.expected = null;
    }
    for (const expectation of expectations) {
      const facts = this.ensure(expectation.id, now);
      if (facts !== undefined) facts.expected = expectation;
    }
  }

  /** Forgets workers that are neither expected, nor connected, nor named. */
  forget(isNamed: (id: WorkerId) => boolean): void {
    for (const facts of this.workers.values()) {
      if (facts.expected === null && !facts.connected && !isNamed(facts.id)) this.workers.delete(facts.id);
    }
  }
}

/**
 * Is this who speaks on the open stream, or, without one, no earlier run of the store known? A late word says
 * nothing.
 */
export function isCurrent(facts: WorkerFacts, storeId: string, bootCount: number): boolean {
  if (facts.connected) return facts.storeId === storeId && facts.bootCount === bootCount;
  return facts.storeId !== storeId || bootCount >= facts.bootCount;
}

/** The store and run that speak now; what was known of another run is dropped. */
export function identify(facts: WorkerFacts, storeId: string, bootCount: number): void {
  if (facts.storeId === storeId && facts.bootCount === bootCount) return;
  facts.storeId = storeId;
  facts.bootCount = bootCount;
  facts.runId = '';
  facts.complete = false;
  facts.replicas = new Map();
  facts.peers = new Map();
  facts.ringVersion = 0;
  facts.leaving = false;
  facts.diskFull = false;
}

export function heard(facts: WorkerFacts, via: WorkerId | null, now: number): void {
  facts.heardAt = Math.max(facts.heardAt, now);
  if (via === null || !facts.connected) facts.via = via;
  facts.liveness = 'alive';
  facts.deadAt = null;
}

/** Takes in a heartbeat: all replicas, or those that changed. Answers whether it tells anything new. */
export function mergeHeartbeat(
  facts: WorkerFacts,
  heartbeat: WorkerReportOf<'heartbeat'>,
  now: number,
): boolean {
  const before = summary(facts);
  identify(facts, heartbeat.storeId, heartbeat.bootCount);
  if (facts.runId !== heartbeat.runId) {
    facts.complete = false;
    facts.replicas = new Map();
    facts.runId = heartbeat.runId;
  }
  if (heartbeat.full) {
    facts.replicas = new Map();
    facts.complete = true;
  }
  for (const replica of heartbeat.replicas) facts.replicas.set(replica.partition, replica);
  for (const partition of heartbeat.deleted) facts.replicas.delete(partition);
  facts.ringVersion = heartbeat.ringVersion;
  facts.leaving = heartbeat.leaving;
  if (heartbeat.diskFull && !facts.diskFull) facts.diskFullSince = now;
  facts.diskFull = heartbeat.diskFull;
  const peers = new Map<WorkerId, PeerView>();
  for (const peer of heartbeat.peers) {
    const before = facts.peers.get(peer.id);
    const same = before?.connected === peer.connected;
    peers.set(peer.id, { connected: peer.connected, since: same ? before.since : now });
  }
  const peersChanged = [...peers].some(([id, view]) => facts.peers.get(id)?.connected !== view.connected);
  facts.peers = peers;
  facts.peersAt = now;
  const replicasChanged = heartbeat.replicas.length > 0 || heartbeat.deleted.length > 0;
  return replicasChanged || peersChanged || before !== summary(facts);
}

function summary(facts: WorkerFacts): string {
  return [facts.runId, facts.ringVersion, facts.leaving, facts.diskFull, facts.complete].join();
}

/** It may be reached and speaks under the identity given. */
export function isPresent(facts: WorkerFacts | undefined, identity: Identity): boolean {
  if (facts?.storeId !== identity.storeId) return false;
  return facts.liveness === 'alive' || facts.liveness === 'suspected';
}

/** The role can be given to it: alive, staying, with room on its disk. */
export function isFit(facts: WorkerFacts | undefined): boolean {
  return facts?.liveness === 'alive' && !facts.leaving && !facts.diskFull && facts.expected?.wish === 'stay';
}

/** Alive, staying, with room, and everything about it known: nothing about it is waited for. */
export function isSteady(facts: WorkerFacts): boolean {
  return isFit(facts) && facts.complete;
}
