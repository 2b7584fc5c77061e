/**
 * Observe, plan, act, over and over, for one cluster. A pass begins when something changed and at least once
 * a second; it ends at the first write that does not go through, and the next one begins from what is seen
 * then.
 */
import type { ApiObject, StatefulSet } from './api-objects.js';
import type { Timers } from '../ports.js';
import type { ApiTransport } from './api-transport.js';
import { ClusterActions } from './cluster-actions.js';
import type { Outcome } from './cluster-actions.js';
import { parseKvorumCluster } from './cluster-spec.js';
import type { KvorumCluster } from './cluster-spec.js';
import type { ClusterWatches } from './cluster-watches.js';
import type { ControllerHost } from './controller-host.js';
import type { DesiredObject } from './desired-objects.js';
import type { EventRecorder } from './event-recorder.js';
import { namesOf } from './object-names.js';
import type { OperatorMeasurements, ReconcileResult } from '../metrics/operator-measurements.js';
import type { Observation } from './observation.js';
import { planCluster } from './plan-cluster.js';
import type { ClusterPlan } from './plan-cluster.js';
import type { RolloutStep } from './plan-rollout.js';
import { planStatus, sameStatus } from './plan-status.js';
import { growing, largerThanAsked } from './plan-volumes.js';

export interface ClusterReconcilerOptions {
  transport: ApiTransport;
  timers: Timers;
  namespace: string;
  cluster: string;
  defaultImage: string | null;
  watches: ClusterWatches;
  host: ControllerHost;
  events: EventRecorder;
  measurements: OperatorMeasurements;
  warn: (message: string, fields: Record<string, string>) => void;
  info: (message: string, fields: Record<string, string>) => void;
}

interface Applied {
  text: string;
  at: number;
  generation: number;
}

const idleMs = 1_000;
const soonMs = 20;
const backoffMinMs = 100;
const backoffMaxMs = 5_000;
/** What somebody changed by hand, where no watch tells, is put right after this. */
const applyAgainMs = 300_000;
const growAgainMs = 60_000;

export class ClusterReconciler {
  private active = false;
  private passing = false;
  private again = false;
  private backoffMs = backoffMinMs;
  private cancelTimer: (() => void) | null = null;
  private dueAt = Infinity;
  private readonly applied = new Map<string, Applied>();
  /** By claim: what the API server said when it was asked to grow. */
  private readonly refusedGrowth = new Map<string, { to: string; at: number; reason: string }>();
  private refusedObjects = new Map<string, string>();
  private readonly actions: ClusterActions;
  private seen: KvorumCluster | null = null;

  constructor(private readonly options: ClusterReconcilerOptions) {
    const { transport, namespace, cluster, host } = options;
    this.actions = new ClusterActions({
      transport,
      namespace,
      cluster,
      loadRing: (done) => {
        if (this.seen === null) done({ status: 'failed', reason: 'there is no KvorumCluster' });
        else host.loadRing(this.seen, done);
      },
    });
  }

  start(): void {
    if (this.active) return;
    this.active = true;
    this.applied.clear();
    this.wake(0);
  }

  stop(): void {
    this.active = false;
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.dueAt = Infinity;
    this.options.host.stop();
  }

  /** Something that it looks at is another. */
  changed(): void {
    if (this.passing) this.again = true;
    else this.wake(soonMs);
  }

  private wake(delayMs: number): void {
    const { timers } = this.options;
    const at = timers.now() + delayMs;
    if (!this.active || at >= this.dueAt) return;
    this.cancelTimer?.();
    this.dueAt = at;
    this.cancelTimer = timers.after(delayMs, () => {
      this.dueAt = Infinity;
      void this.pass();
    });
  }

  private async pass(): Promise<void> {
    if (this.passing || !this.active) return;
    this.passing = true;
    this.again = false;
    const { timers, measurements } = this.options;
    const startedAt = timers.now();
    let result: ReconcileResult = 'failed';
    try {
      const fine = await this.reconcile();
      result = fine ? 'done' : 'later';
      if (fine) this.backoffMs = backoffMinMs;
      else this.backoffMs = Math.min(2 * this.backoffMs, backoffMaxMs);
      this.passing = false;
      this.wake(fine ? this.pauseMs() : this.backoffMs);
    } finally {
      measurements.reconciled(result, timers.now() - startedAt);
      this.passing = false;
    }
  }

