/**
 * The controller: observes the workers, holds what it sees against the ring record, and acts through
 * reconfigurations and small changes of the record. Level-triggered: everything it does follows from what it
 * sees now, so a controller that was killed between any two of its effects is continued by the next one.
 */
import type { WorkerReport } from '../protocol/control-message.js';
import type { Limits } from '../limits.js';
import type { RingRecord, WorkerId } from '../ring/ring-record.js';
import type { ClusterShape } from './bootstrap.js';
import type { Address, ControlEffect, ControlEvent, WorkerExpectation } from './control-event.js';
import { ControlMeasurements } from './control-measurements.js';
import { Courier } from './courier.js';
import { Evenness } from './evenness.js';
import { FailureDetector } from './failure-detector.js';
import { Lasting } from './lasting.js';
import { isBack, namedWorkers } from './membership.js';
import { planFailovers } from './plan-failover.js';
import type { FailoverNeeds } from './plan-failover.js';
import { planHandovers } from './plan-rebalance.js';
import { mayStart, planReplacements } from './plan-replacement.js';
import type { PlanView } from './plan-view.js';
import { Reconfiguration } from './reconfiguration.js';
import type { Surroundings } from './reconfiguration.js';
import type { Order, Settlement } from './reconfiguration-item.js';
import { RecordChanges } from './record-changes.js';
import { RetryMemory } from './retry-memory.js';
import { RingDocument } from './ring-document.js';
import { RingOrigin } from './ring-origin.js';
import { SettlementNotes } from './settlement-notes.js';
import type { Sight } from './sight.js';
import { comesFirst, isAtWork } from './under-way.js';
import { WishedPlacement } from './wished-placement.js';
import { identify, isCurrent, isPresent, isSteady, mergeHeartbeat, WorkerDirectory } from './worker-facts.js';
import type { WorkerFacts } from './worker-facts.js';

export interface MachineOptions extends ClusterShape {
  id: string;
  limits: Limits;
  /** Counted into; one of its own if none is given. */
  measurements?: ControlMeasurements;
}

const batchesMax = 8;
const batchItemsMax = 1_024;
const replacementsMax = 8;
/** After another controller's change nothing that is not needed is done for so long. */
const foreignPauseMs = 5_000;
/** In heartbeats: to the next plan while all is quiet; from one complete report of a worker to the next. */
const quietHeartbeats = 4;
const completeReportHeartbeats = 60;

export class ControllerMachine {
  private readonly effects: ControlEffect[] = [];
  private readonly workers = new WorkerDirectory();
  private readonly document: RingDocument;
  private readonly detector: FailureDetector;
  private readonly courier: Courier;
  private readonly origin: RingOrigin;
  private readonly wished: WishedPlacement;
  private readonly retries: RetryMemory;
  private readonly changes: RecordChanges;
  private readonly lasting = new Lasting();
  private readonly evenness = new Evenness();
  private readonly settlements = new SettlementNotes();
  private batches: Reconfiguration[] = [];
  private connections = '';
  private requestId = 0;
  /** Something happened that wants a plan: at once, or with the next tick. */
  private dirty = true;
  private changed = false;
  private plannedAt = -Infinity;
  private improvedAt: number | null = null;
  /** Nothing is in sight that time alone would change. */
  private quiet = false;
  private awaited = 'the ring document';
  private withoutQuorum: FailoverNeeds['withoutQuorum'] = new Map();
  /** It is about to end: it begins nothing that can wait for the next controller. */
  finishing = false;
  private readonly around: Surroundings;
  private readonly measured: ControlMeasurements;

