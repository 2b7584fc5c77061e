/**
 * A Kubernetes with a Kvorum cluster in it, in one process and in virtual time: the fake API server, pods
 * whose workers are simple models, and operators that are the shipping code.
 */
import type { ConfigMap, Pod } from '../../../operator/kubernetes/api-objects.js';
import { defaultLimits } from '../../../core/limits.js';
import type { WorkerReport, ControlRequest } from '../../../core/protocol/control-message.js';
import { encodeRing } from '../../../core/ring/ring-payload.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';
import type { ClosableLinks } from '../../../operator/kubernetes/controller-host.js';
import { KubernetesOperator } from '../../../operator/kubernetes/kubernetes-operator.js';
import { decodeRingContents } from '../../../operator/kubernetes/ring-encoding.js';
import type { KvorumClusterStatus } from '../../../operator/kubernetes/plan-status.js';
import type { ControllerInbox } from '../../../operator/ports.js';
import { FakeApiServer } from '../../support/fake-api/fake-api-server.js';
import { FakeWorkloads } from '../../support/fake-api/fake-workloads.js';
import type { StoredObject } from '../../support/fake-api/fake-objects.js';
import { MemoryTransport } from '../../support/fake-api/memory-transport.js';
import type { TransportFaults } from '../../support/fake-api/memory-transport.js';
import { FakeWorker } from '../../unit/control/fake-worker.js';
import type { WorkerSurroundings } from '../../unit/control/fake-cluster.js';
import { EventQueue } from './virtual-time.js';

export const namespace = 'default';
const heartbeatMs = 500;
const startOfTime = Date.parse('2026-01-01T00:00:00Z');

export interface OperatorProcess {
  operator: KubernetesOperator;
  transport: MemoryTransport;
  alive: boolean;
  kill: () => void;
}

export class ModelCluster implements WorkerSurroundings {
  readonly time = new EventQueue();
  readonly api = new FakeApiServer(() => startOfTime + this.time.now());
  readonly workloads: FakeWorkloads;
  readonly workers = new Map<string, FakeWorker>();
  readonly controllers = new Map<string, ControllerInbox>();
  readonly operators: OperatorProcess[] = [];
  readonly acknowledged = new Map<number, string[]>();
  readonly log: string[] = [];
  private readonly volumes = new Map<string, string>();
  private readonly open = new Set<string>();
  private names = 0;
  private readonly versions: { at: number; version: number }[] = [];

  constructor() {
    this.api.listen(({ version }) => this.versions.push({ at: this.now, version }));
    this.workloads = new FakeWorkloads(this.api, this.time, {
      started: (pod, volume) => this.containerStarted(pod, volume),
      stopping: (pod, done) => this.containerStopping(pod, done),
      killed: (pod) => this.workers.get(pod)?.kill(),
      isReady: (pod) => this.isReady(pod),
    });
  }

  get now(): number {
    return this.time.now();
  }

  after(delayMs: number, run: () => void): void {
    this.time.after(delayMs, run);
  }

  // --- what a user does
  // ------------------------------------------------------------------------------------------

  createCluster(spec: object): void {
    this.must({
      method: 'POST',
      path: `/apis/kvorum.dev/v1alpha1/namespaces/${namespace}/kvorumclusters`,
      body: {
        apiVersion: 'kvorum.dev/v1alpha1',
        kind: 'KvorumCluster',
        metadata: { name: 'kv' },
        spec: { workers: 4, partitions: 8, image: 'kvorum:1', replacementDelaySeconds: 5, ...spec },
      },
    });
  }

  patchSpec(spec: object): void {
    const path = `/apis/kvorum.dev/v1alpha1/namespaces/${namespace}/kvorumclusters/kv`;
    this.must({ method: 'PATCH', path, body: { spec }, contentType: 'application/merge-patch+json' });
  }

  private must(request: { method: string; path: string; body: unknown; contentType?: string }): void {
    const { status, body } = this.api.handle({ query: {}, ...request });
    if (status >= 300) throw new Error(`${request.path}: ${JSON.stringify(body)}`);
  }

  get status(): Partial<KvorumClusterStatus> {
    const object = this.api.find('apis/kvorum.dev/v1alpha1/kvorumclusters', 'kv');
    return object?.status ?? {};
  }

