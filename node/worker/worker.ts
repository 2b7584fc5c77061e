/**
 * The thin shell around the replica machine: it gives each event its time, runs the effects in list order on
 * the ports, and comes back with the answers. It decides nothing.
 */
import { decode, encode, WireError } from '../../core/protocol/wire.js';
import { controlRequestCodec, workerReportCodec } from '../../core/protocol/control-message.js';
import type { ControlRequest, WorkerReport } from '../../core/protocol/control-message.js';
import type { LogCommand, LogResult, PeerRun } from '../../core/protocol/log-command.js';
import type {
  NotApplied,
  ReadOperation,
  ReadOutcome,
  Row,
  Version,
  WriteOperation,
  WriteOutcome,
} from '../../core/protocol/operation.js';
import type { PeerMessage, PeerMessageOf } from '../../core/protocol/peer-message.js';
import type { RingRecord, WorkerId } from '../../core/ring/ring-record.js';
import type { Instant } from '../../core/replication/context.js';
import type { Effect } from '../../core/replication/effect.js';
import { ReplicaMachine } from '../../core/replication/machine.js';
import { hasLease, isServing } from '../../core/replication/lease.js';
import { Measurements } from '../../core/replication/measurements.js';
import type { Replica } from '../../core/replication/replica.js';
import type { LocalReplicas, WorkerInbox, WorkerOptions } from './ports.js';

/** Links of controllers that speak through another worker begin with this. */
const relayed = 'through ';

export class Worker implements WorkerInbox, LocalReplicas {
  private readonly machine: ReplicaMachine;
  private queue: Effect[] = [];
  private running = false;
  private commands: LogCommand[] = [];
  private commandsDone: ((result: LogResult) => void)[] = [];
  private ringVersion = 0;
  private onRing: (ring: RingRecord) => void = () => undefined;
  private checkpointAt = 0;
  private checkpointing = false;
  /** Something was applied since the last checkpoint began. */
  private isCheckpointWanted = false;
  private ended = false;
  private readonly at: Instant = { now: 0, wall: 0 };
  /** For people to look at. */
  readonly measured: Measurements;

  constructor(private readonly options: WorkerOptions) {
    this.measured = new Measurements(options.timesWrites ?? true);
    this.machine = new ReplicaMachine({ ...options, measurements: this.measured });
  }

  start(): void {
    this.run(this.machine.start(this.instant(), this.options.recovered));
  }

  /** Nothing is under way that the next tick would move on. */
  get atRest(): boolean {
    return this.machine.atRest && !this.checkpointing && !this.isCheckpointWanted;
  }

  /** To be called every `limits.tickMs`; about five times as rarely will do while it is at rest. */
  tick(): void {
    this.run(this.machine.tick(this.instant()));
    this.checkpoint();
  }

  /** Told to stop: asks for its primaries to be handed over. */
  leave(): void {
    this.run(this.machine.leave(this.instant()));
  }

  /**
   * The process has ended as far as this worker is concerned: nothing more is done, whatever still arrives.
   */
  end(): void {
    this.ended = true;
  }

  get leading(): number {
    return this.inspect().filter((replica) => replica.leader?.active === true).length;
  }

  onRingChange(listener: (ring: RingRecord) => void): void {
    this.onRing = listener;
  }

  /** The replicas as they are, for status pages and the simulator's judges: to be looked at only. */
  inspect(): Replica[] {
    return [...this.machine.context.replicas.values()];
  }

  /** Partitions that it may read without asking. */
  get leased(): number {
    const { context } = this.machine;
    return this.inspect().filter((replica) => {
      const { leader } = replica;
      return leader !== null && isServing(replica) && hasLease(context, replica, leader);
    }).length;
  }

  get controllerCount(): number {
    return this.machine.context.controllers.size;
  }

  get copiesSent(): number {
    return this.machine.context.copiesSent;
  }

  ring(): RingRecord | null {
    return this.machine.context.ring;
  }

  isDiskFull(): boolean {
    return this.machine.context.room.isLacking;
  }

  diskMeasured(freeBytes: number, totalBytes: number): void {
    this.run(this.machine.diskMeasured(this.instant(), freeBytes, totalBytes));
  }

  connectedPeers(): WorkerId[] {
    return [...this.machine.context.peers.keys()];
  }

  /** The newest run that this worker remembers of a peer's store; of the one seen last if none is named. */
  rememberedRun(peer: WorkerId, storeId = ''): PeerRun | null {
    const { peerMemory } = this.machine.context;
    return (storeId === '' ? peerMemory.latest(peer) : peerMemory.of(peer, storeId)) ?? null;
  }

