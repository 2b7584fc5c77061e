/**
 * Tells the dead from the slow. Silence, a broken stream, the platform's word and the peers' complaints are
 * suspicions; a direct probe confirms them: refused is dead at once, silence is dead after several probes,
 * and then only if no other worker has heard the suspect either (it is asked for through them).
 *
 *   unknown, alive --(silence, broken stream, complaint)--> suspected --(refused, silent n times)--> dead
 *      ^                                                       |                                      |
 *      +-------------------------- any word of it -------------+--------------------------------------+
 *
 * Who hears nobody at all may be at fault itself, or its machine. What it declared dead meanwhile for silence
 * gets some time to be back once a first word comes through: failing over what serves well is the outage.
 */
import type { Limits } from '../limits.js';
import { ControlMeasurements } from './control-measurements.js';
import type { WorkerId } from '../ring/ring-record.js';
import type { Emit, ProbeOutcome } from './control-event.js';
import { heard } from './worker-facts.js';
import type { WorkerDirectory, WorkerFacts } from './worker-facts.js';

interface Suspicion {
  token: number | null;
  startedAt: number;
  giveUpAt: number;
  silentCount: number;
  nextAt: number;
}

const relaysMax = 2;
/** After the first word of anybody, for the others that fell silent with it. */
const lateMs = 1_500;

export class FailureDetector {
  private readonly suspicions = new Map<WorkerId, Suspicion>();
  private readonly askedAt = new Map<WorkerId, number>();
  private token = 0;
  private hearsNobody = true;

  constructor(
    private readonly limits: Limits,
    private readonly workers: WorkerDirectory,
    private readonly emit: Emit,
    private readonly measured = new ControlMeasurements(),
  ) {}

  tick(now: number): void {
    const isHeard = (facts: WorkerFacts) => facts.liveness === 'alive' && this.heardRecently(facts, now);
    this.hearsNobody ||= !this.workers.all().some(isHeard);
    for (const facts of this.workers.all()) {
      if (facts.liveness === 'dead') {
        this.suspicions.delete(facts.id);
        this.askThroughOthers(facts, now);
        continue;
      }
      const suspicion = this.suspicions.get(facts.id);
      if (typeof suspicion?.token === 'number' && now >= suspicion.giveUpAt) {
        this.probed(suspicion.token, facts.id, 'silent', now);
      } else if (this.isSuspicious(facts, now)) {
        this.suspect(facts, now);
      } else if (suspicion?.token === null && now >= suspicion.nextAt) {
        this.suspicions.delete(facts.id);
      }
    }
  }

  heard(facts: WorkerFacts, via: WorkerId | null, now: number): void {
    heard(facts, via, now);
    if (!this.hearsNobody) return;
    this.hearsNobody = false;
    for (const other of this.workers.all()) {
      if (other.awaitedUntil === Infinity) other.awaitedUntil = now + lateMs;
    }
  }

  /** A suspicion from elsewhere: the stream broke, the platform says not ready. */
  suspect(facts: WorkerFacts, now: number): void {
    if (facts.liveness === 'dead') return;
    let suspicion = this.suspicions.get(facts.id);
    if (suspicion === undefined) {
      suspicion = { token: null, startedAt: now, giveUpAt: now, silentCount: 0, nextAt: now };
      this.suspicions.set(facts.id, suspicion);
      this.measured.suspected += 1;
    }
    if (suspicion.token === null && now >= suspicion.nextAt) this.probe(facts, suspicion, now);
  }

