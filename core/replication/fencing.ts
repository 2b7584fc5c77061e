/**
 * Fences: the promise goes through the log's writer, so its answer tells of everything before it; the answer
 * waits until the read leases granted have run out or were given back.
 */
import type { ControlRequestOf, WorkerReportOf } from '../protocol/control-message.js';
import { holds } from '../rules.js';
import { acksOf } from './apply.js';
import type { Context } from './context.js';
import type { Following } from './following.js';
import type { Replica } from './replica.js';
import { grantsEnd } from './replica.js';

type FencedItem = WorkerReportOf<'fenced'>['items'][number];

interface Fence {
  controller: string;
  requestId: number;
  epoch: number;
  waiting: { replica: Replica; durable: boolean }[];
  answered: FencedItem[];
  giveUpAt: number;
}

const fencesMax = 64;

export class Fencing {
  private fences: Fence[] = [];

  constructor(
    private readonly context: Context,
    private readonly following: Following,
  ) {}

  fence(controller: string, request: ControlRequestOf<'fence'>): void {
    const { context } = this;
    const known = context.ring?.version ?? 0;
    if (request.ringVersion < known && holds('stale-fence-refused')) {
      return this.reply(controller, request.requestId, request.epoch, [], 'knows a newer ring');
    }
    const fence: Fence = {
      controller,
      requestId: request.requestId,
      epoch: request.epoch,
      waiting: [],
      answered: [],
      giveUpAt: context.now + 2 * context.limits.fenceMs,
    };
    for (const partition of request.partitions) {
      if (!context.isPartition(partition)) continue;
      const replica = context.replica(partition);
      if (replica.stalled || replica.deleting || replica.forgotten) continue;
      if (request.epoch < replica.promisedEpoch) fence.answered.push(fencedItem(replica));
      else this.promise(fence, replica);
    }
    if (this.fences.length >= fencesMax) this.fences.shift();
    this.fences.push(fence);
    this.settle();
  }

  private promise(fence: Fence, replica: Replica): void {
    const waiting = { replica, durable: replica.durable.promisedEpoch >= fence.epoch };
    if (!holds('fence-after-pending-appends') || !holds('fence-before-choice')) waiting.durable = true;
    fence.waiting.push(waiting);
    if (replica.promisedEpoch < fence.epoch) this.following.promise(replica, fence.epoch);
  }

  get isWaiting(): boolean {
    return this.fences.length > 0;
  }

  /** Answers the fences whose promises are durable and whose grants have run out. */
  settle(): void {
    const { now, quietUntil } = this.context;
    this.fences = this.fences.filter((fence) => {
      fence.waiting = fence.waiting.filter((waiting) => {
        const { replica } = waiting;
        waiting.durable ||= replica.durable.promisedEpoch >= fence.epoch;
        const grantsRun = holds('fence-waits-for-grants') && grantsEnd(replica.grants) > now;
        const quiet = holds('quiet-after-restart') && quietUntil > now;
        if (!waiting.durable || grantsRun || quiet) return true;
        fence.answered.push(fencedItem(replica));
        return false;
      });
      if (fence.waiting.length > 0 && now < fence.giveUpAt) return true;
      this.reply(fence.controller, fence.requestId, fence.epoch, fence.answered, '');
      return false;
    });
  }

  private reply(
    controller: string,
    requestId: number,
    epoch: number,
    items: FencedItem[],
    refused: string,
  ): void {
    const { storeId, bootCount, runId } = this.context.self;
    this.context.measured.fencesPromised += items.length;
    if (refused !== '') this.context.measured.fencesRefused += 1;
    this.context.report(controller, {
      type: 'fenced',
      requestId,
      epoch,
      storeId,
      bootCount,
      runId,
      refused,
      peerRuns: this.context.peerMemory.all(),
      items,
    });
  }
}

function fencedItem(replica: Replica): FencedItem {
  const { durable } = replica;
  return {
    partition: replica.partition,
    promisedEpoch: Math.max(replica.promisedEpoch, durable.promisedEpoch),
    syncedEpoch: durable.syncedEpoch,
    lastSeq: durable.lastSeq,
    commitSeq: Math.min(replica.commitSeq, Number.MAX_SAFE_INTEGER),
    acks: acksOf(replica),
  };
}
