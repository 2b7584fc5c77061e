/**
 * What Kubernetes makes of a StatefulSet: pods and volumes by the workload controller, and on each node a
 * kubelet that starts, watches and ends them. A node that is dead does nothing, and its pods stay in
 * Terminating when they are deleted.
 */
import type { Pod, StatefulSet } from '../../../operator/kubernetes/api-objects.js';
import { canonical } from './fake-objects.js';
import type { StoredObject } from './fake-objects.js';
import type { Change, FakeApiServer } from './fake-api-server.js';
import type { VirtualTime } from './memory-transport.js';

export interface ContainerHooks {
  /** A container of the pod starts, over the volume of this uid. */
  started(pod: string, volume: string): void;
  /** It is told to stop: `done` when it has ended by itself. */
  stopping(pod: string, done: () => void): void;
  /** It is gone, at once. */
  killed(pod: string): void;
  isReady(pod: string): boolean;
}

const reactMs = 20;
const startMs = 150;
const probeMs = 250;
const nodeGraceMs = 20_000;
const orphanMs = 40_000;
const nodeAnnotation = 'volume.kubernetes.io/selected-node';

interface RunningPod {
  uid: string;
  node: string;
}

export class FakeWorkloads {
  readonly deadNodes = new Set<string>();
  /** Volumes are disks in the nodes: a pod goes where its volume is. */
  localVolumes = false;
  /** Pods that the operator had deleted, in order. */
  readonly deletions: string[] = [];
  private readonly running = new Map<string, RunningPod>();
  private reacting = false;
  private addresses = 0;

  constructor(
    private readonly server: FakeApiServer,
    private readonly time: VirtualTime,
    private readonly hooks: ContainerHooks,
    readonly nodes: readonly string[] = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5', 'node-6'],
  ) {
    for (const name of nodes) {
      const body = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
      server.handle({ method: 'POST', path: '/api/v1/nodes', query: {}, body });
    }
    server.listen((change) => this.changed(change));
    this.probe();
  }

  /** Its containers die at once, and nobody tells. */
  killNode(node: string): void {
    this.deadNodes.add(node);
    for (const [name, pod] of this.running) if (pod.node === node) this.hooks.killed(name);
    this.time.after(nodeGraceMs, () => {
      if (!this.deadNodes.has(node)) return;
      for (const pod of this.podsOn(node)) this.setReady(pod, false);
    });
  }

  /** It is dead and taken out of the cluster: its pods are cleared away after a while. */
  deleteNode(node: string): void {
    this.killNode(node);
    const object = this.server.find('api/v1/nodes', node);
    if (object !== undefined) this.server.erase(object);
    this.time.after(orphanMs, () => {
      for (const pod of this.podsOn(node)) this.server.erase(pod);
    });
  }

  startNode(node: string): void {
    this.deadNodes.delete(node);
    for (const pod of this.podsOn(node)) {
      this.running.delete(pod.metadata.name);
      if (pod.metadata.deletionTimestamp === undefined) this.run(pod, node);
      else this.server.erase(pod);
    }
  }

  /** The process ends, and its kubelet starts it again. */
  killContainer(name: string): void {
    const pod = this.server.find('api/v1/pods', name);
    const running = this.running.get(name);
    if (pod === undefined || running === undefined) return;
    this.hooks.killed(name);
    this.running.delete(name);
    this.time.after(startMs, () => this.run(pod, running.node));
  }

  private podsOn(node: string): StoredObject[] {
    return this.server.all('api/v1/pods').filter((pod) => (pod as Pod).spec?.nodeName === node);
  }

  private changed({ collection, type, object }: Change): void {
    if (collection === 'api/v1/pods') {
      const { name } = object.metadata;
      if (type === 'MODIFIED' && object.metadata.deletionTimestamp !== undefined) this.terminating(object);
      if (type === 'DELETED' && this.running.get(name)?.uid === object.metadata.uid) {
        this.running.delete(name);
        this.hooks.killed(name);
      }
    }
    if (collection !== 'api/v1/pods' && collection !== 'apis/apps/v1/statefulsets') return;
    if (this.reacting) return;
    this.reacting = true;
    this.time.after(reactMs, () => {
      this.reacting = false;
      for (const set of this.server.all('apis/apps/v1/statefulsets')) this.reconcile(set);
    });
  }