  constructor(private readonly options: MachineOptions) {
    const { limits, measurements = new ControlMeasurements() } = options;
    this.measured = measurements;
    const emit = (effect: ControlEffect) => this.effects.push(effect);
    this.document = new RingDocument(options.clusterId, limits, emit);
    this.detector = new FailureDetector(limits, this.workers, emit, measurements);
    this.courier = new Courier(limits, this.document, this.workers, emit);
    this.origin = new RingOrigin(options, this.document, this.workers, (now) => this.documentRead(now), emit);
    this.wished = new WishedPlacement(limits.replacementDelayMs);
    this.retries = new RetryMemory(options.id);
    this.changes = new RecordChanges(options.replicationFactor, this.document, this.workers, {
      note: (message, fields) => this.note(message, fields),
      isBusy: (partition) => this.isBusy(partition),
      changed: (now) => {
        this.dirty = true;
        this.courier.publish(now);
        this.connect();
      },
    });
    this.around = {
      limits,
      document: this.document,
      send: (worker, request) => this.courier.send(worker, request),
      present: (identity) => isPresent(this.workers.get(identity.id), identity),
      bootCountOf: (worker) => this.workers.get(worker)?.bootCount ?? 0,
      patience: (partition) => this.retries.patience(partition),
      nextRequestId: () => (this.requestId += 1),
      settled: (settlement, now) => this.settled(settlement, now),
      committed: (now) => this.courier.publish(now),
    };
  }

  step(event: ControlEvent, now: number): ControlEffect[] {
    this.take(event, now);
    if (event.type === 'tick') this.tick(now);
    else if (this.dirty) this.plan(now);
    this.document.pump(now);
    for (const { message, fields } of this.settlements.take()) this.note(message, fields);
    return this.effects.splice(0);
  }

  ring(): RingRecord | null {
    return this.document.record;
  }

  get atRest(): boolean {
    return this.quiet && !this.dirty && !this.changed;
  }

  private take(event: ControlEvent, now: number): void {
    switch (event.type) {
      case 'tick':
        return;
      case 'expected':
        return this.expect(event.workers, now);
      case 'connected':
        return this.connected(event.worker, event.storeId, event.bootCount, now);
      case 'disconnected':
        return this.disconnected(event.worker, now);
      case 'report':
        return this.reported(event.worker, event.report, event.via, now);
      case 'loaded':
        this.document.loaded(event.token, event.outcome, now);
        return this.documentRead(now);
      case 'swapped':
        return this.document.swapped(event.token, event.outcome, now);
      case 'probed':
        this.dirty = true;
        return this.detector.probed(event.token, event.worker, event.outcome, now);
    }
  }

  private expect(expectations: readonly WorkerExpectation[], now: number): void {
    const before = new Map(this.workers.all().map((facts) => [facts.id, facts.expected?.ready ?? null]));
    this.workers.expect(expectations, now);
    for (const { id, ready } of expectations) {
      const facts = this.workers.get(id);
      if (ready === false && before.get(id) !== false && facts !== undefined)
        this.detector.suspect(facts, now);
    }
    this.dirty = true;
    this.connect();
  }

  /** Streams to whom the platform names, and to who still holds something. */
  private connect(): void {
    const addresses = new Map<WorkerId, Address>();
    for (const [id, { host, peerPort }] of Object.entries(this.document.record?.members ?? {})) {
      addresses.set(id, { host, peerPort });
    }
    for (const { id, expected } of this.workers.all()) {
      if (expected !== null) addresses.set(id, { host: expected.host, peerPort: expected.peerPort });
    }
    const key = JSON.stringify([...addresses]);
    if (key === this.connections) return;
    this.connections = key;
    this.effects.push({ type: 'connect', workers: addresses });
  }

  private connected(id: WorkerId, storeId: string, bootCount: number, now: number): void {
    const facts = this.workers.ensure(id, now);
    if (facts === undefined) return;
    facts.connected = false;
    identify(facts, storeId, bootCount);
    facts.connected = true;
    facts.complete = false;
    this.heardOf(facts, null, now);
    this.dirty = true;
    this.askForAll(facts, now);
    if (facts.ringVersion < this.courier.publishedVersion) this.courier.sendRing(facts, now);
  }

  private heardOf(facts: WorkerFacts, via: WorkerId | null, now: number): void {
    const { id: worker, deadAt } = facts;
    const back = isBack(facts, this.document.record);
    this.detector.heard(facts, via, now);
    if (back) this.note('worker back', { worker, awayMs: Math.round(now - (deadAt ?? now)) });
  }

