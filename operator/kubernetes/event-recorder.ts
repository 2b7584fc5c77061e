/**
 * Events: what happened, for whoever types `kubectl describe` or `kubectl get events`. They are told once and
 * may get lost; nothing is ever read back from them. Things that happen to many partitions at once are told
 * in one sentence.
 */
import type { ControllerNote } from '../controller.js';
import type { ApiTransport, Timers } from './api-transport.js';
import type { KvorumCluster } from './cluster-spec.js';
import { fieldManager } from './field-owner.js';
import { collectionPath, kvorumGroup, kvorumVersion } from './resource-paths.js';

export interface EventRecorderOptions {
  transport: ApiTransport;
  timers: Timers;
  identity: string;
}

interface Gathered {
  count: number;
  tookMs: number;
  reasons: Set<string>;
  workers: Set<string>;
}

const gatherMs = 1_000;
const waitingMax = 64;
/** Events API: at most 1,024 bytes. */
const noteLengthMax = 900;

export class EventRecorder {
  private about: KvorumCluster | null = null;
  private readonly waiting: object[] = [];
  private sending = false;
  private count = 0;
  private readonly gathered = new Map<string, Gathered>();
  private gathering = false;

  constructor(private readonly options: EventRecorderOptions) {}

  regard(cluster: KvorumCluster): void {
    this.about = cluster;
  }

  tell(type: 'Normal' | 'Warning', reason: string, note: string): void {
    const { about } = this;
    if (about === null || this.waiting.length >= waitingMax) return;
    const { timers, identity } = this.options;
    this.count += 1;
    const { name, namespace, uid } = about;
    this.waiting.push({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${name}.${timers.wall().toString(16)}${this.count.toString(16)}`, namespace },
      eventTime: new Date(timers.wall()).toISOString().replace('Z', '000Z'),
      type,
      reason,
      note: note.slice(0, noteLengthMax),
      action: reason,
      reportingController: `${kvorumGroup}/operator`,
      reportingInstance: identity.slice(0, 128),
      regarding: {
        apiVersion: `${kvorumGroup}/${kvorumVersion}`,
        kind: 'KvorumCluster',
        name,
        namespace,
        uid,
      },
    });
    void this.send();
  }

  /** What the controller says that it did. */
  controllerNote({ message, fields }: ControllerNote): void {
    const worker = String(fields.worker ?? '');
    switch (message) {
      case 'worker lost':
        return this.tell('Warning', 'WorkerLost', `${worker} is lost: ${String(fields.evidence)}`);
      case 'ring created':
        return this.tell('Normal', 'RingCreated', 'The ring was created');
      case 'partitions without quorum':
        return this.tell(
          'Warning',
          'QuorumLost',
          `${String(fields.count)} partitions have too few workers: ${String(fields.reason)}`,
        );
      case 'partition reconfigured':
        return this.gather(String(fields.kind), Number(fields.tookMs), '', '');
      case 'learner added':
        return this.gather('copy', 0, String(fields.reason), worker);
      default:
    }
  }

  private gather(kind: string, tookMs: number, reason: string, worker: string): void {
    const known = this.gathered.get(kind) ?? { count: 0, tookMs: 0, reasons: new Set(), workers: new Set() };
    known.count += 1;
    known.tookMs = Math.max(known.tookMs, tookMs);
    if (reason !== '' && known.reasons.size < 3) known.reasons.add(reason);
    if (worker !== '') known.workers.add(worker);
    this.gathered.set(kind, known);
    if (this.gathering) return;
    this.gathering = true;
    this.options.timers.after(gatherMs, () => {
      this.gathering = false;
      for (const [told, gathered] of this.gathered) this.tellGathered(told, gathered);
      this.gathered.clear();
    });
  }

  private tellGathered(kind: string, { count, tookMs, reasons, workers }: Gathered): void {
    const partitions = count === 1 ? '1 partition' : `${count} partitions`;
    switch (kind) {
      case 'failover':
        return this.tell('Warning', 'Failover', `Failover of ${partitions} in ${Math.round(tookMs)} ms`);
      case 'first':
        return this.tell('Normal', 'PartitionsReady', `${partitions} got their first configuration`);
      case 'move':
        return this.tell('Normal', 'PrimariesMoved', `The primaries of ${partitions} were handed over`);
      case 'replace':
        return this.tell('Normal', 'ReplicasReplaced', `A replica of ${partitions} was replaced`);
      case 'copy': {
        const why = [...reasons].join(', ');
        return this.tell(
          'Normal',
          'CopyBegun',
          `Copying ${partitions} to ${[...workers].join(', ')}: ${why}`,
        );
      }
      default:
    }
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (let body = this.waiting.shift(); body !== undefined; body = this.waiting.shift()) {
        const namespace = this.about?.namespace ?? '';
        const path = collectionPath('events', namespace);
        await this.options.transport.request({ method: 'POST', path, query: { fieldManager }, body });
      }
    } finally {
      this.sending = false;
    }
  }
}
