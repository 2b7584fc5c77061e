/**
 * Events: what happened, for whoever types `kubectl describe` or `kubectl get events`. They are told once and
 * may get lost; nothing is ever read back from them.
 */
import type { EventType, TellEvent } from '../events/note-gatherer.js';
import type { Timers } from '../ports.js';
import type { ApiTransport } from './api-transport.js';
import type { KvorumCluster } from './cluster-spec.js';
import { fieldManager } from './field-owner.js';
import { collectionPath, kvorumGroup, kvorumVersion } from './resource-paths.js';

export interface EventRecorderOptions {
  transport: ApiTransport;
  timers: Timers;
  identity: string;
  alsoTell: TellEvent;
}

const waitingMax = 64;
/** Events API: at most 1,024 bytes. */
const noteLengthMax = 900;

export class EventRecorder {
  private about: KvorumCluster | null = null;
  private readonly waiting: object[] = [];
  private sending = false;
  private count = 0;

  constructor(private readonly options: EventRecorderOptions) {}

  regard(cluster: KvorumCluster): void {
    this.about = cluster;
  }

  tell(type: EventType, reason: string, note: string): void {
    this.options.alsoTell(type, reason, note);
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