  probed(token: number, worker: WorkerId, outcome: ProbeOutcome, now: number): void {
    const suspicion = this.suspicions.get(worker);
    const facts = this.workers.get(worker);
    if (facts === undefined || suspicion?.token !== token) return;
    suspicion.token = null;
    if (outcome === 'answered') {
      suspicion.silentCount = 0;
      suspicion.nextAt = now + this.limits.heartbeatMs;
      if (facts.liveness === 'unknown') facts.liveness = 'suspected';
      return;
    }
    const heardSince = facts.heardAt > suspicion.startedAt;
    if (outcome === 'refused') {
      if (!heardSince || !facts.connected) this.declareDead(facts, 'refusal', now);
      return;
    }
    if (heardSince) {
      suspicion.silentCount = 0;
      suspicion.nextAt = now + this.limits.heartbeatMs;
      return;
    }
    suspicion.silentCount += 1;
    if (suspicion.silentCount < this.limits.probesMax) return this.probe(facts, suspicion, now);
    this.declareDead(facts, 'silence', now);
  }

  private probe(facts: WorkerFacts, suspicion: Suspicion, now: number): void {
    this.token += 1;
    suspicion.token = this.token;
    suspicion.startedAt = suspicion.silentCount === 0 ? now : suspicion.startedAt;
    suspicion.giveUpAt = now + this.limits.probeMs + 50;
    if (facts.liveness === 'alive' && !this.heardRecently(facts, now)) facts.liveness = 'suspected';
    this.emit({ type: 'probe', token: this.token, worker: facts.id, timeoutMs: this.limits.probeMs });
    this.sendThroughOthers(facts);
  }

  /** A worker may come back to its peers and stay out of this controller's reach. */
  private askThroughOthers(facts: WorkerFacts, now: number): void {
    if (now - (this.askedAt.get(facts.id) ?? -Infinity) < this.limits.suspicionMs) return;
    this.askedAt.set(facts.id, now);
    this.sendThroughOthers(facts);
  }

  private sendThroughOthers(facts: WorkerFacts): void {
    for (const via of this.relays(facts)) {
      const request = { type: 'probe', nonce: this.token } as const;
      this.emit({ type: 'send', worker: facts.id, via, request });
    }
  }

  /** Living workers that say they are connected to it. */
  private relays(facts: WorkerFacts): WorkerId[] {
    const ids: WorkerId[] = [];
    for (const other of this.workers.all()) {
      if (ids.length >= relaysMax) break;
      if (other.id === facts.id || !other.connected || other.liveness !== 'alive') continue;
      if (other.peers.get(facts.id)?.connected === true) ids.push(other.id);
    }
    return ids;
  }

  private heardRecently(facts: WorkerFacts, now: number): boolean {
    return now - facts.heardAt <= this.limits.suspicionMs;
  }

  private isSuspicious(facts: WorkerFacts, now: number): boolean {
    if (!this.heardRecently(facts, now)) return true;
    if (!facts.connected && facts.liveness === 'alive') return true;
    return this.isComplainedOf(facts, now);
  }

  /**
   * Every other living worker with a view of it lost it; a stream that just breaks and returns is no
   * complaint.
   */
  private isComplainedOf(facts: WorkerFacts, now: number): boolean {
    let complaints = 0;
    for (const other of this.workers.all()) {
      if (other.id === facts.id || other.liveness !== 'alive') continue;
      const view = other.peers.get(facts.id);
      if (view === undefined) continue;
      if (view.connected) return false;
      if (now - view.since >= 0) complaints += 1;
    }
    return complaints >= 2 && now - facts.heardAt > this.limits.heartbeatMs;
  }

  private declareDead(facts: WorkerFacts, lostBy: 'refusal' | 'silence', now: number): void {
    this.suspicions.delete(facts.id);
    facts.liveness = 'dead';
    facts.deadAt = now;
    facts.lostBy = lostBy;
    facts.awaitedUntil = lostBy === 'silence' && this.hearsNobody ? Infinity : -Infinity;
    facts.via = null;
    facts.replicas = new Map();
    facts.complete = false;
    // One that was never heard of may just not be up yet.
    facts.missed = facts.storeId !== '';
    const message = facts.missed ? 'worker lost' : 'worker not reached';
    if (facts.missed) this.measured.lost += 1;
    const evidence = lostBy === 'refusal' ? 'connection refused' : 'no answer';
    this.emit({ type: 'note', message, fields: { worker: facts.id, evidence } });
  }
}
