/**
 * The simulated cluster: workers, controllers, ring store, network and clients of one seed, under one
 * scheduler. It has no will of its own: faults come from the nemesis, or from a scenario.
 */
import type { RingRecord } from '../../core/ring/ring-record.js';
import type { ExpectedWorker } from '../../operator/ports.js';
import { SimulatedClient } from './client.js';
import { ControllerNode } from './controller-node.js';
import type { Coverage } from './coverage.js';
import type { HistoryCall } from './judges/history.js';
import { ProtocolInvariants } from './judges/protocol-invariants.js';
import { Machine } from './machine.js';
import { Network } from './network.js';
import type { Said } from './plot.js';
import type { Profile } from './profile.js';
import type { Random } from './random.js';
import { SimulatedRingStore } from './ring-store.js';
import { Scheduler, SimulationFailure } from './scheduler.js';
import { ModelEngine } from './storage/model-engine.js';
import { ShippingEngine } from './storage/shipping-engine.js';
import { SimulatedDisk } from './storage/simulated-disk.js';
import type { StorageEngine } from './storage/storage-engine.js';
import type { WorkerRun } from './worker-node.js';
import { WorkerNode } from './worker-node.js';

export interface WorldOptions {
  profile: Profile;
  random: Random;
  coverage: Coverage;
  trace: ((line: string) => void) | null;
}

export class World {
  readonly clusterId = 'simulated';
  readonly profile: Profile;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly ringStore: SimulatedRingStore;
  readonly invariants = new ProtocolInvariants();
  /** Told of everything that workers say. */
  onSaid: (run: WorkerRun, said: Said) => void = () => undefined;
  readonly nodes: WorkerNode[] = [];
  readonly controllers: ControllerNode[] = [];
  readonly clients: SimulatedClient[] = [];
  readonly history: HistoryCall[] = [];
  /** Stores whose disks were wiped or set back. */
  readonly lostStores = new Set<string>();
  /** Stores of which an older image came back: each has to be put aside. */
  readonly olderStores = new Set<string>();
  /** Grows when a worker's wish has changed. */
  wishes = 0;
  private nextCallId = 1;

  constructor({ profile, random, coverage, trace }: WorldOptions) {
    this.profile = profile;
    this.random = random;
    this.coverage = coverage;
    this.scheduler = new Scheduler(3_000_000, trace);
    this.network = new Network(this.scheduler, random.fork('network'), coverage, profile.network);
    this.ringStore = new SimulatedRingStore(
      this.scheduler,
      random.fork('ring store'),
      coverage,
      profile.ringStore,
      (before, after) => this.ringSwapped(before, after),
    );
    for (let index = 1; index <= profile.workers; index += 1) this.addWorker(index);
    for (let index = 1; index <= profile.controllers; index += 1) {
      const id = `c${index}`;
      this.controllers.push(new ControllerNode(this, id, this.newMachine(id)));
    }
    for (let index = 1; index <= profile.clients.count; index += 1) {
      this.clients.push(new SimulatedClient(this, index, random.fork(`client ${index}`)));
    }
  }

  private addWorker(index: number): void {
    const id = `w${index}`;
    const zone = `zone-${(index % this.profile.zones) + 1}`;
    const disk = this.newDisk(this.newEngine());
    this.nodes.push(new WorkerNode(this, id, zone, this.newMachine(id), disk));
  }

  private newMachine(id: string): Machine {
    return new Machine(id, this.scheduler, this.random.fork(`machine ${id}`), this.profile.driftMax);
  }

  newEngine(): StorageEngine {
    const newStoreId = () => this.random.hex(12);
    const { limits, storage } = this.profile;
    if (storage === 'model') return new ModelEngine(limits, newStoreId);
    return new ShippingEngine(limits, this.clusterId, newStoreId);
  }

  newDisk(engine: StorageEngine): SimulatedDisk {
    const { disk } = this.profile;
    return new SimulatedDisk(this.scheduler, engine, disk, this.random.fork('disk'), this.coverage);
  }

  start(): void {
    for (const node of this.nodes) node.start();
    for (const controller of this.controllers) controller.start();
  }

  node(id: string): WorkerNode | undefined {
    return this.nodes.find((node) => node.id === id);
  }

  get ring(): RingRecord | null {
    return this.ringStore.record;
  }

  nextId(): number {
    this.nextCallId += 1;
    return this.nextCallId - 1;
  }

  note(who: string, text: string): void {
    this.scheduler.trace(`${who.padEnd(6)} ${text}`);
  }

  setWish(node: WorkerNode, wish: 'stay' | 'restart' | 'remove'): void {
    node.wish = wish;
    this.wishes += 1;
  }