  condition(type: string): string | undefined {
    return this.status.conditions?.find((condition) => condition.type === type)?.status;
  }

  pods(): (StoredObject & Pod)[] {
    return this.api.all('api/v1/pods');
  }

  ring(): RingRecord | null {
    const object = this.api.find('api/v1/configmaps', 'kv-ring');
    return object === undefined ? null : decodeRingContents(object as ConfigMap);
  }

  get wanted(): number {
    const object = this.api.find('apis/kvorum.dev/v1alpha1/kvorumclusters', 'kv');
    return (object?.spec as { workers?: number } | undefined)?.workers ?? 0;
  }

  /** The newest version at a moment. */
  versionAt(now: number): number {
    let version = 1_000;
    for (const { at, version: then } of this.versions) if (at <= now) version = then;
    return version;
  }

  // --- clients
  // ---------------------------------------------------------------------------------------------------

  /** Writes to every partition that is served; remembers what was acknowledged. */
  writeAll(): void {
    for (let partition = 0; partition < (this.ring()?.partitionCount ?? 0); partition += 1) {
      const mark = `${partition}/${this.freshId()}`;
      const taken = [...this.workers.values()].some((worker) => worker.write(partition, mark));
      if (taken) this.acknowledged.set(partition, [...(this.acknowledged.get(partition) ?? []), mark]);
    }
  }

  keepWriting(): void {
    this.after(2_000, () => {
      this.writeAll();
      this.keepWriting();
    });
  }

  /** Acknowledged writes that the serving primaries do not hold. */
  lostWrites(): string[] {
    return [...this.acknowledged].flatMap(([partition, marks]) => {
      const holder = [...this.workers.values()].find((worker) => worker.serves(partition));
      const log = holder?.replicas.get(partition)?.log ?? [];
      return marks.filter((mark) => !log.includes(mark));
    });
  }

  // --- operators
  // -------------------------------------------------------------------------------------------------

  startOperator(faults: TransportFaults = {}): OperatorProcess {
    const identity = `operator-${this.operators.length + 1}`;
    const process: { alive: boolean } = { alive: true };
    const kill = () => {
      process.alive = false;
      transport.kill();
      for (const name of [...this.controllers.keys()]) {
        if (name.startsWith(`${identity}-`)) this.forget(name);
      }
    };
    const transport = new MemoryTransport(this.api, this.time, {
      ...faults,
      killed: () => (kill(), faults.killed?.()),
    });
    const timers = {
      now: () => this.now,
      wall: () => startOfTime + this.now,
      after: (delayMs: number, run: () => void) => {
        let cancelled = false;
        this.after(delayMs, () => {
          if (!cancelled && process.alive) run();
        });
        return () => (cancelled = true);
      },
    };
    const operator = new KubernetesOperator({
      transport,
      timers,
      namespace,
      cluster: 'kv',
      identity,
      defaultImage: 'kvorum:default',
      leaseDurationMs: 6_000,
      leaseRetryMs: 1_000,
      limits: defaultLimits,
      createLinks: (id, _clusterId, _limits, inbox) => this.links(id, inbox),
      watchProcess: (address, ended) => this.watchOperator(address.host, ended),
      port: 8080,
      log: {
        info: (message, fields) =>
          this.log.push(`${this.now} ${identity} ${message} ${JSON.stringify(fields)}`),
        warn: (message, fields) =>
          this.log.push(`${this.now} ${identity} WARN ${message} ${JSON.stringify(fields)}`),
      },
      tell: () => undefined,
      definition: null,
    });
    const started = Object.assign(process, { operator, transport, kill });
    this.operators.push(started);
    operator.start();
    return started;
  }

  /** A pod's address is its name here; all operators share one look. */
  private watchOperator(address: string, ended: () => void): () => void {
    const index = Number(address.split('-')[1]) - 1;
    let isOver = false;
    const look = () => {
      if (isOver) return;
      if (this.operators[index]?.alive === true) this.after(5, look);
      else ended();
    };
    look();
    return () => (isOver = true);
  }

