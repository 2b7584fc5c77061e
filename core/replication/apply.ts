/**
 * From the log to the table: only what is committed and durable here is applied, one batch under way at a
 * time. Entries are gathered for a while first: a large batch touches each page of the table once, and nobody
 * waits for it, since newer values are answered from memory. Workers take turns at it. Then the log is cut up
 * to what a synced checkpoint of the table holds.
 */
import { assert } from '../assert.js';
import type { Entry } from '../protocol/entry.js';
import type { AckMemory } from '../protocol/log-command.js';
import { storeKey } from '../ring/ring-record.js';
import { holds } from '../rules.js';
import type { Context } from './context.js';
import { pruneOverlay } from './leader.js';
import type { Replica } from './replica.js';
import { dropAppliedTail, tailSlice } from './replica.js';
import { Turns } from './turn.js';

const batchEntriesMax = 20_000;
const batchBytesMax = 32 * 1024 * 1024;
/** Parts of the bounds on what may lag behind: gathered for a batch, at most. */
const gatheredShare = { entries: 1 / 3, bytes: 1 / 4 };
/** Let go of in one step: a whole batch would hold up everything else for tens of milliseconds. */
const finishedShare = 1 / 60;
/** Remembered of peers past and present: as many as a report carries. */
const acksMax = 32;

interface Batch {
  replica: Replica;
  entries: readonly Entry[];
  generation: number;
}

export class Applier {
  private underWay = false;
  /** Of the batch under way: what the table shows and memory has not let go of yet. */
  private finishing: Batch[] = [];
  private readonly waiting = new Set<Replica>();
  private waitingSince = 0;
  private waitingSinceTurn = 0;
  private readonly turns: Turns;
  /** In memory, when that was last looked at. */
  private entries = 0;
  /** No more than this can be in memory; exact after a count, and raised by whatever is taken since. */
  private bytesAtMost = 0;

  constructor(private readonly context: Context) {
    this.turns = new Turns(context.self.id, context.limits.applyDelayMs);
  }

  /** Memory has yet to let go of something that the table shows. */
  get isFinishing(): boolean {
    return this.finishing.length > 0;
  }

  /** Call when the commit position or the durable position has moved. */
  wake(replica: Replica): void {
    if (this.target(replica) <= replica.appliedUpTo) return;
    if (this.waiting.size === 0) this.gatherAnew();
    this.waiting.add(replica);
  }

  private target(replica: Replica): number {
    if (replica.tableBusy || replica.deleting) return replica.appliedUpTo;
    const known = holds('apply-committed-only') ? replica.commitSeq : replica.durable.lastSeq;
    return Math.min(known, replica.durable.lastSeq, replica.lastSeq);
  }

  /** Bounds memory by what the tables have not applied. Bytes are counted only if they may be too many. */
  measureLag(): void {
    const { context } = this;
    const { applyLagEntriesMax, applyLagBytesMax } = context.limits;
    this.entries = 0;
    for (const { tail } of context.replicas.values()) this.entries += tail.length;
    this.bytesAtMost += context.takenBytes;
    context.takenBytes = 0;
    const bytesThatMatter = this.underWay ? applyLagBytesMax : applyLagBytesMax * gatheredShare.bytes;
    if (this.bytesAtMost >= bytesThatMatter) this.bytesAtMost = this.countBytes();
    context.lagging = this.entries >= applyLagEntriesMax || this.bytesAtMost >= applyLagBytesMax;
  }

  private countBytes(): number {
    let bytes = 0;
    for (const { tail } of this.context.replicas.values())
      for (const entry of tail) bytes += entry.bytes.length;
    return bytes;
  }

  /** Goes on with the batch under way, or starts the next one when it is time. To be called in every tick. */
  run(): void {
    if (this.finishing.length > 0) this.finishSome();
    if (this.underWay || this.waiting.size === 0 || !this.isDue()) return;
    this.gatherAnew();
    const batches: Batch[] = [];
    let count = 0;
    let bytes = 0;
    for (const replica of this.waiting) {
      const target = this.target(replica);
      if (target <= replica.appliedUpTo) {
        // Its table is being replaced, and memory may begin after the copy already: woken again when that is
        // done.
        this.waiting.delete(replica);
        continue;
      }
      const waiting = tailSlice(replica, replica.appliedUpTo, target);
      assert(waiting !== null, 'what is not applied is in memory');
      const entries: Entry[] = [];
      for (const entry of waiting) {
        if (count >= batchEntriesMax || bytes >= batchBytesMax) break;
        entries.push(entry);
        count += 1;
        bytes += entry.bytes.length;
      }
      replica.appliedUpTo += entries.length;
      if (replica.appliedUpTo >= target) this.waiting.delete(replica);
      if (entries.length > 0) batches.push({ replica, entries, generation: replica.tableGeneration });
      if (count >= batchEntriesMax || bytes >= batchBytesMax) break;
    }
    if (batches.length > 0) this.start(batches);
  }

  private gatherAnew(): void {
    this.waitingSince = this.context.now;
    this.waitingSinceTurn = this.turn();
  }

  private turn(): number {
    return this.turns.at(this.context.wall, this.context.ring);
  }