  private disconnected(id: WorkerId, now: number): void {
    const facts = this.workers.get(id);
    if (facts === undefined) return;
    facts.connected = false;
    this.dirty = true;
    this.measured.streamEnded(facts, now);
    this.detector.suspect(facts, now);
  }

  /** Now and then everything: a heartbeat that told a change may have been lost. */
  private askAgain(facts: WorkerFacts, now: number): void {
    const { heartbeatMs } = this.options.limits;
    const pauseMs = facts.complete ? completeReportHeartbeats * heartbeatMs : heartbeatMs;
    if (now - facts.reportAskedAt >= pauseMs) this.askForAll(facts, now);
  }

  private askForAll(facts: WorkerFacts, now: number): void {
    facts.reportAskedAt = now;
    this.courier.send(facts.id, { type: 'reportAll' });
  }

  private reported(id: WorkerId, report: WorkerReport, via: WorkerId | null, now: number): void {
    const facts = this.workers.ensure(id, now);
    if (facts === undefined) return;
    if ('bootCount' in report && !isCurrent(facts, report.storeId, report.bootCount)) return;
    // The last words of a stream that has closed do not bring a worker back.
    if (via !== null || facts.connected || facts.liveness !== 'dead') this.heardOf(facts, via, now);
    switch (report.type) {
      case 'heartbeat':
        // What it changes is looked at with the next tick, together with what others tell.
        if (mergeHeartbeat(facts, report, now)) this.changed = true;
        this.askAgain(facts, now);
        this.compare(facts, report.replicas, now);
        return;
      case 'fenced':
        for (const item of report.items) this.document.sawAtWorker(0, item.promisedEpoch, id, now);
        for (const batch of this.batches) batch.fenced(id, report, now);
        break;
      case 'leading':
        for (const batch of this.batches) batch.leading(id, report, now);
        break;
      case 'held':
        for (const batch of this.batches) batch.held(id, report, now);
        break;
      case 'relayed':
        // Taken out of its wrapping before it comes here.
        return;
      case 'probed':
        identify(facts, report.storeId, report.bootCount);
        break;
      case 'ringReply':
        this.origin.answered(id, report);
        this.document.sawAtWorker(0, report.highestEpoch, id, now);
        this.dirty = true;
        break;
    }
    this.sweepBatches();
  }

  private compare(facts: WorkerFacts, replicas: readonly { promisedEpoch: number }[], now: number): void {
    let epoch = 0;
    for (const { promisedEpoch } of replicas) epoch = Math.max(epoch, promisedEpoch);
    this.document.sawAtWorker(facts.ringVersion, epoch, facts.id, now);
  }

  private documentRead(now: number): void {
    const { record } = this.document;
    this.dirty = true;
    if (record === null) {
      for (const batch of this.batches) batch.abandon('the ring document is gone', now);
      this.sweepBatches();
      return;
    }
    if (!this.document.trusted) return;
    this.retries.inherit(record);
    this.connect();
    for (const id of namedWorkers(record)) this.workers.ensure(id, now);
    this.courier.publish(now);
  }

  private tick(now: number): void {
    this.document.tick(now);
    this.detector.tick(now);
    for (const batch of this.batches) batch.tick(now);
    this.sweepBatches();
    this.courier.republish(now);
    const planEveryMs = (this.quiet ? quietHeartbeats : 1) * this.options.limits.heartbeatMs;
    if (this.dirty || this.changed || now - this.plannedAt >= planEveryMs) this.plan(now);
  }

  private plan(now: number): void {
    this.dirty = false;
    this.changed = false;
    this.plannedAt = now;
    const { document } = this;
    if (document.absent) this.awaited = this.origin.step(now);
    else if (document.record !== null && document.trusted) this.planAll(document.record, now);
  }

