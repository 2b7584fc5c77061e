/**
 * The replica machine of one worker: all its partitions, fed with events that carry the time, leaving effects
 * behind. It reads no clock, touches no disk and no socket. `docs/architecture.md` tells the protocol.
 *
 * Each public method is one event. The shell runs the effects it returns in list order and comes back with
 * `resume` for those that are answered later.
 */
import type { Limits } from '../limits.js';
import type { ControlRequest } from '../protocol/control-message.js';
import type { Checksum } from '../protocol/entry.js';
import type { PeerRun, RecoveredStore } from '../protocol/log-command.js';
import type { NotApplied, Operation, ReadOperation, Row, WriteOperation } from '../protocol/operation.js';
import type { PeerMessage } from '../protocol/peer-message.js';
import { decodeRing } from '../ring/ring-payload.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import { Applier } from './apply.js';
import { ClockComparison } from './clock-comparison.js';
import type { Instant, Self } from './context.js';
import { Context } from './context.js';
import { CopySender } from './copy-sender.js';
import type { Effect, ReadDone, WriteDone } from './effect.js';
import { Removal } from './removal.js';
import { Fencing } from './fencing.js';
import { Following } from './following.js';
import { Handover } from './handover.js';
import { Heartbeat } from './heartbeat.js';
import type { KnownRow } from './known-rows.js';
import { Leading } from './leading.js';
import type { Measurements } from './measurements.js';
import { Orders } from './orders.js';
import { PeerDispatch } from './peer-dispatch.js';
import { Receiving } from './receiving.js';
import type { Replica } from './replica.js';
import { isAtRest, recoveredReplica } from './replica.js';
import { Replicating } from './replicating.js';
import { RingChange } from './ring-change.js';
import type { Stored } from './serving.js';
import { notApplied, refusalToServe, Serving } from './serving.js';
import { Syncing } from './syncing.js';
import { TickPlan } from './tick-plan.js';
import type { TickScope } from './tick-plan.js';

export interface MachineOptions {
  id: WorkerId;
  clusterId: string;
  runId: string;
  limits: Limits;
  checksum: Checksum;
  recovered: RecoveredStore;
  /** Counted into; one of its own if none is given. */
  measurements?: Measurements;
}

export class ReplicaMachine {
  readonly context: Context;
  private readonly applier: Applier;
  private readonly serving: Serving;
  private readonly replicating: Replicating;
  private readonly receiving: Receiving;
  private readonly following: Following;
  private readonly syncing: Syncing;
  private readonly copies: CopySender;
  private readonly leading: Leading;
  private readonly fencing: Fencing;
  private readonly handover: Handover;
  private readonly ringChange: RingChange;
  private readonly heartbeat: Heartbeat;
  private readonly removal: Removal;
  private readonly orders: Orders;
  private readonly peerDispatch: PeerDispatch;
  private readonly clocks: ClockComparison;
  private readonly tickPlan = new TickPlan();

  constructor(options: MachineOptions) {
    const { recovered, limits } = options;
    const self: Self = {
      id: options.id,
      storeId: recovered.storeId,
      bootCount: recovered.bootCount,
      runId: options.runId,
    };
    const { clusterId, checksum, measurements } = options;
    const context = new Context(self, clusterId, limits, checksum, measurements);
    this.context = context;
    this.clocks = new ClockComparison(context);
    this.applier = new Applier(context);
    this.copies = new CopySender(context);
    this.serving = new Serving(context, this.applier);
    this.leading = new Leading(context, this.applier, this.copies);
    const stepDown = (replica: Replica, reason: string) => this.leading.stepDown(replica, reason);
    this.replicating = new Replicating(
      context,
      this.serving,
      this.copies,
      (replica, leader) => this.leading.attemptProgressed(replica, leader),
      stepDown,
    );
    this.receiving = new Receiving(context, this.applier);
    this.following = new Following(context, this.applier, this.receiving, stepDown);
    this.syncing = new Syncing(context, this.copies);
    this.fencing = new Fencing(context, this.following);
    this.handover = new Handover(context);
    this.removal = new Removal(context);
    this.ringChange = new RingChange(context, this.leading, this.removal);
    this.heartbeat = new Heartbeat(context);
    const { following, receiving, replicating, syncing, copies, handover, ringChange } = this;
    this.peerDispatch = new PeerDispatch(context, {
      following,
      receiving,
      replicating,
      syncing,
      copies,
      handover,
      ringChange,
    });
    this.orders = new Orders(
      context,
      this.fencing,
      this.leading,
      this.handover,
      this.ringChange,
      this.heartbeat,
    );
    for (const found of recovered.replicas) context.replicas.set(found.partition, recoveredReplica(found));
    for (const run of recovered.peerRuns) context.peerMemory.remember(run);
  }