  expectedWorkers(): ExpectedWorker[] {
    return this.nodes.map(({ id, zone, wish }, index) => ({
      id,
      host: id,
      peerPort: 7_000 + index,
      clientPort: 8_000 + index,
      zone,
      ready: null,
      wish,
    }));
  }

  /** A process ended by itself. */
  crashed(run: WorkerRun, reason: string, disown: boolean): void {
    const { node } = run;
    this.note(node.id, `ends: ${reason}`);
    if (node.olderTwin === run) return node.endTwin();
    if (node.run !== run) return;
    node.stop('killed');
    if (disown) {
      this.coverage.count('store disowned');
      node.disk.engine.wipe();
    }
    this.restartLater(node, this.random.between(50, 1_000));
  }

  restartLater(node: WorkerNode, delayMs: number): void {
    this.scheduler.schedule(delayMs, 'restart', () => node.start());
  }

  controllerStopped(id: string, reason: string): void {
    if (!this.ringStore.isSetBack) throw new SimulationFailure('controller stopped', `${id}: ${reason}`);
    this.coverage.count('controller: halted at a document that was set back');
    this.note(id, `halted: ${reason}`);
    // A person reads what it says, and does it.
    this.scheduler.schedule(this.random.between(100, 3_000), 'document removed', () => {
      if (this.ringStore.isSetBack) this.ringStore.lose();
    });
  }

  /** Everything that becomes durable on this node's disk is shown to the judge of the invariants. */
  observeDisk({ disk }: WorkerNode): void {
    const { engine } = disk;
    disk.onCommit = (commands, results) => {
      const touched = new Map<number, Parameters<ProtocolInvariants['logWritten']>[3][number][]>();
      for (const [index, command] of commands.entries()) {
        if (!('partition' in command) || results[index]?.status !== 'done') continue;
        const entries = touched.get(command.partition) ?? [];
        touched.set(command.partition, entries);
        if ('entries' in command) entries.push(...command.entries);
        if (command.type === 'delete') {
          this.invariants.deleted(engine.storeId, command.partition, command.recordEpoch);
        }
      }
      for (const [partition, entries] of touched) {
        this.invariants.logWritten(engine.storeId, partition, engine.logView(partition), entries);
      }
    };
    disk.onApply = (batches) => {
      for (const { partition, entries } of batches)
        this.invariants.applied(engine.storeId, partition, entries);
    };
  }

  /** What a configuration names is not there any more: the store, or what it held of the partition. */
  isLost(id: string, storeId: string, partition: number): boolean {
    const engine = this.node(id)?.disk.engine;
    if (this.lostStores.has(storeId) || engine?.storeId !== storeId) return true;
    return engine.logView(partition)?.forgotten === true || engine.damagedPartitions().includes(partition);
  }

  /** All faults end, and what is down starts. */
  heal(): void {
    const quiet = { lossChance: 0, duplicateChance: 0, reorderChance: 0 };
    Object.assign(this.network.profile, quiet);
    Object.assign(this.ringStore.profile, { unknownChance: 0, conflictChance: 0 });
    this.profile.disk.hangChance = 0;
    this.network.heal();
    this.ringStore.setUnreachable(false);
    for (const node of this.nodes) {
      node.endTwin();
      node.run?.process.resume();
      node.disk.full = false;
      node.disk.low = false;
      node.disk.failNextCommit = false;
      if (node.wish !== 'stay') this.setWish(node, 'stay');
      this.restartLater(node, 100);
    }
    // Two controllers at once are a matter of moments: the platform elects one.
    this.controllers.forEach((controller, index) => (index === 0 ? controller.start() : controller.stop()));
    this.note('run', 'healed');
  }

  /** The run is over: nothing is done any more. */
  end(): void {
    for (const node of this.nodes) {
      node.disk.onCommit = () => undefined;
      node.endTwin();
      node.stop('killed');
      node.disk.engine.wipe();
    }
    for (const controller of this.controllers) controller.stop();
  }

  private ringSwapped(before: RingRecord | null, after: RingRecord): void {
    this.invariants.ringSwapped(before, after);
    if (!this.scheduler.tracing) return;
    for (const [partition, record] of after.partitions.entries()) {
      const known = before?.partitions[partition];
      if (known?.epoch === record.epoch && known.attempt === record.attempt) continue;
      const voters = record.voters.map(({ id }) => id).join();
      const { epoch, attempt, primary } = record;
      this.note(
        'ring',
        `v${after.version} p${partition} epoch ${epoch} attempt ${attempt} ${primary.id} of ${voters}`,
      );
    }
  }
}