  write(
    partition: number,
    epoch: number,
    operation: WriteOperation,
    done: (outcome: WriteOutcome) => void,
  ): void {
    if (this.ended) return done(ending);
    const version = this.versionOf(partition, operation);
    if (version === 'damaged') return done(damaged);
    const { idempotencyKey } = operation;
    const reply = idempotencyKey === '' ? null : this.options.table.getReply(partition, idempotencyKey);
    this.run(this.machine.write(this.instant(), partition, epoch, operation, { version, reply }, done));
  }

  read(
    partition: number,
    epoch: number,
    operation: ReadOperation,
    done: (outcome: ReadOutcome) => void,
  ): void {
    if (this.ended) return done(ending);
    const row = this.readableRow(partition, operation);
    if (row === 'damaged') return done(damaged);
    this.run(this.machine.read(this.instant(), partition, epoch, operation, row, done));
  }

  private readableRow(partition: number, operation: ReadOperation): Row | null | 'damaged' {
    const { key, consistency, atLeast } = operation;
    if (consistency === 'linearizable' && atLeast === null) {
      const known = this.machine.known(partition, operation, true);
      if (known !== undefined && (known.row !== null || known.version === null)) return known.row;
    }
    return this.rowOf(partition, key);
  }

  private versionOf(partition: number, operation: WriteOperation): Version | null | 'damaged' {
    const known = this.machine.known(partition, operation, false);
    if (known !== undefined) return known.version;
    if (operation.precondition.type !== 'none') {
      const row = this.rowOf(partition, operation.key);
      return row === 'damaged' ? row : (row?.version ?? null);
    }
    const found = this.options.table.has(partition, operation.key);
    if (found !== 'damaged') return found ? someVersion : null;
    this.damaged(partition);
    return found;
  }

  private rowOf(partition: number, key: Uint8Array): Row | null | 'damaged' {
    const row = this.options.table.get(partition, key);
    if (row === 'damaged') this.damaged(partition);
    return row;
  }

  /** A row that does not match its checksum was found, by a read or by the scrub. */
  damaged(partition: number): void {
    this.run(this.machine.damaged(this.instant(), partition));
  }

  peerConnected(peer: PeerRun): void {
    this.run(this.machine.peerConnected(this.instant(), peer));
  }

  peerDisconnected(peer: WorkerId): void {
    this.run(this.machine.peerDisconnected(this.instant(), peer));
  }

  peerMessages(peer: WorkerId, messages: PeerMessage[]): void {
    for (const message of messages) if (message.type === 'relay') this.relay(peer, message);
    this.run(this.machine.peerMessages(this.instant(), peer, messages));
  }

  controllerConnected(controller: string): void {
    this.run(this.machine.controllerConnected(this.instant(), controller));
  }

  controllerDisconnected(controller: string): void {
    this.run(this.machine.controllerDisconnected(this.instant(), controller));
  }

  controllerRequest(controller: string, request: ControlRequest): void {
    if (request.type === 'relay') {
      const { worker, payload } = request;
      return this.options.peers.send(worker, { type: 'relay', controller, towards: 'worker', payload });
    }
    this.run(this.machine.controllerRequest(this.instant(), controller, request));
  }

  /** A controller's message on its way through workers, in either direction. */
  private relay(peer: WorkerId, message: PeerMessageOf<'relay'>): void {
    const { controller, payload } = message;
    if (message.towards === 'controller') {
      return this.options.controllers.send(controller, { type: 'relayed', worker: peer, payload });
    }
    try {
      this.controllerRequest(`${relayed}${peer} ${controller}`, decode(controlRequestCodec, payload));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.options.observe({ message: 'relayed request does not parse', fields: { reason: error.message } });
    }
  }

  private report(controller: string, report: WorkerReport): void {
    if (!controller.startsWith(relayed)) return this.options.controllers.send(controller, report);
    const [via = '', name = ''] = controller.slice(relayed.length).split(' ');
    const payload = encode(workerReportCodec, report);
    this.options.peers.send(via, { type: 'relay', controller: name, towards: 'controller', payload });
  }

  /** One object for all steps: each takes what it says before it does anything else. */
  private instant(): Instant {
    const { clock } = this.options;
    this.at.now = clock.now();
    this.at.wall = clock.wall();
    return this.at;
  }

