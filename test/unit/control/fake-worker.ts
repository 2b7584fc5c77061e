/**
 * A worker as the controller sees one: simple enough to read at a glance, honest about fences, positions,
 * syncs and identities. Logs are lists of marks; a sync copies the leader's.
 */
import type { ControlRequest, ReplicaReport, WorkerReport } from '../../../core/protocol/control-message.js';
import { decodeRing } from '../../../core/ring/ring-payload.js';
import type { Identity, PartitionRecord, RingRecord } from '../../../core/ring/ring-record.js';
import { commitQuorum, sameIdentity } from '../../../core/ring/ring-record.js';
import type { WorkerSurroundings } from './fake-cluster.js';
import { newFakeReplica } from './fake-replica.js';
import type { FakeReplica } from './fake-replica.js';

interface Lead {
  epoch: number;
  voters: Identity[];
  synced: Identity[];
  progress: number;
  requestId: number;
}

export class FakeWorker {
  storeId: string;
  bootCount = 1;
  runId: string;
  alive = true;
  leaving = false;
  /** How long it takes to bring the voters of a partition level that it leads. */
  syncMs: (partition: number) => number = () => 4;
  diskFull = false;
  /** Partitions with a damaged row, until a copy has replaced them. */
  readonly damaged = new Set<number>();
  ring: RingRecord | null = null;
  replicas = new Map<number, FakeReplica>();
  private readonly leads = new Map<number, Lead>();
  private readonly heldEpochs = new Map<number, number>();

  private told = new Map<number, string>();
  private all = true;

  constructor(
    readonly id: string,
    readonly cluster: WorkerSurroundings,
  ) {
    this.storeId = cluster.freshId();
    this.runId = cluster.freshId();
  }

  kill(): void {
    this.alive = false;
    this.cluster.workerDied(this);
  }

  start(options: { wiped?: boolean } = {}): void {
    if (options.wiped === true) {
      this.storeId = this.cluster.freshId();
      this.replicas = new Map();
      this.ring = null;
      this.bootCount = 0;
    }
    this.bootCount += 1;
    this.runId = this.cluster.freshId();
    this.alive = true;
    this.leaving = false;
    this.leads.clear();
    this.heldEpochs.clear();
    this.told = new Map();
    this.all = true;
    this.cluster.workerStarted(this);
  }

  replica(partition: number): FakeReplica {
    const known = this.replicas.get(partition);
    if (known !== undefined) return known;
    const fresh = newFakeReplica();
    this.replicas.set(partition, fresh);
    return fresh;
  }

  serves(partition: number): boolean {
    const record = this.ring?.partitions[partition];
    const replica = this.replicas.get(partition);
    if (!this.alive || record === undefined || replica === undefined || record.epoch === 0) return false;
    return (
      record.primary.id === this.id &&
      record.primary.storeId === this.storeId &&
      record.primary.bootCount === this.bootCount &&
      replica.syncedEpoch === record.epoch &&
      replica.promisedEpoch === record.epoch
    );
  }

  /** A write through this primary; answers whether it was acknowledged. */
  write(partition: number, mark: string): boolean {
    if (!this.serves(partition) || this.heldEpochs.has(partition)) return false;
    const record = this.record(partition);
    const replica = this.replica(partition);
    replica.log.push(mark);
    let count = 1;
    for (const peer of this.levelPeers(partition, record.voters)) {
      peer.replica(partition).log = [...replica.log];
      peer.replica(partition).grantUntil = this.cluster.now + 800;
      count += 1;
    }
    if (count < commitQuorum(record.voters.length)) return false;
    replica.commitSeq = replica.log.length;
    return true;
  }

  receive(controller: string, request: ControlRequest): void {
    if (!this.alive) return;
    switch (request.type) {
      case 'ring':
        return this.takeRing(decodeRing(request.payload));
      case 'reportAll':
        this.all = true;
        return this.heartbeat();
      case 'fence':
        return this.fence(controller, request);
      case 'lead':
        return this.lead(controller, request);
      case 'hold':
        return this.hold(controller, request);
      case 'release':
        for (const { partition } of request.items) this.heldEpochs.delete(partition);
        return;
      case 'relay':
        return;
      case 'probe':
        return this.tell(controller, { type: 'probed', nonce: request.nonce, ...this.identity() });
      case 'fetchRing': {
        const payload = this.ring === null ? null : this.cluster.encoded(this.ring);
        const highestEpoch = Math.max(0, ...[...this.replicas.values()].map((r) => r.promisedEpoch));
        const { requestId } = request;
        return this.tell(controller, {
          type: 'ringReply',
          requestId,
          storeId: this.storeId,
          highestEpoch,
          payload,
        });
      }
    }
  }