  private pauseMs(): number {
    return this.again ? soonMs : idleMs;
  }

  private observe(): Observation | null {
    const { watches, cluster: name, defaultImage, host, timers } = this.options;
    if (!watches.synced) return null;
    const object: ApiObject | undefined = watches.clusters.get(name);
    if (object === undefined) return null;
    const cluster = parseKvorumCluster(object, defaultImage);
    return {
      cluster,
      statefulSet: watches.statefulSets.get(namesOf(name).workers) ?? null,
      pods: watches.pods.all(),
      claims: watches.claims.all(),
      zones: watches.zones,
      controller: host.facts(),
      wallMs: timers.wall(),
    };
  }

  /** Answers whether everything went through. */
  private async reconcile(): Promise<boolean> {
    const observation = this.observe();
    const { host, events } = this.options;
    if (observation === null || observation.cluster.deleted) {
      // Nobody asks for it any more: what there is goes by its owner, and nothing may hold that up.
      host.stop();
      return true;
    }
    const { cluster } = observation;
    this.seen = cluster;
    events.regard(cluster);
    const plan = planCluster(observation);
    if (cluster.problems.length === 0) host.ensure(cluster, plan.expected);
    else host.tell(plan.expected);
    const fine = await this.act(plan, observation);
    if (!this.isStillActive()) return fine;
    await this.tellStatus(plan);
    return fine;
  }

  private isStillActive(): boolean {
    return this.active;
  }

  private async act(plan: ClusterPlan, observation: Observation): Promise<boolean> {
    for (const withdrawal of plan.withdrawals) {
      // Of use, yet nothing depends on it: what else is to be done does not wait for it.
      this.isFine(await this.actions.withdraw(withdrawal), 'status of pods');
    }
    for (const object of plan.surroundings) {
      if (!this.isApplied(object, 0) && !this.isFine(await this.applyObject(object), object.name))
        return false;
    }
    if (plan.statefulSet !== null && !(await this.applyStatefulSet(plan.statefulSet, plan, observation))) {
      return false;
    }
    for (const step of plan.rollout.steps) {
      if (!this.active) return false;
      const outcome = await this.actions.restartStep(step, observation);
      if (outcome.type === 'done') this.tellStep(step);
      if (!this.isFine(outcome, step.type)) return false;
    }
    for (const lost of plan.lostVolumes) {
      if (!this.isStillActive()) return false;
      const outcome = await this.actions.replaceVolume(lost, observation);
      const { claim, node, worker } = lost;
      if (outcome.type === 'done') {
        const note = `${worker} gets a new volume: ${claim} went with ${node}, which is gone for good`;
        this.options.events.tell('Warning', 'VolumeReplaced', note);
      }
      if (!this.isFine(outcome, `volume of ${worker}`)) return false;
    }
    return this.grow(plan, observation);
  }

  private isApplied(object: DesiredObject, generation: number): boolean {
    const known = this.applied.get(`${object.resource}/${object.name}`);
    const now = this.options.timers.now();
    if (known === undefined || now - known.at >= applyAgainMs) return false;
    return known.text === JSON.stringify(object.body) && known.generation === generation;
  }

  private remember(object: DesiredObject, generation: number): void {
    const key = `${object.resource}/${object.name}`;
    this.applied.set(key, { text: JSON.stringify(object.body), at: this.options.timers.now(), generation });
  }

  private async applyObject(object: DesiredObject): Promise<Outcome> {
    const outcome = await this.actions.apply(object);
    if (outcome.type === 'done') this.remember(object, 0);
    return outcome;
  }

  private async applyStatefulSet(
    desired: DesiredObject,
    plan: ClusterPlan,
    observation: Observation,
  ): Promise<boolean> {
    const before = observation.statefulSet;
    if (before !== null && this.isApplied(desired, before.metadata?.generation ?? 0)) return true;
    const { outcome, applied } = await this.actions.applyStatefulSet(desired, observation, plan.scale);
    if (applied !== null) {
      this.remember(desired, applied.metadata?.generation ?? 0);
      this.tellApplied(before, applied, plan);
    }
    return this.isFine(outcome, desired.name);
  }