  private reconcile(set: StoredObject): void {
    const { spec = {}, metadata } = set as StatefulSet;
    const { template } = spec as {
      template?: { metadata?: { labels?: Record<string, string> }; spec?: object };
    };
    const revision = `${set.metadata.name}-${hashOf(canonical(template))}`;
    const replicas = spec.replicas ?? 0;
    const own = this.server
      .all('api/v1/pods')
      .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid));
    const names = new Set(own.map((pod) => pod.metadata.name));
    for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
      const name = `${set.metadata.name}-${ordinal}`;
      if (!names.has(name)) this.createPod(set, name, revision, template ?? {});
    }
    for (const pod of own) {
      const ordinal = Number(pod.metadata.name.slice(set.metadata.name.length + 1));
      if (ordinal >= replicas) this.server.terminate(pod, null);
    }
    const ready = own.filter((pod) => isReady(pod)).length;
    this.server.update(set, (copy) => {
      copy.status = {
        ...(copy.status as object | undefined),
        observedGeneration: metadata?.generation,
        replicas: own.length,
        readyReplicas: ready,
        updateRevision: revision,
      };
    });
  }

  private createPod(
    set: StoredObject,
    name: string,
    revision: string,
    template: { metadata?: { labels?: Record<string, string> }; spec?: object },
  ): void {
    const { namespace = '', uid } = set.metadata;
    const claim = this.claimOf(set, name);
    const { status, body } = this.server.handle({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: {},
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name,
          labels: { ...template.metadata?.labels, 'controller-revision-hash': revision },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'StatefulSet', name: set.metadata.name, uid, controller: true },
          ],
        },
        spec: structuredClone(template.spec ?? {}),
        status: { phase: 'Pending', conditions: [] },
        volume: claim.metadata.uid,
      },
    });
    if (status !== 201) return;
    this.time.after(startMs, () => this.schedule(body as StoredObject));
  }

  private claimOf(set: StoredObject, pod: string): StoredObject {
    const template = (set as StatefulSet).spec?.volumeClaimTemplates?.[0];
    const name = `${template?.metadata?.name ?? 'data'}-${pod}`;
    const existing = this.server.find('api/v1/persistentvolumeclaims', name);
    if (existing !== undefined) return existing;
    const { namespace = '' } = set.metadata;
    const { selector } = (set.spec ?? {}) as { selector?: { matchLabels?: Record<string, string> } };
    const spec = { storageClassName: 'standard', ...template?.spec };
    const { body } = this.server.handle({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
      query: {},
      body: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, labels: { ...selector?.matchLabels } },
        spec: structuredClone(spec),
        status: { phase: 'Bound', capacity: { ...spec.resources?.requests } },
      },
    });
    return body as StoredObject;
  }

  private schedule(created: StoredObject): void {
    const pod = this.current(created);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const claim = this.claimNamed(pod);
    const bound = claim?.metadata.annotations?.[nodeAnnotation];
    const alive = this.nodes.filter((name) => !this.deadNodes.has(name) && (bound ?? name) === name);
    const [node] = alive.sort((a, b) => this.podsOn(a).length - this.podsOn(b).length || (a < b ? -1 : 1));
    if (node === undefined) return this.time.after(1_000, () => this.schedule(created));
    if (this.localVolumes && claim !== undefined && bound === undefined) {
      this.server.update(claim, (copy) => (copy.metadata.annotations = { [nodeAnnotation]: node }));
    }
    this.server.update(pod, (copy) => {
      copy.spec = { ...(copy.spec as object), nodeName: node };
    });
    this.run(pod, node);
  }

  private claimNamed(pod: StoredObject): StoredObject | undefined {
    const all = this.server.all('api/v1/persistentvolumeclaims');
    return all.find((claim) => claim.metadata.uid === pod.volume);
  }

  private run(created: StoredObject, node: string): void {
    const pod = this.current(created);
    if (pod === undefined || this.deadNodes.has(node)) return;
    const { name, uid } = pod.metadata;
    const image = (pod as Pod).spec?.containers?.[0]?.image ?? '';
    if (image.includes('broken')) {
      const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` };
      return this.server.update(pod, (copy) => {
        copy.status = {
          phase: 'Pending',
          conditions: [],
          containerStatuses: [{ name: 'worker', state: { waiting } }],
        };
      });
    }
    this.running.set(name, { uid, node });
    this.addresses += 1;
    const podIP = `10.0.0.${this.addresses}`;
    this.server.update(pod, (copy) => {
      copy.status = { phase: 'Running', podIP, conditions: [{ type: 'Ready', status: 'False' }] };
    });
    this.hooks.started(name, String(pod.volume));
  }

  private terminating(pod: StoredObject): void {
    const { name, uid } = pod.metadata;
    const running = this.running.get(name);
    if (running?.uid !== uid) {
      const node = (pod as Pod).spec?.nodeName ?? '';
      if (!this.deadNodes.has(node)) this.time.after(reactMs, () => this.server.erase(pod));
      return;
    }
    if (this.deadNodes.has(running.node)) return;
    this.setReady(pod, false);
    this.hooks.stopping(name, () => {
      if (this.running.get(name)?.uid === uid) this.running.delete(name);
      this.time.after(reactMs, () => this.server.erase(pod));
    });
  }

  private probe(): void {
    this.time.after(probeMs, () => {
      for (const [name, { uid, node }] of this.running) {
        const pod = this.server.find('api/v1/pods', name);
        if (
          pod?.metadata.uid !== uid ||
          this.deadNodes.has(node) ||
          pod.metadata.deletionTimestamp !== undefined
        )
          continue;
        this.setReady(pod, this.hooks.isReady(name));
      }
      this.probe();
    });
  }

  private setReady(pod: StoredObject, ready: boolean): void {
    if (isReady(this.current(pod) ?? pod) === ready) return;
    this.server.update(pod, (copy) => {
      copy.status = {
        ...(copy.status as object | undefined),
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      };
    });
  }

  private current(pod: StoredObject): StoredObject | undefined {
    const now = this.server.find('api/v1/pods', pod.metadata.name);
    return now?.metadata.uid === pod.metadata.uid ? now : undefined;
  }
}

function isReady(pod: StoredObject): boolean {
  return (pod as Pod).status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function hashOf(text: string): string {
  let hash = 0;
  for (const byte of Buffer.from(text)) hash = (Math.imul(hash, 31) + byte) >>> 0;
  return hash.toString(16);
}
