/**
 * Workers, a ring store and controllers on one queue of events in virtual time: the shipping controller runs
 * above its ports, everything below them is simple enough to be right.
 */
import { limitProblems, defaultLimits } from '../../../core/limits.js';
import type { Limits } from '../../../core/limits.js';
import type { ControlRequest, WorkerReport } from '../../../core/protocol/control-message.js';
import { encodeRing } from '../../../core/ring/ring-payload.js';
import type { RingRecord } from '../../../core/ring/ring-record.js';
import { commitQuorum, hasIdentity } from '../../../core/ring/ring-record.js';
import { Controller } from '../../../operator/controller.js';
import type { ControllerNote } from '../../../operator/controller.js';
import type { ExpectedWorker, Links, RingStore, SwapResult } from '../../../operator/ports.js';
import { FakeWorker } from './fake-worker.js';

export interface FakeClusterOptions {
  workers?: number;
  partitionCount?: number;
  replicationFactor?: number;
  limits?: Partial<Limits>;
  zones?: string[];
}

/** What a worker needs of the cluster around it. */
export type WorkerSurroundings = Pick<
  FakeCluster,
  | 'after'
  | 'encoded'
  | 'freshId'
  | 'fromWorker'
  | 'joined'
  | 'now'
  | 'workerDied'
  | 'workers'
  | 'workerStarted'
> & { readonly controllers: ReadonlyMap<string, unknown> };

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

/** What the ring store does with one swap. */
export type SwapFate = 'normal' | 'conflict' | 'lost' | 'doneUnanswered';

export class FakeCluster {
  now = 0;
  readonly workers = new Map<string, FakeWorker>();
  readonly controllers = new Map<string, Controller>();
  readonly notes: (ControllerNote & { at: number })[] = [];
  readonly stops: string[] = [];
  readonly limits: Limits;
  readonly acknowledged = new Map<number, string[]>();
  document: RingRecord | null = null;
  swaps = 0;
  swapFate: (count: number) => SwapFate = () => 'normal';
  /** From a swap that was carried out to its answer. */
  swapAnswerMs = 5;
  /** Pairs "a b" (sorted) that do not reach one another; controllers are named too. */
  readonly cuts = new Set<string>();
  private revision = 0;
  private timers: Timer[] = [];
  private order = 0;
  private names = 0;
  private expected: ExpectedWorker[] = [];
  private readonly open = new Set<string>();

  constructor(readonly options: FakeClusterOptions = {}) {
    this.limits = { ...defaultLimits, replacementDelayMs: 5_000, ...options.limits };
    const problems = limitProblems(this.limits);
    if (problems.length > 0) throw new Error(problems.join('; '));
    const zones = options.zones ?? ['z'];
    for (let index = 0; index < (options.workers ?? 4); index += 1) {
      this.addWorker(`w${index}`, zones[index % zones.length] ?? 'z');
    }
  }

  freshId(): string {
    this.names += 1;
    return `id${this.names}`;
  }

  // --- workers
  // ---------------------------------------------------------------------------------------------------

  addWorker(id: string, zone = 'z'): FakeWorker {
    const worker = new FakeWorker(id, this);
    this.workers.set(id, worker);
    const port = 7_000 + this.workers.size;
    this.expected = [
      ...this.expected,
      { id, host: 'h', peerPort: port, clientPort: port + 1_000, zone, ready: null, wish: 'stay' },
    ];
    this.tellExpected();
    this.every(this.limits.heartbeatMs, () => worker.beat());
    return worker;
  }

  wish(id: string, wish: ExpectedWorker['wish'] | 'gone'): void {
    this.expected = this.expected.flatMap((worker) => {
      if (worker.id !== id) return [worker];
      return wish === 'gone' ? [] : [{ ...worker, wish }];
    });
    this.tellExpected();
  }

  worker(id: string): FakeWorker {
    const worker = this.workers.get(id);
    if (worker === undefined) throw new Error(`no worker ${id}`);
    return worker;
  }

  workerDied(worker: FakeWorker): void {
    for (const [name, controller] of this.controllers) {
      if (!this.open.delete(`${name} ${worker.id}`)) continue;
      this.after(1, () => controller.workerDisconnected(worker.id));
    }
  }

  workerStarted(_worker: FakeWorker): void {
    for (const name of this.controllers.keys()) this.reconnect(name);
  }