  private resume(continuation: () => void): void {
    if (!this.ended) this.run(this.machine.resume(this.instant(), continuation));
  }

  /** Effects run in order, those that a callback causes after those that are waiting. */
  private run(effects: Effect[]): void {
    if (this.running) {
      for (const effect of effects) this.queue.push(effect);
      return;
    }
    this.queue = effects;
    this.running = true;
    try {
      for (let at = 0; !this.ended; at += 1) {
        const effect = this.queue[at];
        if (effect === undefined) break;
        this.execute(effect);
      }
      this.submitCommands();
      if (this.measured.isAnswering) this.measured.answered(this.options.clock.now());
    } finally {
      this.running = false;
    }
    this.tellRing();
  }

  private submitCommands(): void {
    if (this.commands.length === 0) return;
    const { commands, commandsDone } = this;
    this.commands = [];
    this.commandsDone = [];
    this.options.log.submit(commands, (results) => {
      this.resume(() => results.forEach((result, index) => commandsDone[index]?.(result)));
    });
  }

  private execute(effect: Effect): void {
    const { options } = this;
    switch (effect.type) {
      case 'log':
        this.commands.push(effect.command);
        this.commandsDone.push(effect.done);
        return;
      case 'send':
        return options.peers.send(effect.peer, effect.message);
      case 'answer':
        return effect.done();
      case 'report':
        return this.report(effect.controller, effect.report);
      case 'flush':
        return options.defer(() => {
          if (!this.ended) this.run(this.machine.flush(this.instant()));
        });
      case 'connect':
        return options.peers.connect(effect.members);
      case 'note':
        return options.observe({ message: effect.message, fields: effect.fields });
      case 'stop':
        this.ended = true;
        return options.stop(effect.reason, effect.disown);
      default:
        return this.executeOnDisk(effect);
    }
  }

  private executeOnDisk(
    effect: Exclude<
      Effect,
      { type: 'log' | 'send' | 'answer' | 'report' | 'flush' | 'connect' | 'note' | 'stop' }
    >,
  ): void {
    const { log, table } = this.options;
    switch (effect.type) {
      case 'readLog': {
        log.read(effect.partition, effect.fromSeq, effect.bytesMax, (entries) =>
          this.resume(() => effect.done(entries)),
        );
        return;
      }
      case 'apply': {
        table.apply(effect.batches, (outcome) => {
          if (outcome === 'applied') this.isCheckpointWanted = true;
          this.resume(() => effect.done(outcome));
        });
        return;
      }
      case 'openCopy': {
        table.openCopy(effect.partition, (copy) => this.resume(() => effect.done(copy)));
        return;
      }
      case 'readCopy': {
        table.readCopy(effect.handle, effect.bytesMax, (chunk) => this.resume(() => effect.done(chunk)));
        return;
      }
      case 'closeCopy': {
        table.closeCopy(effect.handle);
        return;
      }
      case 'stage': {
        table.stage(effect.partition, effect.stage, (outcome) => this.resume(() => effect.done(outcome)));
        return;
      }
      case 'adopt': {
        table.adopt(effect.partition, effect.number, () => this.resume(effect.done));
        return;
      }
      case 'drop': {
        table.drop(effect.partition, () => this.resume(effect.done));
        return;
      }
    }
  }

  private tellRing(): void {
    const ring = this.ring();
    if (ring === null || ring.version === this.ringVersion) return;
    this.ringVersion = ring.version;
    this.onRing(ring);
  }

  /** Lets the log be cut: every few seconds, if something was applied since. */
  private checkpoint(): void {
    const { clock, table } = this.options;
    // Between two steps of letting go its answer would be cut short, and nothing asked for another.
    const isWanted = this.isCheckpointWanted && !this.machine.isFinishing;
    if (this.checkpointing || !isWanted || clock.now() < this.checkpointAt) return;
    this.checkpointing = true;
    this.isCheckpointWanted = false;
    table.checkpoint((positions) => {
      this.checkpointing = false;
      this.checkpointAt = clock.now() + checkpointEveryMs;
      if (!this.ended) this.run(this.machine.checkpointed(this.instant(), positions));
    });
  }
}

const someVersion: Version = { epoch: 0, seq: 0 };
const checkpointEveryMs = 2_000;
const damaged: NotApplied = {
  type: 'notApplied',
  reason: 'moved',
  detail: 'a row of this replica is damaged',
};
/** Its store may be closed already. */
const ending: NotApplied = { type: 'notApplied', reason: 'unavailable', detail: 'this worker is ending' };
