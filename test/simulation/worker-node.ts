/**
 * One worker of the simulated cluster: a machine, a disk, and one process after another on them, each made of
 * the code that ships: `Worker` and `Coordinator`. What the program's `main` wires with real adapters is
 * wired here with simulated ones.
 */
import { decode, encode } from '../../core/protocol/wire.js';
import { controlRequestFrameCodec, workerReportFrameCodec } from '../../core/protocol/control-message.js';
import type { WorkerReport } from '../../core/protocol/control-message.js';
import type { PeerRun, RecoveredStore } from '../../core/protocol/log-command.js';
import { peerFrameCodec } from '../../core/protocol/peer-message.js';
import type { PeerMessage } from '../../core/protocol/peer-message.js';
import { isServing } from '../../core/replication/lease.js';
import { Coordinator } from '../../node/coordinator/coordinator.js';
import { checksum } from '../../node/storage/checksum.js';
import type { WorkerEventNote } from '../../node/worker/ports.js';
import { Worker } from '../../node/worker/worker.js';
import { judgeSaidToController, judgeSaidToPeer } from './judges/said-invariants.js';
import type { Machine } from './machine.js';
import { SimulatedProcess } from './machine.js';
import type { Endpoint, Frame } from './network.js';
import type { SimulatedDisk } from './storage/simulated-disk.js';
import type { Ending } from './storage/storage-engine.js';
import type { World } from './world.js';

const forwarded = new Set<PeerMessage['type']>(['forwardWrite', 'forwardRead', 'writeReply', 'readReply']);

const scrubEveryMs = 4_000;
const measureEveryMs = 500;
const diskBytes = 1e9;

export class WorkerNode {
  run: WorkerRun | null = null;
  /** An older process of this worker that was cut off and lives on. */
  olderTwin: WorkerRun | null = null;
  machineUp = true;
  wish: 'stay' | 'restart' | 'remove' = 'stay';
  /** Its disk was replaced by an older image under this store id. */
  rolledBackStoreId = '';
  starts = 0;

  constructor(
    private readonly world: World,
    readonly id: string,
    readonly zone: string,
    readonly machine: Machine,
    public disk: SimulatedDisk,
  ) {}

  start(): void {
    if (this.run !== null) return;
    this.machineUp = true;
    this.machine.wakeUp();
    let opened = this.disk.engine.open();
    if (opened.status === 'amnesiac') {
      this.world.coverage.count('store put aside at start');
      this.world.note(this.id, `store put aside: ${opened.reason}`);
      this.disk.engine.wipe();
      opened = this.disk.engine.open();
    }
    if (opened.status === 'amnesiac') throw new Error('a new store opens');
    this.starts += 1;
    this.world.observeDisk(this);
    this.run = new WorkerRun(this.world, this, opened.store);
    this.run.begin();
  }

  /** `killed`: the machine goes on and resets connections; `power`: it is silent until it starts again. */
  stop(ending: Ending): void {
    const { run } = this;
    if (run === null) return;
    this.run = null;
    run.end(ending === 'killed');
    if (ending === 'power') this.machineUp = false;
    this.disk.end(ending);
  }

  /**
   * Another process starts on a copy of the disk, while the one that runs is cut off from everyone but its
   * clients.
   */
  startTwin(disk: SimulatedDisk): void {
    const { run } = this;
    if (run === null || this.olderTwin !== null) return;
    this.olderTwin = run;
    this.world.network.detach(run, false);
    this.disk.detach();
    this.disk = disk;
    this.run = null;
    this.start();
  }

  endTwin(): void {
    this.olderTwin?.end(false);
    this.olderTwin = null;
  }
}

export class WorkerRun implements Endpoint {
  readonly name: string;
  readonly place: string;
  readonly process: SimulatedProcess;
  readonly wanted = new Set<string>();
  readonly identity: PeerRun;
  readonly worker: Worker;
  readonly coordinator: Coordinator;
  /** The one it was started on: a twin has another. */
  private readonly disk: SimulatedDisk;
  private readonly staleFences = new Set<string>();
  private readonly freshFences = new Set<string>();
  private readonly peerOutbox = new Map<string, PeerMessage[]>();
  private readonly reportOutbox = new Map<string, WorkerReport[]>();

  constructor(
    private readonly world: World,
    readonly node: WorkerNode,
    recovered: RecoveredStore,
  ) {
    this.name = node.id;
    this.place = node.id;
    this.process = new SimulatedProcess(node.id, node.machine, world.scheduler, world.random.fork('process'));
    const { storeId, bootCount } = recovered;
    this.identity = { id: node.id, storeId, bootCount, runId: world.random.hex(16) };
    const { disk } = node;
    this.disk = disk;
    const clock = node.machine;
    this.worker = new Worker({
      id: node.id,
      clusterId: world.clusterId,
      runId: this.identity.runId,
      limits: world.profile.limits,
      recovered,
      clock,
      log: disk.log(this.process, () => world.crashed(this, 'I/O error', false)),
      table: disk.table(this.process),
      peers: {
        send: (peer, message) => queue(this.peerOutbox, peer, message),
        connect: (members) => {
          this.wanted.clear();
          for (const id of members.keys()) if (id !== node.id) this.wanted.add(id);
        },
      },
      controllers: { send: (controller, report) => queue(this.reportOutbox, controller, report) },
      checksum,
      defer: (run) => this.process.defer(run),
      observe: (note) => this.observed(note),
      stop: (reason, disown) => world.crashed(this, reason, disown),
    });
    this.coordinator = new Coordinator({
      id: node.id,
      limits: world.profile.limits,
      clock,
      local: this.worker,
      send: (peer, message) => queue(this.peerOutbox, peer, message),
      isConnected: (peer) => this.worker.connectedPeers().includes(peer),
    });
    this.worker.onRingChange(() => this.coordinator.ringChanged());
    this.process.flush = () => this.flush();
  }