  joined(a: string, b: string): boolean {
    const other = this.workers.get(b);
    return this.workers.get(a)?.alive === true && other?.alive === true && !this.isCut(a, b);
  }

  isCut(a: string, b: string): boolean {
    return this.cuts.has([a, b].sort().join(' '));
  }

  cut(a: string, b: string): void {
    this.cuts.add([a, b].sort().join(' '));
    const closed = this.open.delete(`${a} ${b}`) || this.open.delete(`${b} ${a}`);
    const controller = this.controllers.get(a) ?? this.controllers.get(b);
    const worker = this.controllers.has(a) ? b : a;
    if (closed && controller !== undefined) this.after(1_500, () => controller.workerDisconnected(worker));
  }

  heal(): void {
    this.cuts.clear();
    for (const name of this.controllers.keys()) this.reconnect(name);
  }

  fromWorker(worker: FakeWorker, name: string, report: WorkerReport): void {
    const controller = this.controllers.get(name);
    if (controller === undefined) return;
    if (this.open.has(`${name} ${worker.id}`)) {
      this.after(1, () => {
        if (this.controllers.get(name) === controller) controller.workerReport(worker.id, report, null);
      });
      return;
    }
    if (report.type === 'heartbeat') return;
    const relay = [...this.workers.values()].find(
      (other) => this.open.has(`${name} ${other.id}`) && this.joined(other.id, worker.id),
    );
    if (relay !== undefined) this.after(2, () => controller.workerReport(worker.id, report, relay.id));
  }

  /** Writes to every partition that is served; remembers what was acknowledged. */
  writeAll(): number {
    let count = 0;
    for (let partition = 0; partition < this.partitionCount; partition += 1) {
      for (const worker of this.workers.values()) {
        const mark = `${partition}/${this.freshId()}`;
        if (!worker.write(partition, mark)) continue;
        this.acknowledged.set(partition, [...(this.acknowledged.get(partition) ?? []), mark]);
        count += 1;
        break;
      }
    }
    return count;
  }

  // --- controllers
  // -----------------------------------------------------------------------------------------------

  startController(name = 'c1'): Controller {
    const controller: Controller = new Controller({
      id: name,
      clusterId: 'cluster',
      limits: this.limits,
      partitionCount: this.partitionCount,
      replicationFactor: this.replicationFactor,
      clock: { now: () => this.now, wall: () => this.now },
      ringStore: this.ringStore(() => this.controllers.get(name) === controller),
      links: this.links(name),
      observe: (note) => this.notes.push({ ...note, at: this.now }),
      stop: (reason) => this.stops.push(reason),
    });
    this.controllers.set(name, controller);
    controller.workersExpected(this.expected);
    controller.start();
    this.every(this.limits.tickMs, () => {
      if (this.controllers.get(name) === controller) controller.tick();
    });
    this.reconnect(name);
    return controller;
  }

  stopController(name = 'c1'): void {
    this.controllers.get(name)?.stop();
    this.controllers.delete(name);
    for (const key of [...this.open]) if (key.startsWith(`${name} `)) this.open.delete(key);
  }

  get partitionCount(): number {
    return this.options.partitionCount ?? 16;
  }

  get replicationFactor(): number {
    return this.options.replicationFactor ?? 3;
  }

  private tellExpected(): void {
    for (const [name, controller] of this.controllers) {
      controller.workersExpected(this.expected);
      this.reconnect(name);
    }
  }

  private reconnect(name: string): void {
    const controller = this.controllers.get(name);
    for (const worker of this.workers.values()) {
      const key = `${name} ${worker.id}`;
      if (controller === undefined || !worker.alive || this.open.has(key) || this.isCut(name, worker.id))
        continue;
      this.after(20, () => {
        if (!worker.alive || this.open.has(key) || this.controllers.get(name) !== controller) return;
        if (this.isCut(name, worker.id)) return;
        this.open.add(key);
        const { storeId, bootCount } = worker;
        controller.workerConnected(worker.id, { storeId, bootCount });
      });
    }
  }

  private links(name: string): Links {
    return {
      connect: () => this.reconnect(name),
      send: (id, request) => {
        if (this.open.has(`${name} ${id}`)) this.deliver(name, id, request, 1);
      },
      sendThrough: (via, id, request) => {
        if (this.open.has(`${name} ${via}`) && this.joined(via, id)) this.deliver(name, id, request, 2);
      },
      probe: (id, timeoutMs, done) => {
        const worker = this.workers.get(id);
        if (worker === undefined || this.isCut(name, id)) this.after(timeoutMs, () => done('silent'));
        else this.after(2, () => done(worker.alive ? 'answered' : 'refused'));
      },
    };
  }

