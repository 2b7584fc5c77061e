/**
 * Runs the controller of the cluster while this operator is the active one. A change of the times that it
 * works by, or another KvorumCluster of the same name, replaces it by a new one, which goes on from what it
 * sees.
 */
import type { Limits } from '../../core/limits.js';
import type { ClusterStatus } from '../../core/control/cluster-status.js';
import type { Sight } from '../../core/control/sight.js';
import type { OperatorMeasurements } from '../metrics/operator-measurements.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import { Controller, restTicks } from '../controller.js';
import type { ControllerNote } from '../controller.js';
import type { ControllerInbox, ExpectedWorker, Links, LoadResult, Timers } from '../ports.js';
import type { ApiTransport } from './api-transport.js';
import { clusterIdOf, limitsOfCluster, ownerReference } from './cluster-spec.js';
import type { KvorumCluster } from './cluster-spec.js';
import { ConfigMapRingStore } from './config-map-ring-store.js';
import { labelsOf, namesOf } from './object-names.js';
import type { ControllerFacts } from './observation.js';

export interface ClosableLinks extends Links {
  close(): void;
}

export interface ControllerHostOptions {
  transport: ApiTransport;
  timers: Timers;
  /** Of this process; differs from that of any other operator. */
  identity: string;
  /** For what the KvorumCluster says nothing of. */
  limits: Limits;
  createLinks: (
    controllerId: string,
    clusterId: string,
    limits: Limits,
    inbox: () => ControllerInbox,
  ) => ClosableLinks;
  note: (note: ControllerNote) => void;
  measurements: OperatorMeasurements;
}

interface Running {
  key: string;
  controller: Controller;
  links: ClosableLinks;
  startedAt: number;
  expected: string;
  cancelTick: () => void;
}

const settleMs = 5_000;

export class ControllerHost {
  private running: Running | null = null;
  private count = 0;

  constructor(private readonly options: ControllerHostOptions) {}

  /** Starts it where there is none, and tells it of the workers. */
  ensure(cluster: KvorumCluster, expected: ExpectedWorker[]): void {
    const limits = limitsOfCluster(cluster.spec, this.options.limits);
    const key = JSON.stringify([cluster.uid, limits]);
    if (this.running !== null && this.running.key !== key) this.stop();
    this.running ??= this.start(cluster, limits, key);
    this.tell(expected);
  }

  tell(expected: ExpectedWorker[]): void {
    const { running } = this;
    const text = JSON.stringify(expected);
    if (running === null || running.expected === text) return;
    running.expected = text;
    running.controller.workersExpected(expected);
  }

  stop(): void {
    const { running } = this;
    if (running === null) return;
    this.running = null;
    running.cancelTick();
    running.controller.stop();
    running.links.close();
  }

  /**
   * Resolves once no partition is between two configurations, or after so long: what is left in between is
   * not served until the next controller has found it.
   */
  async finish(withinMs: number): Promise<void> {
    const { timers, limits } = this.options;
    const giveUpAt = timers.now() + withinMs;
    while (this.running?.controller.finish() === false && timers.now() < giveUpAt) {
      await new Promise<void>((resolve) => timers.after(limits.tickMs, resolve));
    }
  }

  facts(): ControllerFacts | null {
    const { running } = this;
    if (running === null) return null;
    const status = running.controller.status();
    const ring = running.controller.ring();
    const heard = status.workers.length > 0 && status.workers.every(({ state }) => state !== 'starting');
    const settled = (ring !== null && heard) || this.options.timers.now() - running.startedAt >= settleMs;
    return { status, ring, settled, stopped: running.controller.sight().halted };
  }

  sight(): Sight | null {
    return this.running?.controller.sight() ?? null;
  }

  status(): ClusterStatus | null {
    return this.running?.controller.status() ?? null;
  }

  ring(): RingRecord | null {
    return this.running?.controller.ring() ?? null;
  }

  /** The document as the API server has it now. */
  loadRing(cluster: KvorumCluster, done: (result: LoadResult) => void): void {
    this.ringStore(cluster, limitsOfCluster(cluster.spec, this.options.limits)).load(done);
  }

  private start(cluster: KvorumCluster, limits: Limits, key: string): Running {
    const { timers, createLinks, identity, note, measurements } = this.options;
    this.count += 1;
    const id = `${identity}-${this.count}`;
    const clusterId = clusterIdOf(cluster);
    const own: { controller: Controller | null } = { controller: null };
    const inbox = (): ControllerInbox => {
      if (own.controller === null) throw new Error('a stream speaks before there is a controller');
      return own.controller;
    };
    const links = createLinks(id, clusterId, limits, inbox);
    const controller = new Controller({
      id,
      clusterId,
      limits,
      partitionCount: cluster.spec.partitions,
      replicationFactor: cluster.spec.replicationFactor,
      clock: timers,
      ringStore: this.ringStore(cluster, limits),
      links,
      measurements,
      observe: note,
      stop: (reason) => note({ message: 'the controller does nothing more', fields: { reason } }),
      hurry: () => wait(limits.tickMs),
    });
    own.controller = controller;
    const running: Running = {
      key,
      controller,
      links,
      startedAt: timers.now(),
      expected: '',
      cancelTick: () => undefined,
    };
    const tick = () => {
      wait(limits.tickMs);
      const state = controller.tick();
      if (state === 'at rest' && this.running === running) wait(restTicks * limits.tickMs);
    };
    const wait = (pauseMs: number) => {
      running.cancelTick();
      running.cancelTick = timers.after(pauseMs, tick);
    };
    wait(limits.tickMs);
    controller.start();
    return running;
  }

  private ringStore(cluster: KvorumCluster, limits: Limits): ConfigMapRingStore {
    const { transport } = this.options;
    const { ring } = namesOf(cluster.name);
    return new ConfigMapRingStore({
      transport,
      namespace: cluster.namespace,
      name: ring,
      labels: labelsOf(cluster.name, 'operator'),
      owner: ownerReference(cluster),
      // The controller waits for less, and for so long after silences; this bounds how long a call is kept.
      timeoutMs: 4 * limits.casMs,
    });
  }
}
