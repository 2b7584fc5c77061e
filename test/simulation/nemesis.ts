/**
 * Brings the faults of a seed about, one after another, at random times. It takes only what the store
 * promises to bear: of the voters of a partition never more disks are destroyed than leave every commit
 * quorum one, and a disk goes back to an older image only where the others have seen a newer run of it.
 */
import { present } from './present.js';
import type { PartitionRecord } from '../../core/ring/ring-record.js';
import { fenceQuorum } from '../../core/ring/ring-record.js';
import { Plot } from './plot.js';
import type { FaultKind } from './profile.js';
import type { Random } from './random.js';
import type { StorageImage } from './storage/storage-engine.js';
import type { WorkerNode, WorkerRun } from './worker-node.js';
import type { World } from './world.js';

interface KeptImage {
  image: StorageImage;
  storeId: string;
  starts: number;
}

export class Nemesis {
  private active = false;
  private resting = false;
  private readonly leaving = new Set<WorkerRun>();
  private readonly images = new Map<WorkerNode, KeptImage>();
  private readonly kinds: FaultKind[];
  private readonly places: string[];
  private readonly plot: Plot;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.kinds = Object.keys(world.profile.faultWeights) as FaultKind[];
    this.plot = new Plot(world, (node) => this.twin(node));
    this.places = [...world.nodes, ...world.controllers].map(({ id }) => id);
  }

  start(): void {
    this.active = true;
    this.plot.setActive(true);
    const { network, profile } = this.world;
    for (const from of profile.slowLinkChance > 0 ? this.places : []) {
      for (const to of this.places) {
        if (this.random.chance(profile.slowLinkChance))
          network.slowDown(from, to, this.random.between(0, 700));
      }
    }
    this.scheduleNext();
  }

  stop(): void {
    this.active = false;
    this.plot.setActive(false);
    // Who was asked to leave has to go before it can come back.
    for (const run of this.leaving) if (run.node.run === run) this.kill(run.node, 50);
  }

  private scheduleNext(): void {
    if (this.kinds.length === 0) return;
    const pause = -Math.log(1 - this.random.next()) * this.world.profile.faultEveryMs;
    this.world.scheduler.schedule(pause, 'fault', () => {
      if (!this.active) return;
      if (!this.resting) {
        this.keepImage();
        this.strike(this.choose());
      }
      this.scheduleNext();
    });
  }

  private choose(): FaultKind {
    const weights = this.world.profile.faultWeights;
    const total = this.kinds.reduce((sum, kind) => sum + (weights[kind] ?? 0), 0);
    let at = this.random.next() * total;
    for (const kind of this.kinds) {
      at -= weights[kind] ?? 0;
      if (at <= 0) return kind;
    }
    return present(this.kinds[0]);
  }

  /** One fault now. Does nothing where it is not possible at the moment. */
  strike(kind: FaultKind): void {
    if (this.world.scheduler.tracing) this.world.note('fault', kind);
    const node = this.random.pick(this.world.nodes);
    switch (kind) {
      case 'kill':
        return this.kill(this.random.chance(0.5) ? (this.primaryNode() ?? node) : node);
      case 'killSeveral':
        return this.random
          .shuffled(this.world.nodes)
          .slice(0, 2)
          .forEach((each) => this.kill(each));
      case 'killAll':
        this.count('all killed at once');
        return this.world.nodes.forEach((each) => this.kill(each, 200));
      case 'powerLoss':
        return this.losePower(node);
      case 'pause':
      case 'suspend':
        return this.pause(this.random.chance(0.6) ? (this.primaryNode() ?? node) : node, kind === 'suspend');
      case 'wallJump':
        this.count('wall clock jump');
        return node.machine.jumpWall(this.random.pick([-1, 1]) * this.random.pick([50, 500, 60_000]));
      case 'partition':
      case 'isolate':
      case 'oneWay':
      case 'partial':
      case 'slowLink':
      case 'breakStream':
        return this.disturbNetwork(kind);
      case 'twin':
        return this.twin(this.primaryNode() ?? node);
      case 'diskFull':
      case 'diskError':
        return this.failDisk(node, kind);
      case 'wipe':
      case 'rollBack':
      case 'forgetRun':
        return this.destroy(node, kind);
      case 'damage':
        return this.damage(node);
      case 'ringOutage':
        this.world.ringStore.setUnreachable(true);
        return this.later(this.away(), () => this.world.ringStore.setUnreachable(false));
      case 'ringLost':
        return this.loseRing();
      case 'killController':
        return this.killController();
      case 'drain':
      case 'leave':
        return this.drain(node, kind);
    }
  }

  private count(name: string): void {
    this.world.coverage.count(name);
  }

  private later(delayMs: number, run: () => void): void {
    this.world.scheduler.schedule(delayMs, 'fault ends', run);
  }

  /** How long something stays away. */
  private away(): number {
    return 20 - Math.log(1 - this.random.next()) * this.world.profile.awayMs;
  }

  private primaryNode(): WorkerNode | undefined {
    const { ring } = this.world;
    if (ring === null) return undefined;
    return this.world.node(this.random.pick(ring.partitions).primary.id);
  }

  private kill(node: WorkerNode, awayMs = this.away()): void {
    if (node.run === null) return;
    this.count('process killed');
    node.stop('killed');
    this.world.restartLater(node, awayMs);
  }

  private losePower(node: WorkerNode): void {
    if (node.run === null) return;
    this.count('power lost');
    node.stop('power');
    this.world.restartLater(node, this.away());
  }

  private pause(node: WorkerNode, suspend: boolean): void {
    this.count(suspend ? 'machine suspended' : 'process paused');
    const durationMs = suspend ? 300 + this.away() : this.away();
    node.run?.process.pause(durationMs, suspend);
  }

  private disturbNetwork(
    kind: 'partition' | 'isolate' | 'oneWay' | 'partial' | 'slowLink' | 'breakStream',
  ): void {
    const { network } = this.world;
    const places = this.random.shuffled(this.places);
    const [one = '', other = ''] = places;
    const blocked: [string, string][] = [];
    if (kind === 'partition' || kind === 'isolate') {
      const size = kind === 'isolate' ? 1 : this.random.integer(1, places.length - 1);
      for (const left of places.slice(0, size)) {
        for (const right of places.slice(size)) blocked.push([left, right], [right, left]);
      }
      this.count('partition of two sides');
    } else if (kind === 'oneWay') {
      const everyone = this.random.chance(0.5);
      for (const right of everyone ? places.slice(1) : [other]) {
        blocked.push(this.random.chance(0.5) ? [one, right] : [right, one]);
      }
      this.count('partition one-way');
    } else if (kind === 'partial') {
      blocked.push([one, other], [other, one]);
      this.count('partition partial');
    } else if (kind === 'slowLink') {
      this.count('link slow');
      network.slowDown(one, other, this.random.pick([20, 150, 600]));
      return this.later(this.away(), () => network.slowDown(one, other, 0));
    } else {
      this.count('stream broken');
      return network.breakStream(one, other);
    }
    for (const [from, to] of blocked) network.block(from, to);
    this.later(this.away(), () => {
      for (const [from, to] of blocked) network.unblock(from, to);
    });
  }

  /** Without other voters the older process could go on writing to a volume that it has no more. */
  private twin(node: WorkerNode): void {
    if (node.run === null || node.olderTwin !== null || this.world.profile.replicationFactor === 1) return;
    // A copy made in the middle of a commit would lack what the original is then told is durable: an older
    // image.
    if (node.disk.isCommitting) return;
    this.count('twin');
    const engine = this.world.newEngine();
    engine.restore(node.disk.engine.image());
    node.startTwin(this.world.newDisk(engine));
    this.later(this.away() + 2_000, () => node.endTwin());
  }

  private failDisk(node: WorkerNode, kind: 'diskFull' | 'diskError'): void {
    const { disk } = node;
    if (kind === 'diskError') {
      disk.failNextCommit = true;
      return;
    }
    this.count('disk full');
    // It fills up while the worker watches, or from one moment to the next; and it may stop before the last
    // byte.
    const watched = this.random.chance(0.5);
    const afterMs = watched ? this.random.between(0, 2_000) : 0;
    disk.low = watched;
    if (!watched || this.random.chance(0.5)) this.later(afterMs, () => (disk.full = this.active));
    this.later(afterMs + this.away(), () => (disk.low = disk.full = false));
  }

  private damage(node: WorkerNode): void {
    if (!this.mayLose(node)) return;
    if (node.disk.engine.damageRow(this.random)) this.count('row damaged');
  }

  private killController(): void {
    const controller = this.random.pick(this.world.controllers);
    this.count('controller killed');
    controller.stop();
    this.later(this.away(), () => {
      if (this.active || controller === this.world.controllers[0]) controller.start();
    });
  }

  /**
   * The document vanishes, or an old copy takes its place. It can be rebuilt where a worker holds the newest
   * ring on its disk; and that it is old can be told where no worker that is asked knows an older ring.
   */
  private loseRing(): void {
    const { ringStore, controllers, nodes } = this.world;
    const newest = ringStore.record?.version ?? 0;
    const held = nodes.map(({ run }) => run?.worker.ring()?.version ?? 0);
    const kept = nodes.some((node, index) => held[index] === newest && !node.disk.isCommitting);
    if (newest === 0 || ringStore.isSetBack || !kept || nodes.some((node) => node.olderTwin !== null)) return;
    if (this.random.chance(0.5) || !ringStore.setBack(Math.min(...held))) ringStore.lose();
    for (const controller of controllers) controller.stop();
    this.later(this.away(), () => {
      for (const controller of controllers)
        if (this.active || controller === controllers[0]) controller.start();
    });
  }

  private drain(node: WorkerNode, kind: 'drain' | 'leave'): void {
    if (kind === 'leave') {
      const { run } = node;
      if (run === null) return;
      run.process.enter(() => run.worker.leave());
      this.leaving.add(run);
      return this.later(500 + this.away(), () => {
        if (this.active && node.run === run) this.kill(node);
        this.leaving.delete(run);
      });
    }
    if (this.world.nodes.some(({ wish }) => wish !== 'stay')) return;
    this.count('drain');
    this.world.setWish(node, this.random.pick(['restart', 'remove']));
    this.later(1_000 + 2 * this.away(), () => this.world.setWish(node, 'stay'));
  }

  /** From time to time an image of a disk is kept, to come back to it. */
  private keepImage(): void {
    const { rollBack, forgetRun } = this.world.profile.faultWeights;
    const wanted = rollBack !== undefined || forgetRun !== undefined;
    const node = this.random.pick(this.world.nodes);
    if (!wanted || node.run === null || !this.random.chance(0.3)) return;
    const { engine } = node.disk;
    this.images.set(node, { image: engine.image(), storeId: engine.storeId, starts: node.starts });
  }

  private destroy(node: WorkerNode, kind: 'wipe' | 'rollBack' | 'forgetRun'): void {
    if (node.run === null || !this.mayLose(node)) return;
    const { engine } = node.disk;
    if (kind === 'wipe') {
      this.count('disk wiped');
      node.stop('power');
      this.world.lostStores.add(engine.storeId);
      engine.wipe();
      return this.world.restartLater(node, this.away());
    }
    const kept = this.images.get(node);
    if (kept?.storeId !== engine.storeId || !this.isKnownToAll(node)) return;
    // An image of an earlier run shows in the count of boots, one of this run only in what others saw
    // acknowledged.
    const earlierRun = kept.starts < node.starts;
    if (earlierRun !== (kind === 'rollBack')) return;
    this.images.delete(node);
    this.count(kind === 'rollBack' ? 'disk rolled back' : 'disk rolled back within a run');
    node.stop('power');
    this.world.lostStores.add(engine.storeId);
    if (earlierRun) this.world.olderStores.add(engine.storeId);
    this.world.invariants.storeRestored(engine.storeId);
    engine.restore(kept.image);
    this.world.restartLater(node, 20);
    // An older disk that nobody can tell from a newer one is beyond what is promised: the others stay for a
    // moment.
    this.resting = true;
    this.later(1_500, () => (this.resting = false));
  }

  /** Every other worker is there and has noted the present run of this one. */
  private isKnownToAll(node: WorkerNode): boolean {
    const bootCount = node.run?.identity.bootCount ?? 0;
    if (!this.world.network.isWhole || !(this.world.ring?.partitions ?? []).every(isSettled)) return false;
    return this.world.nodes.every((other) => {
      if (other === node) return true;
      const { run } = other;
      return (
        run !== null &&
        !run.process.paused &&
        (run.worker.rememberedRun(node.id)?.bootCount ?? 0) >= bootCount
      );
    });
  }

  /** The disk may go: every partition that it is a voter of keeps one replica of every commit quorum. */
  private mayLose(node: WorkerNode): boolean {
    const { ring } = this.world;
    if (ring === null) return false;
    return ring.partitions.every((record, partition) => this.mayLoseVoter(node, partition, record));
  }

  private mayLoseVoter(node: WorkerNode, partition: number, record: PartitionRecord): boolean {
    if (record.epoch === 0) return false;
    const lost = record.voters.filter(
      ({ id, storeId }) => id !== node.id && this.world.isLost(id, storeId, partition),
    ).length;
    const isVoter = record.voters.some(({ id }) => id === node.id);
    return !isVoter || lost + 1 <= record.voters.length - fenceQuorum(record.voters.length);
  }
}

function isSettled(record: PartitionRecord): boolean {
  return record.epoch === record.attempt;
}