  private deliver(name: string, id: string, request: ControlRequest, delayMs: number): void {
    this.after(delayMs, () => this.workers.get(id)?.receive(name, request));
  }

  private ringStore(isCurrent: () => boolean): RingStore {
    return {
      load: (done) => {
        this.after(5, () => {
          if (!isCurrent()) return;
          const record = this.document;
          if (record === null) done({ status: 'absent' });
          else done({ status: 'loaded', record: structuredClone(record), revision: String(this.revision) });
        });
      },
      swap: (expected, record, done) => {
        this.after(10, () => {
          const result = this.swap(expected, record);
          this.after(this.swapAnswerMs, () => {
            if (isCurrent()) done(result);
          });
        });
      },
    };
  }

  private swap(expected: string | null, record: RingRecord): SwapResult {
    this.swaps += 1;
    const fate = this.swapFate(this.swaps);
    if (fate === 'lost') return { status: 'unknown', reason: 'no answer' };
    if (fate === 'conflict') {
      this.revision += 1;
      return { status: 'conflict' };
    }
    const current = this.document === null ? null : String(this.revision);
    if (expected !== current) return { status: 'conflict' };
    this.judge(record);
    this.document = structuredClone(record);
    this.revision += 1;
    if (fate === 'doneUnanswered') return { status: 'unknown', reason: 'no answer' };
    return { status: 'swapped', revision: String(this.revision) };
  }

  encoded(record: RingRecord): Uint8Array {
    return encodeRing(record);
  }

  /**
   * What no document may ever do: use an epoch twice, name a configuration whose majority is not level and
   * complete.
   */
  private judge(next: RingRecord): void {
    next.partitions.forEach((record, partition) => {
      const before = this.document?.partitions[partition];
      if (record.epoch === (before?.epoch ?? 0)) return;
      if (record.epoch < (before?.epoch ?? 0)) throw new Error(`epoch of ${partition} fell`);
      if (record.epoch > next.epochCounter) throw new Error('epoch above the counter');
      if (!hasIdentity(record.voters, record.primary)) throw new Error('the primary is no voter');
      const level = record.voters.filter(({ id, storeId }) => {
        const worker = this.workers.get(id);
        const replica = worker?.storeId === storeId ? worker.replicas.get(partition) : undefined;
        return (
          replica !== undefined &&
          replica.syncedEpoch >= record.epoch &&
          this.holdsAll(replica.log, partition)
        );
      });
      if (level.length < commitQuorum(record.voters.length)) {
        throw new Error(
          `partition ${partition}: only ${level.length} level voters of ${record.voters.length}`,
        );
      }
    });
  }

  private holdsAll(log: readonly string[], partition: number): boolean {
    return (this.acknowledged.get(partition) ?? []).every((mark) => log.includes(mark));
  }

  /** Acknowledged writes that the serving primaries do not hold. */
  lostWrites(): string[] {
    return [...this.acknowledged].flatMap(([partition, marks]) => {
      const holder = [...this.workers.values()].find((worker) => worker.serves(partition));
      const log = holder?.replicas.get(partition)?.log ?? [];
      return marks.filter((mark) => !log.includes(mark));
    });
  }

  // --- time
  // ------------------------------------------------------------------------------------------------------

  after(delayMs: number, run: () => void): void {
    this.order += 1;
    this.timers.push({ at: this.now + delayMs, order: this.order, run });
  }

  private every(periodMs: number, run: () => void): void {
    this.after(periodMs, () => {
      run();
      this.every(periodMs, run);
    });
  }

  run(durationMs: number): void {
    const end = this.now + durationMs;
    while (this.runNext(end));
    this.now = end;
  }

  /** Runs until `reached`; answers how long it took, or -1. */
  runUntil(reached: () => boolean, withinMs: number): number {
    const start = this.now;
    while (!reached()) {
      if (!this.runNext(start + withinMs)) return -1;
    }
    return this.now - start;
  }

  private runNext(end: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
        next = timer;
    }
    if (next === undefined || next.at > end) return false;
    this.timers.splice(this.timers.indexOf(next), 1);
    this.now = next.at;
    next.run();
    return true;
  }
}
