/** What another worker may say, and which part of the machine it is for. */
import type { PeerMessage } from '../protocol/peer-message.js';
import { encodeRing } from '../ring/ring-payload.js';
import type { WorkerId } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Context } from './context.js';
import type { CopySender } from './copy-sender.js';
import type { Following } from './following.js';
import type { Handover } from './handover.js';
import type { Receiving } from './receiving.js';
import type { Replicating } from './replicating.js';
import type { RingChange } from './ring-change.js';
import type { Syncing } from './syncing.js';

export interface PeerFacing {
  following: Following;
  receiving: Receiving;
  replicating: Replicating;
  syncing: Syncing;
  copies: CopySender;
  handover: Handover;
  ringChange: RingChange;
}

export class PeerDispatch {
  constructor(
    private readonly context: Context,
    private readonly parts: PeerFacing,
  ) {}

  take(from: WorkerId, message: PeerMessage): void {
    switch (message.type) {
      case 'append':
        if (!this.context.isPartition(message.partition)) return;
        return this.parts.following.append(from, message);
      case 'ack':
        return this.toLeader(from, message);
      default:
        return this.takeRare(from, message);
    }
  }

  /** All but the two kinds of message that every write sends. */
  private takeRare(from: WorkerId, message: Exclude<PeerMessage, { type: 'append' | 'ack' }>): void {
    if ('partition' in message && !this.context.isPartition(message.partition)) return;
    switch (message.type) {
      case 'giveBack':
        return this.parts.following.giveBack(message);
      case 'forgot':
        return this.parts.following.forgot(message);
      case 'sync':
        return this.parts.receiving.sync(from, message);
      case 'copyOffer':
        return this.parts.receiving.copyOffer(from, message);
      case 'copyChunk':
        return this.parts.receiving.copyChunk(from, message);
      case 'copyEnd':
        return this.parts.receiving.copyEnd(from, message);
      case 'refusal':
      case 'report':
      case 'copyPull':
        return this.toLeader(from, message);
      case 'ringVersion': {
        const { ring } = this.context;
        if (ring === null || ring.version <= message.version) return;
        return this.context.send(from, { type: 'ring', payload: encodeRing(ring) });
      }
      case 'ring':
        return this.parts.ringChange.offer(message.payload);
      case 'disk':
        return this.context.room.told(from, message.full);
      case 'remembered':
        return this.remembered(message);
      default:
        return undefined;
    }
  }

  private toLeader(
    from: WorkerId,
    message: Extract<PeerMessage, { type: 'ack' | 'refusal' | 'report' | 'copyPull' }>,
  ): void {
    const replica = this.context.replicas.get(message.partition);
    const leader = replica?.leader ?? null;
    if (replica === undefined || leader?.epoch !== message.epoch) return;
    const progress = this.parts.replicating.progressOf(from, leader);
    if (progress === null) return;
    if (message.type === 'ack') this.parts.replicating.ack(message, replica, leader, progress);
    else if (message.type === 'refusal') this.parts.replicating.refusal(message, replica, leader, progress);
    else if (message.type === 'report') this.parts.syncing.report(message, replica, leader, progress);
    else this.parts.copies.pull(message, replica, leader, progress);
    if (leader.hold !== null) this.parts.handover.settle(replica, leader, leader.hold);
  }

  /** A peer remembers a newer run of this very store: this disk is an older image of it. */
  private remembered(message: Extract<PeerMessage, { type: 'remembered' }>): void {
    const { self } = this.context;
    if (message.storeId !== self.storeId || !holds('boot-count-remembered')) return;
    const older = message.bootCount === self.bootCount && message.runId !== self.runId;
    if (message.bootCount > self.bootCount || older) {
      this.context.stop('the store is an older image: a peer remembers a newer run of it', true);
    }
  }
}
