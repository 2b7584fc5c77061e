/**
 * Which voter of each partition is its primary. Moving a primary copies nothing, but it holds writes back for
 * a moment, so a primary stays where it is unless its worker has too many or another far too few.
 *
 * Loads are evened along paths: a primary moves to a voter of its partition, if need be one that passes
 * another on. As no worker holds more than its bound of replicas, the bound of primaries can always be met
 * (Hall's theorem: give every voter an equal fraction of its partition, and no worker has more than its
 * bound).
 */
import { assert } from '../assert.js';
import { nobody } from './replica-assignment.js';

export interface PrimaryLimits {
  readonly loadMax: number;
  /** A worker with fewer takes some over, up to the target. */
  readonly loadMin: number;
  readonly loadTarget: number;
}

export class PrimaryAssignment {
  /** Per partition its primary, or {@link nobody} as long as none is chosen. */
  readonly primaries: number[];
  readonly #voters: readonly (readonly number[])[];
  readonly #limits: PrimaryLimits;
  readonly #loads: number[];
  readonly #heldBy: number[][];

  constructor(
    voters: readonly (readonly number[])[],
    primaries: number[],
    workerCount: number,
    limits: PrimaryLimits,
  ) {
    this.primaries = primaries;
    this.#voters = voters;
    this.#limits = limits;
    this.#loads = new Array<number>(workerCount).fill(0);
    this.#heldBy = Array.from({ length: workerCount }, () => []);
    voters.forEach((workers, partition) => {
      for (const worker of workers) this.#heldBy[worker]?.push(partition);
      const primary = primaries[partition] ?? nobody;
      if (primary !== nobody) this.#add(primary, 1);
    });
  }

  /**
   * Gives a partition its primary: the voter with the fewest, one that already holds the data where there is
   * one.
   */
  choose(partition: number, alreadyVoters: readonly number[]): void {
    const voters = this.#votersOf(partition);
    const settled = voters.filter((worker) => alreadyVoters.includes(worker) && this.#hasRoom(worker));
    const candidates = settled.length > 0 ? settled : voters;
    const chosen = candidates.reduce((best, worker) => (this.load(worker) < this.load(best) ? worker : best));
    this.primaries[partition] = chosen;
    this.#add(chosen, 1);
  }

  /** Takes primaries from workers above the bound, then gives some to those that have far too few. */
  even(): void {
    this.#loads.forEach((_, worker) => {
      while (this.load(worker) > this.#limits.loadMax) this.#shed(worker);
    });
    this.#loads.forEach((load, worker) => {
      if (load >= this.#limits.loadMin) return;
      while (this.load(worker) < this.#limits.loadTarget && this.#take(worker));
    });
  }

  load(worker: number): number {
    return this.#loads[worker] ?? 0;
  }

  #hasRoom(worker: number): boolean {
    return this.load(worker) < this.#limits.loadMax;
  }

  #shed(worker: number): void {
    const shed = this.#movePath(
      worker,
      (holder) =>
        this.#partitionsLedBy(holder).flatMap((partition) => this.#toOtherVoters(partition, holder)),
      (other) => this.#hasRoom(other),
    );
    assert(shed, 'the replicas are spread well enough for the primaries to be', { worker });
  }

  #take(worker: number): boolean {
    return this.#movePath(
      worker,
      (taker) => this.#partitionsFollowedBy(taker),
      (other) => this.load(other) > this.#limits.loadTarget,
    );
  }

  /** Breadth first from a worker to one that `isEnd`; then every partition on the path changes hands. */
  #movePath(
    start: number,
    neighbours: (worker: number) => readonly Change[],
    isEnd: (worker: number) => boolean,
  ): boolean {
    const reachedBy = new Map<number, Change | undefined>([[start, undefined]]);
    const queue = [start];
    for (const worker of queue) {
      for (const change of neighbours(worker)) {
        const other = change.from === worker ? change.to : change.from;
        if (reachedBy.has(other)) continue;
        reachedBy.set(other, change);
        if (isEnd(other)) {
          this.#carryOut(other, reachedBy);
          return true;
        }
        queue.push(other);
      }
    }
    return false;
  }

  #carryOut(end: number, reachedBy: ReadonlyMap<number, Change | undefined>): void {
    let worker = end;
    for (let change = reachedBy.get(worker); change !== undefined; change = reachedBy.get(worker)) {
      this.primaries[change.partition] = change.to;
      this.#add(change.from, -1);
      this.#add(change.to, 1);
      worker = change.from === worker ? change.to : change.from;
    }
  }

  #partitionsLedBy(worker: number): number[] {
    return this.#held(worker).filter((partition) => this.primaries[partition] === worker);
  }

  #toOtherVoters(partition: number, from: number): Change[] {
    return this.#votersOf(partition).flatMap((to) => (to === from ? [] : [{ partition, from, to }]));
  }

  #partitionsFollowedBy(worker: number): Change[] {
    return this.#held(worker).flatMap((partition) => {
      const from = this.primaries[partition] ?? nobody;
      return from === worker || from === nobody ? [] : [{ partition, from, to: worker }];
    });
  }

  #held(worker: number): readonly number[] {
    return this.#heldBy[worker] ?? [];
  }

  #votersOf(partition: number): readonly number[] {
    const voters = this.#voters[partition];
    assert(voters !== undefined, 'the partition exists');
    return voters;
  }

  #add(worker: number, count: number): void {
    this.#loads[worker] = this.load(worker) + count;
  }
}

interface Change {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}