  /** First event: `recovered` is what the machine was made with. */
  start(at: Instant, recovered: RecoveredStore): Effect[] {
    return this.step(at, () => {
      const { context } = this;
      // The lease in use now may have been granted by the run before without being on the disk yet.
      const granted = Math.max(recovered.leaseMs, context.limits.leaseMs);
      context.quietUntil = recovered.leaseMs > 0 ? at.now + granted : at.now;
      if (recovered.leaseMs < context.limits.leaseMs) {
        context.jot({ type: 'lease', leaseMs: context.limits.leaseMs });
      }
      if (recovered.ring !== null) this.ringChange.adopt(decodeRing(recovered.ring));
      for (const replica of context.replicas.values()) this.applier.wake(replica);
    });
  }

  /** Continues an effect that carries `done`. */
  resume(at: Instant, run: () => void): Effect[] {
    if (!this.begin(at)) return [];
    run();
    return this.end();
  }

  write(
    at: Instant,
    partition: number,
    epoch: number,
    operation: WriteOperation,
    stored: Stored,
    done: WriteDone,
  ): Effect[] {
    if (!this.begin(at)) return [];
    const replica = this.context.replicas.get(partition);
    const refusal = refusalToServe(replica, epoch);
    if (refusal !== null || replica === undefined) this.refuse(done, refusal ?? unservable);
    else this.serving.write(replica, operation, stored, done);
    return this.end();
  }

  private refuse(done: (refusal: NotApplied) => void, refusal: NotApplied): void {
    this.context.answer(() => done(refusal));
  }

  read(
    at: Instant,
    partition: number,
    epoch: number,
    operation: ReadOperation,
    row: Row | null,
    done: ReadDone,
  ): Effect[] {
    if (!this.begin(at)) return [];
    const replica = this.context.replicas.get(partition);
    if (replica === undefined || !this.serving.readAsReplica(replica, operation, row, done)) {
      const refusal = refusalToServe(replica, epoch);
      if (refusal !== null || replica === undefined) this.refuse(done, refusal ?? unservable);
      else this.serving.read(replica, operation, row, done);
    }
    return this.end();
  }

  /** See {@link Serving.known}. */
  known(partition: number, operation: Operation, isRead: boolean): KnownRow | undefined {
    const replica = this.context.replicas.get(partition);
    return replica === undefined ? undefined : this.serving.known(replica, operation, isRead);
  }

  peerConnected(at: Instant, run: PeerRun): Effect[] {
    return this.step(at, () => {
      const { context } = this;
      this.disconnect(run.id);
      const seen = context.peerMemory.of(run.id, run.storeId);
      const older =
        seen !== undefined &&
        (run.bootCount < seen.bootCount || (run.bootCount === seen.bootCount && run.runId !== seen.runId));
      const distrusted = older && holds('boot-count-remembered');
      context.peers.set(run.id, { run, distrusted, heardAt: at.now });
      if (seen !== undefined) {
        const { storeId, bootCount, runId } = seen;
        context.send(run.id, { type: 'remembered', storeId, bootCount, runId });
      }
      if (distrusted) return context.note('peer came back with an older disk', { peer: run.id });
      if (seen?.runId !== run.runId) {
        context.peerMemory.remember(run);
        context.jot({ type: 'peerRun', run });
      }
      context.room.connected(run.id);
      context.send(run.id, { type: 'ringVersion', version: context.ring?.version ?? 0 });
      for (const replica of context.replicas.values()) {
        const progress = replica.leader?.peers.get(run.id);
        if (progress === undefined) continue;
        progress.sentAt = -Infinity;
        context.wantFlush(replica);
      }
    });
  }

  peerDisconnected(at: Instant, peer: WorkerId): Effect[] {
    return this.step(at, () => this.disconnect(peer));
  }

  private disconnect(peer: WorkerId): void {
    this.heartbeat.hurry();
    if (!this.context.peers.delete(peer)) return;
    for (const replica of this.context.replicas.values()) {
      this.receiving.disconnected(replica, peer);
      const progress = replica.leader?.peers.get(peer);
      if (replica.leader === null || progress === undefined || progress.state === 'distrusted') continue;
      this.copies.end(progress);
      progress.state = 'unknown';
      progress.nextSeq = progress.matchSeq + 1;
      progress.syncNumber += 1;
      this.context.changed(replica);
    }
  }

  peerMessages(at: Instant, from: WorkerId, messages: readonly PeerMessage[]): Effect[] {
    if (!this.begin(at)) return [];
    const peer = this.context.peers.get(from);
    if (peer !== undefined) {
      peer.heardAt = at.now;
      for (const message of messages) {
        if (this.context.stopped) break;
        if (!peer.distrusted || message.type === 'remembered') this.peerDispatch.take(from, message);
      }
    }
    return this.end();
  }