  private isDue(): boolean {
    const { now, limits } = this.context;
    return (
      now - this.waitingSince >= limits.applyDelayMs ||
      this.turn() !== this.waitingSinceTurn ||
      this.entries >= limits.applyLagEntriesMax * gatheredShare.entries ||
      this.bytesAtMost >= limits.applyLagBytesMax * gatheredShare.bytes
    );
  }

  private start(batches: Batch[]): void {
    this.underWay = true;
    this.context.emit({
      type: 'apply',
      batches: batches.map(({ replica, entries }) => ({ partition: replica.partition, entries })),
      done: (outcome) => {
        if (outcome === 'applied') {
          this.finishing = batches;
          this.run();
          return;
        }
        this.underWay = false;
        for (const batch of batches) this.takeBack(batch);
        this.context.room.tried(true);
      },
    });
  }

  /** The table had no room: nothing was done. */
  private takeBack({ replica, entries, generation }: Batch): void {
    if (replica.tableGeneration !== generation) return;
    replica.appliedUpTo -= entries.length;
    this.waiting.add(replica);
  }

  /** Some of what was applied; the rest at the end of this turn of the event loop, and of those after it. */
  private finishSome(): void {
    let left = Math.ceil(this.context.limits.applyLagEntriesMax * finishedShare);
    while (left > 0) {
      const batch = this.finishing.shift();
      if (batch === undefined) break;
      const { entries } = batch;
      if (entries.length > left) this.finishing.unshift({ ...batch, entries: entries.slice(left) });
      this.finish({ ...batch, entries: entries.slice(0, left) });
      left -= entries.length;
    }
    this.underWay = this.isFinishing;
    if (this.isFinishing) this.context.emit({ type: 'flush' });
  }

  private finish({ replica, entries, generation }: Batch): void {
    if (replica.tableGeneration !== generation) return;
    replica.appliedSeq += entries.length;
    if (replica.leader !== null)
      pruneOverlay(replica.leader, entries, replica.appliedSeq, this.context.known);
    // While a sync is under way memory may have to go back to the tail before it.
    if (replica.undo === null) dropAppliedTail(replica);
    this.wake(replica);
  }

  /** The table is certain to hold these after a crash: the log before them may go, once nobody needs it. */
  checkpointed(positions: { partition: number; seq: number }[]): void {
    for (const { partition, seq } of positions) {
      const replica = this.context.replicas.get(partition);
      if (replica === undefined || replica.tableBusy || replica.deleting || replica.stalled) continue;
      replica.checkpointedSeq = Math.max(replica.checkpointedSeq, Math.min(seq, replica.appliedSeq));
      this.trim(replica);
    }
    this.writeNotes(positions);
  }

  /** What is known to be committed, and what peers acknowledged: for the next start and the next choice. */
  private writeNotes(positions: { partition: number }[]): void {
    const commits = [];
    for (const { partition } of positions) {
      const replica = this.context.replicas.get(partition);
      if (replica === undefined || replica.deleting || replica.stalled) continue;
      const seq = Math.min(replica.commitSeq, replica.durable.lastSeq);
      if (seq === replica.notedSeq) continue;
      replica.notedSeq = seq;
      commits.push({ partition, seq, acks: acksOf(replica) });
    }
    if (commits.length > 0) this.context.jot({ type: 'note', commits });
  }

  private trim(replica: Replica): void {
    const everyone = replica.leader === null ? replica.allSeq : allSeq(replica);
    const tooLarge = replica.logBytes > this.context.limits.logBytesPerPartitionMax;
    const through = Math.min(replica.checkpointedSeq, tooLarge ? pinnedSeq(replica) : everyone);
    const held = replica.durable.lastSeq - replica.durable.baseSeq;
    const gone = through - replica.durable.baseSeq;
    if (gone <= 0) return;
    replica.durable.baseSeq = through;
    // What stays is counted by the average: the sizes of entries that memory let go of are not known any
    // more.
    replica.logBytes = held <= gone ? 0 : Math.round((replica.logBytes * (held - gone)) / held);
    this.context.jot({ type: 'trim', partition: replica.partition, throughSeq: through });
  }
}

/** What this replica, as the leader it is or was, saw its peers acknowledge. */
export function acksOf(replica: Replica): AckMemory[] {
  const acks = new Map(replica.acks);
  for (const { id, storeId, matchSeq } of replica.leader?.peers.values() ?? []) {
    if (matchSeq > 0)
      acks.set(storeKey({ id, storeId }), { id, storeId, epoch: replica.leader?.epoch ?? 0, seq: matchSeq });
  }
  const all = [...acks.values()];
  if (all.length <= acksMax) return all;
  return all.sort((a, b) => b.epoch - a.epoch || b.seq - a.seq).slice(0, acksMax);
}

/** All voters and learners hold everything up to here. */
export function allSeq(replica: Replica): number {
  const leader = replica.leader;
  if (leader === null) return replica.allSeq;
  let least = replica.durable.lastSeq;
  for (const progress of leader.peers.values()) least = Math.min(least, progress.matchSeq);
  return least;
}

/** A full copy under way needs the log after it, however large. */
function pinnedSeq(replica: Replica): number {
  let least = replica.checkpointedSeq;
  for (const progress of replica.leader?.peers.values() ?? []) {
    if (progress.copy !== null) least = Math.min(least, progress.copy.atSeq);
  }
  return least;
}
