/**
 * The pictures of the cluster's objects that every operator keeps, active or not, so that one that takes over
 * knows at once.
 */
import type { ApiList, ApiObject, Pod, StatefulSet, VolumeClaim } from './api-objects.js';
import { nameOf } from './api-objects.js';
import { explain } from './api-transport.js';
import type { Timers } from '../ports.js';
import type { ApiTransport } from './api-transport.js';
import { ListWatch } from './list-watch.js';
import { namesOf, selectorText, workerSelector } from './object-names.js';
import { collectionPath, nodesPath } from './resource-paths.js';

export interface ClusterWatchesOptions {
  transport: ApiTransport;
  timers: Timers;
  namespace: string;
  cluster: string;
  changed: () => void;
  warn: (message: string, fields: Record<string, string>) => void;
}

const zonesEveryMs = 60_000;
const zoneLabel = 'topology.kubernetes.io/zone';

export class ClusterWatches {
  readonly clusters: ListWatch<ApiObject>;
  readonly statefulSets: ListWatch<StatefulSet>;
  readonly pods: ListWatch<Pod>;
  readonly claims: ListWatch<VolumeClaim>;
  /** Null while nodes cannot be read. */
  zones: ReadonlyMap<string, string> | null = null;
  private zonesAsked = false;
  private toldOfNodes = false;
  private cancelZones: (() => void) | null = null;
  private stopped = true;

  constructor(private readonly options: ClusterWatchesOptions) {
    const { namespace, cluster } = options;
    const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
    const labelled = { labelSelector: selectorText(workerSelector(cluster)) };
    const path = collectionPath;
    this.clusters = this.watch(path('kvorumclusters', namespace), named(cluster));
    this.statefulSets = this.watch(path('statefulsets', namespace), named(namesOf(cluster).workers));
    this.pods = this.watch(path('pods', namespace), labelled);
    this.claims = this.watch(path('persistentvolumeclaims', namespace), labelled);
  }

  get synced(): boolean {
    const all = [this.clusters, this.statefulSets, this.pods, this.claims];
    return this.zonesAsked && all.every((watch) => watch.synced);
  }

  start(): void {
    this.stopped = false;
    for (const watch of [this.clusters, this.statefulSets, this.pods, this.claims]) watch.start();
    void this.readZones();
  }

  stop(): void {
    this.stopped = true;
    this.cancelZones?.();
    for (const watch of [this.clusters, this.statefulSets, this.pods, this.claims]) watch.stop();
  }

  private watch<T extends ApiObject>(path: string, query: Record<string, string>): ListWatch<T> {
    const { transport, timers, changed, warn } = this.options;
    const failed = (reason: string) => warn('objects cannot be listed', { path, reason });
    return new ListWatch<T>({ path, query, transport, timers, changed, failed });
  }

  /** Nodes come and go seldom, and only their labels count: read now and then, without their status. */
  private async readZones(): Promise<void> {
    const { transport, timers, changed, warn } = this.options;
    const reply = await transport.request({ method: 'GET', path: nodesPath, metadataOnly: true });
    if (this.stopped) return;
    if (reply.type === 'done') {
      const { items = [] } = reply.body as ApiList;
      this.zones = new Map(items.map((node) => [nameOf(node), node.metadata?.labels?.[zoneLabel] ?? '']));
    } else if (!this.toldOfNodes) {
      this.toldOfNodes = true;
      warn('nodes cannot be read: each counts as a zone of its own', { reason: explain(reply) });
    }
    this.zonesAsked = true;
    changed();
    this.cancelZones = timers.after(zonesEveryMs, () => void this.readZones());
  }
}