  /** Catching up, and a heartbeat that carries what changed. */
  beat(): void {
    if (!this.alive) return;
    for (const [partition] of this.replicas) {
      if (!this.serves(partition)) continue;
      const record = this.record(partition);
      for (const identity of [...record.voters, ...record.learners]) this.bringLevel(partition, identity);
    }
    this.heartbeat();
  }

  private bringLevel(partition: number, identity: Identity): void {
    const peer = this.cluster.workers.get(identity.id);
    if (peer === undefined || peer === this || !this.cluster.joined(this.id, peer.id)) return;
    if (peer.storeId !== identity.storeId) return;
    const own = this.replica(partition);
    const theirs = peer.replica(partition);
    if (theirs.promisedEpoch > own.syncedEpoch) return;
    theirs.promisedEpoch = own.syncedEpoch;
    theirs.syncedEpoch = own.syncedEpoch;
    theirs.log = [...own.log];
    theirs.grantUntil = this.cluster.now + 800;
  }

  private takeRing(ring: RingRecord): void {
    if (this.ring !== null && this.ring.version >= ring.version) return;
    this.ring = ring;
    this.heldEpochs.clear();
    for (const [partition, replica] of this.replicas) {
      const record = ring.partitions[partition];
      if (record === undefined || record.epoch < replica.promisedEpoch || record.epoch === 0) continue;
      const named = [...record.voters, ...record.learners].some((identity) => this.isMe(identity));
      if (!named) this.replicas.delete(partition);
    }
  }

  private fence(controller: string, request: ControlRequest & { type: 'fence' }): void {
    const { requestId, epoch } = request;
    const head = {
      type: 'fenced' as const,
      requestId,
      epoch,
      ...this.identity(),
      runId: this.runId,
      peerRuns: [],
    };
    if (this.ring !== null && request.ringVersion < this.ring.version) {
      this.tell(controller, { ...head, refused: 'older ring', items: [] });
      return;
    }
    for (const partition of request.partitions) {
      const replica = this.replica(partition);
      replica.promisedEpoch = Math.max(replica.promisedEpoch, epoch);
    }
    const { runId } = this;
    const grants = request.partitions.map((partition) => this.replica(partition).grantUntil);
    this.cluster.after(Math.max(1, Math.max(...grants) - this.cluster.now), () => {
      if (!this.alive || this.runId !== runId) return;
      const items = request.partitions.map((partition) => {
        const { promisedEpoch, syncedEpoch, log, commitSeq } = this.replica(partition);
        return { partition, promisedEpoch, syncedEpoch, lastSeq: log.length, commitSeq, acks: [] };
      });
      this.tell(controller, { ...head, refused: '', items });
    });
  }

  private lead(controller: string, request: ControlRequest & { type: 'lead' }): void {
    const { requestId, epoch } = request;
    const refusals: number[] = [];
    for (const item of request.items) {
      const replica = this.replica(item.partition);
      const lead = this.leads.get(item.partition);
      if (lead?.epoch === epoch) continue;
      const fits =
        request.storeId === this.storeId &&
        replica.promisedEpoch === epoch &&
        replica.syncedEpoch === item.syncedEpoch &&
        replica.log.length === item.lastSeq;
      if (!fits) {
        refusals.push(item.partition);
        continue;
      }
      replica.syncedEpoch = epoch;
      const { voters } = item;
      this.leads.set(item.partition, { epoch, voters, synced: [this.me()], progress: 0, requestId });
    }
    if (refusals.length > 0)
      this.tellLeading(controller, requestId, epoch, refusals, 'it is not what was chosen');
    for (const ms of new Set(request.items.map(({ partition }) => this.syncMs(partition)))) {
      this.cluster.after(ms, () => this.syncPeers(controller, requestId, epoch, ms));
    }
  }

  /** Of the partitions that take no longer than `ms`. */
  private syncPeers(controller: string, requestId: number, epoch: number, ms: number): void {
    if (!this.alive) return;
    const partitions: number[] = [];
    for (const [partition, lead] of this.leads) {
      if (this.syncMs(partition) > ms) continue;
      if (lead.epoch !== epoch || this.replica(partition).promisedEpoch !== epoch) continue;
      for (const voter of lead.voters) this.syncPeer(partition, lead, voter);
      partitions.push(partition);
    }
    if (partitions.length > 0) this.tellLeading(controller, requestId, epoch, partitions, '');
  }

  private syncPeer(partition: number, lead: Lead, voter: Identity): void {
    const peer = this.cluster.workers.get(voter.id);
    if (peer === undefined || peer === this || !this.cluster.joined(this.id, peer.id)) return;
    if (peer.storeId !== voter.storeId || lead.synced.some((identity) => sameIdentity(identity, voter)))
      return;
    const theirs = peer.replica(partition);
    if (theirs.promisedEpoch > lead.epoch) return;
    theirs.promisedEpoch = lead.epoch;
    theirs.syncedEpoch = lead.epoch;
    theirs.log = [...this.replica(partition).log];
    lead.synced.push(voter);
    lead.progress += 1;
  }