  private planAll(record: RingRecord, now: number): void {
    this.changes.updateMembers(record);
    const view = this.view(record, now);
    this.evenness.look(view);
    const needs = planFailovers(view, {
      isOwnAttempt: (partition, attempt) => this.retries.isOwnAttempt(partition, attempt),
      isResting: (partition) => this.retries.isResting('failover', partition, now),
      leftOut: (partition) => this.retries.leftOut(partition),
      graceMs: this.retries.graceMs,
      publishedVersion: this.courier.publishedVersion,
    });
    this.tellQuorums(needs);
    this.start(needs.orders, record, now);
    this.improvedAt ??= now;
    if (!this.finishing && !comesFirst(this.batches, this.improvedAt, now)) this.improve(view, record, now);
    this.lasting.sweep();
    this.quiet = this.batches.length === 0 && this.lasting.isEmpty && view.workers.all().every(isSteady);
    this.workers.forget((id) => record.members[id] !== undefined);
  }

  /** What makes the placement as wished; what is not served at all was seen to before. */
  private improve(view: PlanView, record: RingRecord, now: number): void {
    this.improvedAt = now;
    const isResting = (partition: number) =>
      this.retries.isResting('move', partition, now) || this.changes.isChanging(partition);
    const replacements = planReplacements(view, isResting, this.changes.count);
    for (const change of replacements.changes) this.changes.changeLearner(record, change);
    if (!isAtWork(this.batches, 'move') && this.batches.length < batchesMax) {
      this.start(planHandovers(view, isResting), record, now);
    }
    if (!isAtWork(this.batches, 'replace') && this.batches.length < batchesMax) {
      const startable = replacements.orders.filter((order) => mayStart(view, order));
      this.start(startable.slice(0, replacementsMax), record, now);
    }
  }

  private start(orders: readonly Order[], record: RingRecord, now: number): void {
    const free = orders.filter((order) => !this.isBusy(order.partition)).slice(0, batchItemsMax);
    if (free.length === 0 || this.batches.length >= 2 * batchesMax) return;
    const [{ kind, reason } = { kind: '', reason: '' }] = free;
    this.note('reconfiguration begins', { kind, partitions: free.length, reason });
    this.measured.ordered(free, record, this.workers, now);
    const batch = new Reconfiguration(free, record, this.around, now);
    this.batches.push(batch);
    batch.tick(now);
  }

  private settled(settlement: Settlement, now: number): void {
    this.dirty = true;
    this.retries.settled(settlement, now);
    this.measured.settled(settlement, now);
    this.settlements.add(settlement);
  }

  private sweepBatches(): void {
    if (this.batches.some((batch) => batch.finished)) {
      this.batches = this.batches.filter((batch) => !batch.finished);
      this.dirty = true;
    }
  }

  private tellQuorums({ withoutQuorum }: FailoverNeeds): void {
    if (withoutQuorum.size > this.withoutQuorum.size) {
      const [reason] = withoutQuorum.values();
      this.note('partitions without quorum', { count: withoutQuorum.size, reason: reason ?? '' });
    }
    this.withoutQuorum = withoutQuorum;
  }

  private view(record: RingRecord, now: number): PlanView {
    const { foreign } = this.document;
    return {
      now,
      limits: this.options.limits,
      record,
      workers: this.workers,
      wished: this.wished.of(record, this.workers, foreign.count, now),
      unsettled: now - foreign.at < foreignPauseMs,
      moveFailures: (partition) => this.retries.moveFailures(partition),
      isBusy: (partition) => this.isBusy(partition),
      isSettling: (partition) => this.evenness.isSettling(partition, now),
      lastsMs: (key) => this.lasting.lastsMs(key, now),
    };
  }

  private isBusy(partition: number): boolean {
    return this.batches.some((batch) => batch.isAtWorkOn(partition));
  }

  private note(message: string, fields: Record<string, string | number | boolean>): void {
    this.effects.push({ type: 'note', message, fields });
  }

  sight(now: number): Sight {
    const { document, options: shape, workers, awaited, batches } = this;
    const { record, halted, trusted } = document;
    const view = record !== null && trusted ? this.view(record, now) : null;
    return { now, shape, record, view, workers, halted, awaited, batches };
  }
}