  begin(): void {
    this.world.network.attach(this);
    this.process.enter(() => this.worker.start());
    this.tickLater();
    this.scrubLater();
    this.measureLater();
  }

  /** `reset`: peers notice at once. */
  end(reset: boolean): void {
    this.process.kill();
    this.worker.end();
    this.world.network.detach(this, reset);
  }

  /** As the program's slow scrub does: what is damaged is found though nobody reads it. */
  private scrubLater(): void {
    this.process.later(scrubEveryMs, 'scrub', () => {
      for (const partition of this.node.disk.engine.damagedPartitions()) this.worker.damaged(partition);
      this.scrubLater();
    });
  }

  private measureLater(): void {
    this.process.later(measureEveryMs, 'disk measured', () => {
      const lacking = this.disk.low || this.disk.full;
      this.worker.diskMeasured(lacking ? 0 : diskBytes, diskBytes);
      this.measureLater();
    });
  }

  private tickLater(): void {
    const { tickMs } = this.world.profile.limits;
    this.process.later(tickMs, 'tick', () => {
      this.worker.tick();
      this.coordinator.tick();
      this.tickLater();
    });
  }

  connected(peer: Endpoint): void {
    if (!(peer instanceof WorkerRun)) return this.worker.controllerConnected(peer.name);
    this.worker.peerConnected({ ...peer.identity });
    // What the other side remembers of this worker comes with its greeting.
    const seen = peer.worker.rememberedRun(this.name, this.identity.storeId);
    if (seen !== null) {
      const { storeId, bootCount, runId } = seen;
      this.worker.peerMessages(peer.name, [{ type: 'remembered', storeId, bootCount, runId }]);
    }
    this.coordinator.peerConnected(peer.name);
  }

  disconnected(peer: Endpoint): void {
    if (!(peer instanceof WorkerRun)) return this.worker.controllerDisconnected(peer.name);
    this.worker.peerDisconnected(peer.name);
    this.coordinator.peerDisconnected(peer.name);
  }

  frame(peer: Endpoint, { bytes }: Frame): void {
    if (!(peer instanceof WorkerRun)) {
      for (const request of decode(controlRequestFrameCodec, bytes)) {
        const known = this.worker.ring()?.version ?? 0;
        if (request.type === 'fence') {
          const name = `${peer.name} ${request.requestId}`;
          if (request.ringVersion >= known) {
            this.freshFences.add(name);
            this.staleFences.delete(name);
          } else if (!this.freshFences.has(name)) {
            this.staleFences.add(name);
          }
        }
        this.worker.controllerRequest(peer.name, request);
      }
      return;
    }
    const messages = decode(peerFrameCodec, bytes);
    for (const message of messages) this.coordinator.peerMessage(peer.name, message);
    this.worker.peerMessages(peer.name, messages);
  }

  private flush(): void {
    const { network } = this.world;
    this.judgeWords();
    for (const [peer, messages] of this.peerOutbox) {
      const replication = messages.filter(({ type }) => !forwarded.has(type));
      const requests = messages.filter(({ type }) => forwarded.has(type));
      if (replication.length > 0) {
        network.send(this, peer, { bytes: encode(peerFrameCodec, replication), repeatable: true });
      }
      if (requests.length > 0) {
        network.send(this, peer, { bytes: encode(peerFrameCodec, requests), repeatable: false });
      }
    }
    this.peerOutbox.clear();
    for (const [controller, reports] of this.reportOutbox) {
      network.send(this, controller, { bytes: encode(workerReportFrameCodec, reports), repeatable: true });
    }
    this.reportOutbox.clear();
    this.checkBeliefs();
  }

  private judgeWords(): void {
    const logView = (partition: number) => this.disk.engine.logView(partition);
    for (const messages of this.peerOutbox.values()) {
      for (const message of messages) {
        judgeSaidToPeer(this.name, message, logView);
        this.world.onSaid(this, message);
      }
    }
    for (const [controller, reports] of this.reportOutbox) {
      const isStale = (requestId: number) => this.staleFences.has(`${controller} ${requestId}`);
      for (const report of reports) {
        judgeSaidToController(this.name, report, logView, isStale);
        this.world.onSaid(this, report);
      }
    }
  }

  private checkBeliefs(): void {
    for (const replica of this.worker.inspect()) {
      this.world.invariants.believed(this.identity, {
        partition: replica.partition,
        servingEpoch: isServing(replica) ? (replica.leader?.epoch ?? 0) : 0,
        promisedEpoch: replica.promisedEpoch,
        syncedEpoch: replica.syncedEpoch,
        lastSeq: replica.lastSeq,
        commitSeq: replica.commitSeq,
        appliedSeq: replica.appliedSeq,
      });
    }
  }

  private observed({ message, fields }: WorkerEventNote): void {
    this.world.coverage.count(`worker: ${message}`);
    if (this.world.scheduler.tracing) this.world.note(this.name, `${message} ${JSON.stringify(fields)}`);
  }
}

function queue<T>(outbox: Map<string, T[]>, to: string, message: T): void {
  const waiting = outbox.get(to);
  if (waiting === undefined) outbox.set(to, [message]);
  else waiting.push(message);
}
