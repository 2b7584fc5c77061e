/**
 * The operator of one cluster on Kubernetes: watches for everyone, an election, and for the one that is
 * elected the controller and the passes over the cluster's objects.
 */
import type { ClusterStatus } from '../../core/control/cluster-status.js';
import { namedWorkers } from '../../core/control/membership.js';
import type { Limits } from '../../core/limits.js';
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { Sight } from '../../core/control/sight.js';
import type { ControllerNote } from '../controller.js';
import { OperatorMeasurements } from '../metrics/operator-measurements.js';
import { ClusterEvents } from '../events/cluster-events.js';
import type { TellEvent } from '../events/note-gatherer.js';
import type { Timers, WatchProcess } from '../ports.js';
import type { ApiTransport } from './api-transport.js';
import { ClusterReconciler } from './cluster-reconciler.js';
import { ClusterWatches } from './cluster-watches.js';
import { ControllerHost } from './controller-host.js';
import type { ControllerHostOptions } from './controller-host.js';
import { applyDefinition } from './custom-resource-definition.js';
import { EventRecorder } from './event-recorder.js';
import { LeaseElection } from './lease-election.js';
import { labelsOf, namesOf } from './object-names.js';
import { LeaseHolder } from './lease-holder.js';
import { ownerReference, parseKvorumCluster } from './cluster-spec.js';

export interface OperatorLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface KubernetesOperatorOptions {
  transport: ApiTransport;
  timers: Timers;
  namespace: string;
  cluster: string;
  identity: string;
  defaultImage: string | null;
  leaseDurationMs: number;
  leaseRetryMs: number;
  limits: Limits;
  createLinks: ControllerHostOptions['createLinks'];
  watchProcess: WatchProcess;
  /** On which another operator listens: the same as this one. */
  port: number;
  measurements?: OperatorMeasurements;
  log: OperatorLog;
  /** Told of every event, besides the API server. */
  tell: TellEvent;
  /** Null where none is to be applied. */
  definition: object | null;
}

/** Most moves take a fraction of it. */
const finishMs = 3_000;

export class KubernetesOperator {
  private readonly watches: ClusterWatches;
  private readonly host: ControllerHost;
  private readonly events: EventRecorder;
  private readonly reconciler: ClusterReconciler;
  private readonly holder: LeaseHolder;
  private readonly election: LeaseElection;
  private following = '';
  private readonly measurements: OperatorMeasurements;

  constructor(private readonly options: KubernetesOperatorOptions) {
    const { transport, timers, namespace, cluster, identity, limits, createLinks, log } = options;
    const measurements = options.measurements ?? new OperatorMeasurements();
    this.measurements = measurements;
    const warn = (message: string, fields: Record<string, string>) => log.warn(message, fields);
    const info = (message: string, fields: Record<string, string>) => log.info(message, fields);
    this.events = new EventRecorder({ transport, timers, identity, alsoTell: options.tell });
    const story = new ClusterEvents(
      timers,
      {
        counts: () => this.host.status()?.partitions ?? null,
        isMissed: (worker) => this.isMissed(worker),
      },
      (type, reason, text) => this.events.tell(type, reason, text),
    );
    const note = (told: ControllerNote) => {
      log.info(told.message, told.fields);
      story.note(told);
      this.reconciler.changed();
    };
    this.host = new ControllerHost({ transport, timers, identity, limits, createLinks, note, measurements });
    this.watches = new ClusterWatches({
      transport,
      timers,
      namespace,
      cluster,
      changed: () => this.reconciler.changed(),
      warn,
    });
    const { watches, host, events } = this;
    const { defaultImage } = options;
    const parts = { watches, host, events, warn, info, measurements };
    this.reconciler = new ClusterReconciler({
      transport,
      timers,
      namespace,
      cluster,
      defaultImage,
      ...parts,
    });
    const { watchProcess, port, leaseRetryMs: retryMs } = options;
    this.holder = new LeaseHolder({ transport, timers, namespace, watchProcess, port, retryMs });
    this.election = this.createElection();
  }

  start(): void {
    this.watches.start();
    this.election.start();
    void this.keepDefinition();
  }

  /** Ends what partitions wait for, then gives the Lease back; the rest is the next one's. */
  async stop(): Promise<void> {
    try {
      await this.host.finish(finishMs);
    } finally {
      this.reconciler.stop();
      this.watches.stop();
      await this.election.stop();
    }
  }

  get isActive(): boolean {
    return this.election.isActive;
  }

  /** Why it is not ready; null if it is. A follower is, once it could take over. */
  notReady(): string | null {
    if (!this.watches.synced) return 'the objects of the cluster have not been listed yet';
    return this.election.isActive || this.following !== '' ? null : 'the Lease has not been read yet';
  }

  /** Null while another operator is the active one. */
  status(): ClusterStatus | null {
    return this.host.status();
  }

  /** Null while another operator is the active one, or there is no cluster. */
  sight(): Sight | null {
    return this.host.sight();
  }

  /** The name of the active operator; '' while that is not known. */
  active(): string {
    return this.election.isActive ? this.options.identity : this.following;
  }

  ring(): RingRecord | null {
    return this.host.ring();
  }

  /** Who has never been there is not lost, nor is a removed worker that holds nothing and ends. */
  private isMissed(worker: string): boolean {
    const ring = this.host.ring();
    if (ring === null) return false;
    return ring.members[worker]?.state !== 'draining' || namedWorkers(ring).has(worker);
  }

  private createElection(): LeaseElection {
    const { transport, timers, namespace, cluster, identity, log } = this.options;
    return new LeaseElection({
      transport,
      timers,
      namespace,
      name: namesOf(cluster).lease,
      labels: labelsOf(cluster, 'operator'),
      owner: () => {
        const object = this.watches.clusters.get(cluster);
        return object === undefined ? null : ownerReference(parseKvorumCluster(object, null));
      },
      identity,
      hasEnded: (holder) => this.holder.hasEnded(holder),
      watchHolder: (holder, ended) => this.holder.watch(holder, ended),
      durationMs: this.options.leaseDurationMs,
      retryMs: this.options.leaseRetryMs,
      acquired: () => {
        this.following = '';
        this.measurements.leaderChanges += 1;
        log.info('active', { identity });
        this.options.tell('Normal', 'Active', `${identity} is the active operator now`);
        this.reconciler.start();
      },
      lost: (reason) => {
        log.warn('no longer active', { reason });
        this.options.tell(
          'Warning',
          'NotActive',
          `${identity} is not the active operator any more: ${reason}`,
        );
        this.reconciler.stop();
      },
      following: (holder) => {
        this.following = holder;
        log.info('another operator is active', { holder });
      },
    });
  }

  private async keepDefinition(): Promise<void> {
    const { transport, definition, log } = this.options;
    if (definition === null) return;
    const problem = await applyDefinition(transport, definition);
    if (problem !== null) log.warn('the CustomResourceDefinition stays as it is', { reason: problem });
  }
}
