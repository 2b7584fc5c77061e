/**
 * A planned move, seen from the primary: it holds new writes back, waits until the target's log is as long as
 * its own, stops reading and gives its leases back; then it is fenced like any other. If nothing comes of it
 * in time, it goes on.
 */
import type { ControlRequestOf } from '../protocol/control-message.js';
import { sameIdentity } from '../ring/ring-record.js';
import type { Context } from './context.js';
import type { Hold, Leader } from './leader.js';
import { isServing } from './lease.js';
import type { Replica } from './replica.js';

export class Handover {
  constructor(private readonly context: Context) {}

  hold(controller: string, request: ControlRequestOf<'hold'>): void {
    for (const { partition, epoch, target } of request.items) {
      const replica = this.context.replicas.get(partition);
      const leader = replica?.leader ?? null;
      if (replica === undefined || leader?.epoch !== epoch || !isServing(replica)) {
        this.answer(controller, request.requestId, {
          partition,
          epoch,
          lastSeq: 0,
          refused: 'does not serve',
        });
        continue;
      }
      const giveUpAt = this.context.now + this.context.limits.holdMs;
      leader.hold = { controller, requestId: request.requestId, target, giveUpAt, told: false };
      this.settle(replica, leader, leader.hold);
    }
  }

  release(request: ControlRequestOf<'release'>): void {
    for (const { partition, epoch } of request.items) {
      const leader = this.context.replicas.get(partition)?.leader ?? null;
      if (leader?.epoch === epoch) leader.hold = null;
    }
  }

  tick(replica: Replica, leader: Leader): void {
    const { hold } = leader;
    if (hold === null) return;
    if (!hold.told) this.settle(replica, leader, hold);
    if (this.context.now < hold.giveUpAt) return;
    leader.hold = null;
    if (hold.told) return;
    const { partition } = replica;
    const refused = 'the target did not become level in time';
    this.answer(hold.controller, hold.requestId, { partition, epoch: leader.epoch, lastSeq: 0, refused });
  }

  /** Tells the controller once the target holds everything. */
  settle(replica: Replica, leader: Leader, hold: Hold): void {
    if (hold.told || replica.durable.lastSeq < replica.lastSeq || replica.commitSeq < replica.lastSeq) return;
    const { self } = this.context;
    const progress = leader.peers.get(hold.target.id);
    const isSelf = sameIdentity(hold.target, self);
    const level = progress?.storeId === hold.target.storeId && progress.matchSeq >= replica.lastSeq;
    if (!isSelf && !level) return;
    hold.told = true;
    hold.giveUpAt = this.context.now + 2 * this.context.limits.holdMs;
    this.giveLeasesBack(replica, leader);
    const { partition, lastSeq } = replica;
    this.answer(hold.controller, hold.requestId, { partition, epoch: leader.epoch, lastSeq, refused: '' });
  }

  private giveLeasesBack(replica: Replica, leader: Leader): void {
    replica.givenBackEpoch = leader.epoch;
    for (const progress of leader.peers.values()) {
      progress.leaseUntil = -Infinity;
      this.context.send(progress.id, { type: 'giveBack', partition: replica.partition, epoch: leader.epoch });
    }
  }

  private answer(
    controller: string,
    requestId: number,
    item: { partition: number; epoch: number; lastSeq: number; refused: string },
  ): void {
    this.context.report(controller, { type: 'held', requestId, items: [item] });
  }
}