  private tellApplied(before: StatefulSet | null, applied: StatefulSet, { scale }: ClusterPlan): void {
    const { events } = this.options;
    const from = before?.spec?.replicas ?? 0;
    const to = scale.replicas;
    if (before === null) events.tell('Normal', 'Created', `Starting ${to} workers`);
    else if (to > from) events.tell('Normal', 'ScalingUp', `Adding ${to - from} workers to ${from}`);
    else if (to < from)
      events.tell('Normal', 'ScaledDown', `Removed ${from - to} drained workers of ${from}`);
    else if (before.metadata?.generation !== applied.metadata?.generation) {
      events.tell(
        'Normal',
        'SettingsChanged',
        'The workers have new settings, which are rolled out one by one',
      );
    }
  }

  private tellStep(step: RolloutStep): void {
    const { events } = this.options;
    switch (step.type) {
      case 'mark':
        return events.tell(
          'Normal',
          'RestartPlanned',
          `${step.id} hands over its primaries before its restart`,
        );
      case 'unmark':
        return events.tell('Normal', 'WorkerRestarted', `${step.mark.pod} is back and level`);
      case 'deletePod':
        return events.tell('Normal', 'WorkerRestarting', `Restarting ${step.id}: ${step.reason}`);
    }
  }

  private async grow(plan: ClusterPlan, observation: Observation): Promise<boolean> {
    const now = this.options.timers.now();
    let fine = true;
    for (const growth of plan.growth) {
      const refused = this.refusedGrowth.get(growth.claim);
      if (refused?.to === growth.to && now - refused.at < growAgainMs) continue;
      const outcome = await this.actions.grow(growth);
      const { claim, from, to } = growth;
      if (outcome.type === 'done') {
        this.options.events.tell('Normal', 'VolumeGrows', `The volume ${claim} grows from ${from} to ${to}`);
      } else if (outcome.type === 'later') fine = false;
      else {
        if (refused?.reason !== outcome.reason) {
          this.options.events.tell('Warning', 'VolumeCannotGrow', `${claim}: ${outcome.reason}`);
        }
        this.refusedGrowth.set(claim, { to, at: now, reason: outcome.reason });
      }
    }
    const asked = new Set([...plan.growth.map(({ claim }) => claim), ...growing(observation)]);
    for (const claim of this.refusedGrowth.keys()) if (!asked.has(claim)) this.refusedGrowth.delete(claim);
    return fine;
  }

  /** Told once in the log; a refusal stands in the status until it is over. */
  private isFine(outcome: Outcome, what: string): boolean {
    if (outcome.type !== 'refused') {
      this.refusedObjects.delete(what);
      return outcome.type === 'done';
    }
    if (this.refusedObjects.get(what) !== outcome.reason) {
      this.options.warn('the API server refuses', { what, reason: outcome.reason });
      this.options.events.tell('Warning', 'Refused', `${what}: ${outcome.reason}`);
    }
    this.refusedObjects.set(what, outcome.reason);
    return false;
  }

  private async tellStatus(plan: ClusterPlan): Promise<void> {
    const observation = this.observe();
    if (observation === null || observation.cluster.deleted) return;
    const refusals = [
      ...[...this.refusedObjects].map(([what, reason]) => `${what}: ${reason}`),
      ...[...this.refusedGrowth].map(
        ([claim, { to, reason }]) => `volume ${claim} cannot grow to ${to}: ${reason}`,
      ),
      ...largerThanAsked(observation),
    ];
    const { view, scale, rollout } = plan;
    const status = planStatus({ observation, view, scale, rollout, refusals });
    if (status === null || sameStatus(status, observation.cluster.status)) return;
    const outcome = await this.actions.writeStatus(status);
    if (outcome.type === 'refused') this.options.warn('the status is refused', { reason: outcome.reason });
    else if (outcome.type === 'done')
      this.options.info('status', { phase: status.phase, message: status.message });
  }
}
