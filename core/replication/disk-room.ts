/**
 * Room on the disks, here and at the peers: a write that too few of them could hold is refused before it is
 * handed out to any.
 *
 *   enough --free space below the reserve--> low --the log or the table finds none--> full
 *
 * In both no new entry is taken. What is left of the reserve is for promises, syncs, and what is in the log
 * already, so that the partitions of a full disk can still be handed over, and go on being read.
 */
import type { WorkerId } from '../ring/ring-record.js';
import { commitQuorum } from '../ring/ring-record.js';
import type { Context } from './context.js';
import type { Leader } from './leader.js';

/** The reserve of a small disk is no more than this part of it. */
const reserveShareMax = 0.05;
/** Room has to come back to this many times the reserve: else it would come and go with every checkpoint. */
const enoughAgain = 1.5;
/** An entry is written to the log and to the table, to each once ahead and once in place. */
const bytesPerEntryByte = 4;
/** How often it is told that there is no room, and how long that is believed: a message may be lost. */
const tellEveryMs = 1_000;
const believedMs = 5_000;

export class DiskRoom {
  private full = false;
  private low = false;
  /** By the last measurement, less what was taken since. */
  private freeBytes = Infinity;
  private reserveBytes = 0;
  /** When they said so last. */
  private readonly fullPeers = new Map<WorkerId, number>();
  private toldAt = -Infinity;

  constructor(private readonly context: Context) {}

  /** No new entry is taken here. */
  get isLacking(): boolean {
    return this.full || this.low;
  }

  /** Only a write that works tells that a disk which was full has room again. */
  get needsProbe(): boolean {
    return this.full;
  }

  measured(freeBytes: number, totalBytes: number): void {
    const reserve = Math.min(this.context.limits.diskReserveBytes, totalBytes * reserveShareMax);
    this.freeBytes = freeBytes;
    this.reserveBytes = reserve;
    this.become(this.full, freeBytes < (this.low ? enoughAgain * reserve : reserve));
  }

  /** Entries were taken: writes that come fast must not use the reserve up between two measurements. */
  took(entryBytes: number): void {
    this.freeBytes -= bytesPerEntryByte * entryBytes;
    if (this.freeBytes < this.reserveBytes && !this.low) this.become(this.full, true);
  }

  /** What the log or the table said of a write. */
  tried(full: boolean): void {
    if (full !== this.full) this.become(full, this.low);
  }

  private become(full: boolean, low: boolean): void {
    const before = this.isLacking;
    this.full = full;
    this.low = low;
    const { context, isLacking } = this;
    if (before === isLacking) return;
    context.note(isLacking ? 'disk full' : 'disk has room again');
    this.tell();
  }

  /** Says again what the peers forget in time. */
  tick(): void {
    if (this.isLacking && this.context.now - this.toldAt >= tellEveryMs) this.tell();
  }

  private tell(): void {
    const { context, isLacking } = this;
    this.toldAt = context.now;
    for (const peer of context.peers.keys()) context.send(peer, { type: 'disk', full: isLacking });
  }

  /** A new stream begins with room at both ends, unless one says otherwise. */
  connected(peer: WorkerId): void {
    this.fullPeers.delete(peer);
    if (this.isLacking) this.context.send(peer, { type: 'disk', full: true });
  }

  told(peer: WorkerId, full: boolean): void {
    if (full) this.fullPeers.set(peer, this.context.now);
    else this.fullPeers.delete(peer);
  }

  isFull(peer: WorkerId): boolean {
    return this.context.now - (this.fullPeers.get(peer) ?? -Infinity) < believedMs;
  }

  /** Why a write of this leader cannot be stored; '' if it can. */
  lackFor(leader: Leader): string {
    if (this.isLacking) return 'the disk of the primary is full';
    if (this.fullPeers.size === 0) return '';
    const { voters } = leader;
    const full = voters.filter(({ id }) => this.isFull(id)).length;
    const enough = voters.length - full >= commitQuorum(voters.length);
    return enough ? '' : 'the disks of too many of its replicas are full';
  }
}