  controllerConnected(at: Instant, controller: string): Effect[] {
    return this.step(at, () => {
      this.context.controllers.set(controller, { reported: new Map(), full: true });
      this.heartbeat.hurry();
      this.heartbeat.tick();
    });
  }

  controllerDisconnected(at: Instant, controller: string): Effect[] {
    return this.step(at, () => {
      this.context.controllers.delete(controller);
    });
  }

  controllerRequest(at: Instant, controller: string, request: ControlRequest): Effect[] {
    return this.step(at, () => this.orders.order(controller, request));
  }

  checkpointed(at: Instant, positions: { partition: number; seq: number }[]): Effect[] {
    return this.step(at, () => this.applier.checkpointed(positions));
  }

  /** A row of this partition does not match its checksum. */
  damaged(at: Instant, partition: number): Effect[] {
    return this.step(at, () => {
      const replica = this.context.replicas.get(partition);
      if (replica === undefined || replica.damaged || replica.tableBusy) return;
      replica.damaged = true;
      this.context.note('table damaged: a copy has to replace it', { partition });
      this.context.changed(replica);
      this.heartbeat.hurry();
    });
  }

  /** What the disk has left. */
  diskMeasured(at: Instant, freeBytes: number, totalBytes: number): Effect[] {
    return this.step(at, () => this.context.room.measured(freeBytes, totalBytes));
  }

  /** Asks for its primaries to be handed over. */
  leave(at: Instant): Effect[] {
    return this.step(at, () => {
      this.context.leaving = true;
      this.heartbeat.hurry();
      this.heartbeat.tick();
    });
  }

  /** End of a tick of the event loop: what piled up goes out together. */
  flush(at: Instant): Effect[] {
    if (!this.begin(at)) return [];
    const { dirty } = this.context;
    this.context.dirty = [];
    for (const replica of dirty) {
      replica.isDirty = false;
      if (replica.leader !== null) this.replicating.flush(replica, replica.leader);
    }
    if (this.applier.isFinishing) this.applier.run();
    return this.end();
  }

  /** As the last tick left it, with nothing happened since, and nothing that has to be tried again. */
  get atRest(): boolean {
    return !this.tickPlan.stirred && !this.context.room.isLacking && !this.isFinishing;
  }

  /** Memory has yet to let go of something that the table shows. */
  get isFinishing(): boolean {
    return this.applier.isFinishing;
  }

  tick(at: Instant): Effect[] {
    const scope = this.tickPlan.begin(at.now, this.context.limits.leaseRenewalMs);
    return this.step(at, () => {
      if (scope.isDue) this.tickReplicas(scope);
      else this.tickPlan.stirred = false;
      if (this.context.room.needsProbe && scope.isReview) this.probeDisk();
      this.context.room.tick();
      this.fencing.settle();
      if (this.fencing.isWaiting) this.tickPlan.stirred = true;
      if (scope.isDue) this.applier.measureLag();
      this.applier.run();
      this.heartbeat.tick();
    });
  }

  private tickReplicas({ isReview, isBeat }: TickScope): void {
    const { replicas } = this.context;
    for (const replica of replicas.values()) {
      if (isReview || !isAtRest(replica)) this.tickReplica(replica, isReview);
    }
    let stirred = false;
    for (const replica of replicas.values()) {
      const rests = isAtRest(replica);
      if (!rests) stirred = true;
      if (replica.leader !== null && !replica.stalled && (isBeat || !rests)) {
        this.replicating.tick(replica, replica.leader);
      }
    }
    this.tickPlan.stirred = stirred;
  }

  private tickReplica(replica: Replica, isReview: boolean): void {
    const { leader } = replica;
    if (leader !== null) {
      this.serving.giveUpReads(leader);
      this.handover.tick(replica, leader);
    }
    this.following.tick(replica);
    if (replica.receiver !== null) this.receiving.tick(replica);
    if (replica.unresolved.length > 0 || leader?.active === false || isReview) {
      this.ringChange.review(replica);
    }
  }

  private step(at: Instant, run: () => void): Effect[] {
    if (!this.begin(at)) return [];
    run();
    return this.end();
  }

  /** False if the machine has stopped: nothing may be done then. */
  private begin(at: Instant): boolean {
    const { context } = this;
    if (context.stopped) return false;
    context.earlier = context.now;
    context.now = at.now;
    context.wall = at.wall;
    this.tickPlan.stirred = true;
    this.clocks.compare(at);
    return true;
  }

  private end(): Effect[] {
    return this.context.takeEffects();
  }

  /** Something small to write: that it works tells that there is room again. */
  private probeDisk(): void {
    this.context.jot({ type: 'lease', leaseMs: this.context.limits.leaseMs });
  }
}

const unservable = notApplied('moved', 'this worker has no replica of the partition');