  private links(name: string, inbox: () => ControllerInbox): ClosableLinks {
    return {
      connect: () => {
        this.controllers.set(name, inbox());
        this.reconnect(name);
      },
      send: (id, request) => {
        if (this.open.has(`${name} ${id}`)) this.deliver(name, id, request, 1);
      },
      sendThrough: (via, id, request) => {
        if (this.open.has(`${name} ${via}`) && this.joined(via, id)) this.deliver(name, id, request, 2);
      },
      probe: (id, timeoutMs, done) => {
        const worker = this.workers.get(id);
        const silent = worker === undefined || this.isNodeDead(id);
        this.after(silent ? timeoutMs : 2, () =>
          done(silent ? 'silent' : worker.alive ? 'answered' : 'refused'),
        );
      },
      close: () => this.forget(name),
    };
  }

  private forget(name: string): void {
    this.controllers.delete(name);
    for (const key of [...this.open]) if (key.startsWith(`${name} `)) this.open.delete(key);
  }

  private reconnect(name: string): void {
    const controller = this.controllers.get(name);
    for (const worker of this.workers.values()) {
      const key = `${name} ${worker.id}`;
      if (controller === undefined || !worker.alive || this.open.has(key)) continue;
      this.after(20, () => {
        if (!worker.alive || this.open.has(key) || this.controllers.get(name) !== controller) return;
        this.open.add(key);
        controller.workerConnected(worker.id, { storeId: worker.storeId, bootCount: worker.bootCount });
      });
    }
  }

  private deliver(name: string, id: string, request: ControlRequest, delayMs: number): void {
    this.after(delayMs, () => this.workers.get(id)?.receive(name, request));
  }

  // --- containers
  // ------------------------------------------------------------------------------------------------

  private containerStarted(pod: string, volume: string): void {
    const known = this.workers.get(pod);
    if (known === undefined) {
      const worker = new FakeWorker(pod, this);
      this.workers.set(pod, worker);
      this.volumes.set(pod, volume);
      this.beat(worker);
      this.workerStarted(worker);
      return;
    }
    if (known.alive) known.kill();
    const wiped = this.volumes.get(pod) !== volume;
    this.volumes.set(pod, volume);
    known.start({ wiped });
  }

  private beat(worker: FakeWorker): void {
    this.after(heartbeatMs, () => {
      worker.beat();
      this.beat(worker);
    });
  }

  /** Hands its primaries over, as long as it is let, and ends. */
  private containerStopping(pod: string, done: () => void): void {
    const worker = this.workers.get(pod);
    if (worker === undefined) return done();
    worker.leaving = true;
    const { runId } = worker;
    const giveUpAt = this.now + 8_000;
    const wait = () => {
      if (worker.runId !== runId || !worker.alive) {
        done();
        return;
      }
      const leads = worker.ring?.partitions.some((_, partition) => worker.serves(partition)) === true;
      if (leads && this.now < giveUpAt) {
        this.after(100, wait);
        return;
      }
      worker.kill();
      done();
    };
    this.after(500, wait);
  }

  private isReady(pod: string): boolean {
    const worker = this.workers.get(pod);
    return worker?.alive === true && worker.ring !== null && !worker.leaving;
  }

  private isNodeDead(id: string): boolean {
    const node = this.pods().find((pod) => pod.metadata.name === id)?.spec?.nodeName ?? '';
    return this.workloads.deadNodes.has(node);
  }

  // --- what the model workers need
  // -------------------------------------------------------------------------------

  freshId(): string {
    this.names += 1;
    return `id${this.names}`;
  }

  encoded(record: RingRecord): Uint8Array {
    return encodeRing(record);
  }

  joined(a: string, b: string): boolean {
    return this.workers.get(a)?.alive === true && this.workers.get(b)?.alive === true;
  }

  workerDied(worker: FakeWorker): void {
    for (const [name, controller] of this.controllers) {
      if (!this.open.delete(`${name} ${worker.id}`)) continue;
      const silentMs = this.isNodeDead(worker.id) ? 1_500 : 1;
      this.after(silentMs, () => controller.workerDisconnected(worker.id));
    }
  }

  workerStarted(_worker: FakeWorker): void {
    for (const name of this.controllers.keys()) this.reconnect(name);
  }

  fromWorker(worker: FakeWorker, name: string, report: WorkerReport): void {
    const controller = this.controllers.get(name);
    if (controller === undefined || !this.open.has(`${name} ${worker.id}`)) return;
    this.after(1, () => {
      if (this.controllers.get(name) === controller) controller.workerReport(worker.id, report, null);
    });
  }
}