  private tellLeading(
    controller: string,
    requestId: number,
    epoch: number,
    partitions: readonly number[],
    refused: string,
  ): void {
    const items = partitions.map((partition) => {
      const lead = this.leads.get(partition);
      const synced = refused === '' ? [...(lead?.synced ?? [])] : [];
      return { partition, refused, synced, progress: lead?.progress ?? 0 };
    });
    this.tell(controller, { type: 'leading', requestId, epoch, ...this.identity(), items });
  }

  private hold(controller: string, request: ControlRequest & { type: 'hold' }): void {
    const items = request.items.map(({ partition, epoch, target }) => {
      const fits = this.serves(partition) && this.record(partition).epoch === epoch;
      if (fits) {
        this.heldEpochs.set(partition, epoch);
        this.bringLevel(partition, target);
        for (const peer of this.levelPeers(partition, this.record(partition).voters)) {
          peer.replica(partition).grantUntil = -Infinity;
        }
        this.cluster.after(500, () => this.heldEpochs.delete(partition));
      }
      const refused = fits ? '' : 'it does not serve';
      return { partition, epoch, lastSeq: this.replica(partition).log.length, refused };
    });
    this.cluster.after(3, () => this.tell(controller, { type: 'held', requestId: request.requestId, items }));
  }

  private heartbeat(): void {
    const replicas: ReplicaReport[] = [];
    for (const partition of this.replicas.keys()) {
      const report = this.report(partition);
      const text = JSON.stringify(report);
      if (this.all || this.told.get(partition) !== text) replicas.push(report);
      this.told.set(partition, text);
    }
    const deleted = [...this.told.keys()].filter((partition) => !this.replicas.has(partition));
    for (const partition of deleted) this.told.delete(partition);
    const full = this.all;
    this.all = false;
    const peers = [...this.cluster.workers.keys()]
      .filter((id) => id !== this.id)
      .map((id) => ({ id, connected: this.cluster.joined(this.id, id), silentMs: 0 }));
    const { leaving, diskFull, runId } = this;
    const ringVersion = this.ring?.version ?? 0;
    const report: WorkerReport = {
      type: 'heartbeat',
      ...this.identity(),
      runId,
      ringVersion,
      full,
      replicas,
      deleted,
      peers,
      leaving,
      diskFull,
    };
    for (const controller of this.cluster.controllers.keys()) this.tell(controller, report);
  }

  private report(partition: number): ReplicaReport {
    const { promisedEpoch, syncedEpoch, log, commitSeq } = this.replica(partition);
    const serving = this.serves(partition);
    const record = this.ring?.partitions[partition];
    const others = [...(record?.voters ?? []), ...(record?.learners ?? [])].filter(
      (other) => !this.isMe(other),
    );
    const levels = serving
      ? others.map(({ id, storeId }) => {
          const peer = this.cluster.workers.get(id);
          const theirs = peer?.storeId === storeId ? peer.replicas.get(partition) : undefined;
          const reached = this.cluster.joined(this.id, id);
          return { id, storeId, level: reached && theirs?.syncedEpoch === syncedEpoch, lag: 0 };
        })
      : [];
    const lastSeq = log.length;
    return {
      partition,
      promisedEpoch,
      syncedEpoch,
      lastSeq,
      commitSeq,
      appliedSeq: commitSeq,
      serving,
      levels,
      copying: false,
      damaged: this.damaged.has(partition),
    };
  }

  private levelPeers(partition: number, voters: readonly Identity[]): FakeWorker[] {
    const own = this.replica(partition);
    return voters.flatMap((voter) => {
      const peer = this.cluster.workers.get(voter.id);
      if (peer === undefined || peer === this || !this.cluster.joined(this.id, peer.id)) return [];
      const theirs = peer.replicas.get(partition);
      const takes =
        peer.storeId === voter.storeId &&
        theirs?.syncedEpoch === own.syncedEpoch &&
        theirs.promisedEpoch === own.syncedEpoch;
      return takes ? [peer] : [];
    });
  }

  private record(partition: number): PartitionRecord {
    const record = this.ring?.partitions[partition];
    if (record === undefined) throw new Error(`no record of ${partition}`);
    return record;
  }

  private me(): Identity {
    return { id: this.id, storeId: this.storeId };
  }

  private isMe(identity: Identity): boolean {
    return sameIdentity(identity, this.me());
  }

  private identity() {
    return { storeId: this.storeId, bootCount: this.bootCount };
  }

  private tell(controller: string, report: WorkerReport): void {
    this.cluster.fromWorker(this, controller, report);
  }
}
