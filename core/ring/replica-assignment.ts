/**
 * Which worker holds which replica, while a placement is being worked out: the slots of every partition, the
 * load of every worker, and the search for a place.
 *
 * A place is searched for in three ways, each only when the one before finds nothing: a worker that has room;
 * a chain that makes room (a full worker passes a replica of another partition on, perhaps over several
 * workers to one that has room: an augmenting path, so a place is found whenever there is one); the same with
 * the zones' limit lifted.
 */
import { assert } from '../assert.js';
import type { Preference } from './hash-ring.js';

/** A slot without a worker, and "nobody leaves". */
export const nobody = -1;

export interface AssignmentLimits {
  /** Up to this many replicas a worker is filled before others go beyond it. */
  readonly loadTarget: number;
  /** No worker is given more. */
  readonly loadMax: number;
  /** Replicas of one partition in one zone, as long as the zones have room. */
  readonly replicasPerZone: number;
}

/**
 * How far the zones bind in a search: for all that moves; for all but the replica in question; not at all.
 */
type ZoneRule = 'strict' | 'first-free' | 'free';

interface Search {
  /**
   * For each worker: the worker that would pass a replica on to it, and which partition's; or not reached.
   */
  readonly from: Int32Array;
  readonly partition: Int32Array;
}

const notReached = -2;

export class ReplicaAssignment {
  /** Per partition its slots, each with a worker or {@link nobody}. */
  readonly slots: number[][];
  readonly #held: Set<number>[];
  readonly #zones: readonly number[];
  readonly #limits: AssignmentLimits;
  /** Per partition all workers, the one that the ring would like best first. */
  readonly #preference: readonly Preference[];
  /** Workers from which a strict search found no room; valid until some load falls. */
  readonly #exhausted: Uint8Array;
  #changeCount = 0;

  constructor(
    slots: number[][],
    zones: readonly number[],
    preference: readonly Preference[],
    limits: AssignmentLimits,
  ) {
    this.slots = slots;
    this.#zones = zones;
    this.#preference = preference;
    this.#limits = limits;
    this.#held = zones.map(() => new Set<number>());
    this.#exhausted = new Uint8Array(zones.length);
    slots.forEach((workers, partition) => {
      for (const worker of workers) if (worker !== nobody) this.#heldBy(worker).add(partition);
    });
  }

  /** Replicas that were given a place so far; a chain counts each of its moves. */
  get changeCount(): number {
    return this.#changeCount;
  }

  load(worker: number): number {
    return this.#heldBy(worker).size;
  }

  /** The partitions that a worker holds a replica of, in a fixed order. */
  held(worker: number): number[] {
    return [...this.#heldBy(worker)];
  }

  /** Replicas of the partition in the worker's zone, without the one that leaves. */
  inZoneOf(worker: number, partition: number, leaving: number): number {
    const zone = this.#zones[worker];
    let count = 0;
    for (const other of this.#slotsOf(partition)) {
      if (other !== nobody && other !== leaving && this.#zones[other] === zone) count += 1;
    }
    return count;
  }

  /**
   * Whether the worker may hold a replica of the partition once `leaving` has left it; says nothing of its
   * load.
   */
  mayHold(worker: number, partition: number, leaving: number): boolean {
    if (this.#slotsOf(partition).includes(worker)) return false;
    return this.inZoneOf(worker, partition, leaving) < this.#limits.replicasPerZone;
  }

  /** Puts `to` into the slot of `from`; {@link nobody} as `from` is a free slot. */
  replace(partition: number, from: number, to: number): void {
    const workers = this.#slotsOf(partition);
    const slot = workers.indexOf(from);
    assert(slot !== -1 && !workers.includes(to), 'a replica is replaced by a worker that holds none');
    workers[slot] = to;
    if (from !== nobody) this.#heldBy(from).delete(partition);
    this.#heldBy(to).add(partition);
    this.#changeCount += 1;
  }

  /** To be called when loads have fallen: what was without a way out may have one now. */
  forgetExhausted(): void {
    this.#exhausted.fill(0);
  }

  /**
   * Moves the replica that `leaving` holds to a worker that has room, within the zones' limit; false if none
   * has.
   */
  placeDirectly(partition: number, leaving: number): boolean {
    const direct = this.#withRoom(partition, leaving);
    if (direct === undefined) return false;
    this.replace(partition, leaving, direct);
    return true;
  }

  /** As {@link placeDirectly}, but a chain may make the room. */
  placeStrictly(partition: number, leaving: number): boolean {
    if (this.placeDirectly(partition, leaving)) return true;
    return this.#placeByChain(partition, leaving, 'strict');
  }

  /**
   * Finds a place, beyond the zones' limit if it must; there always is one as long as the loads' limits allow
   * it.
   */
  place(partition: number, leaving: number): void {
    if (this.placeStrictly(partition, leaving)) return;
    const direct = this.#withRoomInFullZone(partition, leaving);
    if (direct !== undefined) {
      this.replace(partition, leaving, direct);
      return;
    }
    const placed =
      this.#placeByChain(partition, leaving, 'first-free') || this.#placeByChain(partition, leaving, 'free');
    assert(placed, 'the load limit leaves room for every replica', { partition });
  }

  /** The ring's first choice among the workers below the target, else among those below the limit. */
  #withRoom(partition: number, leaving: number): number | undefined {
    let fallback: number | undefined;
    const order = this.#preferenceOf(partition);
    for (let place = 0, worker = order.at(0); worker !== undefined; worker = order.at((place += 1))) {
      const load = this.load(worker);
      if (load >= this.#limits.loadMax || !this.mayHold(worker, partition, leaving)) continue;
      if (load < this.#limits.loadTarget) return worker;
      fallback ??= worker;
    }
    return fallback;
  }

  /**
   * The zone with the fewest of the partition's replicas first, then workers below the target, then the
   * ring's order.
   */
  #withRoomInFullZone(partition: number, leaving: number): number | undefined {
    let best: number | undefined;
    let bestRank = Infinity;
    const order = this.#preferenceOf(partition);
    for (let place = 0, worker = order.at(0); worker !== undefined; worker = order.at((place += 1))) {
      if (this.load(worker) >= this.#limits.loadMax || this.#slotsOf(partition).includes(worker)) continue;
      const aboveTarget = this.load(worker) >= this.#limits.loadTarget ? 0.5 : 0;
      const rank = this.inZoneOf(worker, partition, leaving) + aboveTarget;
      if (rank < bestRank) [best, bestRank] = [worker, rank];
    }
    return best;
  }

  #placeByChain(partition: number, leaving: number, rule: ZoneRule): boolean {
    const search: Search = {
      from: new Int32Array(this.#zones.length).fill(notReached),
      partition: new Int32Array(this.#zones.length),
    };
    const queue: number[] = [];
    const order = this.#preferenceOf(partition);
    for (let place = 0, worker = order.at(0); worker !== undefined; worker = order.at((place += 1))) {
      if (!this.#mayEnter(worker, partition, leaving, rule === 'strict')) continue;
      if (worker === leaving || (rule === 'strict' && this.#exhausted[worker] === 1)) continue;
      search.from[worker] = nobody;
      search.partition[worker] = partition;
      queue.push(worker);
    }
    // The queue takes every worker at most once.
    for (const worker of queue) {
      const end = this.#spread(worker, leaving, search, queue, rule !== 'free');
      if (end === undefined) continue;
      this.#passOn(end, leaving, search);
      return true;
    }
    if (rule === 'strict') for (const worker of queue) this.#exhausted[worker] = 1;
    return false;
  }

  /**
   * Reaches the workers that `worker` could pass something on to; returns the first of them that has room.
   */
  #spread(
    worker: number,
    leaving: number,
    search: Search,
    queue: number[],
    strict: boolean,
  ): number | undefined {
    for (const partition of this.#heldBy(worker)) {
      if (strict && this.#isOnPath(worker, partition, search)) continue;
      const order = this.#preferenceOf(partition);
      for (let place = 0, next = order.at(0); next !== undefined; next = order.at((place += 1))) {
        if (next === leaving || search.from[next] !== notReached) continue;
        if (!this.#mayEnter(next, partition, worker, strict)) continue;
        if (strict && this.#exhausted[next] === 1) continue;
        search.from[next] = worker;
        search.partition[next] = partition;
        if (this.load(next) < this.#limits.loadMax) return next;
        queue.push(next);
      }
    }
    return undefined;
  }

  #mayEnter(worker: number, partition: number, leaving: number, strict: boolean): boolean {
    return strict ? this.mayHold(worker, partition, leaving) : !this.#slotsOf(partition).includes(worker);
  }

  /**
   * Two moves of one partition in one chain were each judged without the other, which zones do not forgive.
   */
  #isOnPath(worker: number, partition: number, search: Search): boolean {
    let at = worker;
    while (at !== nobody) {
      if (search.partition[at] === partition) return true;
      at = search.from[at] ?? nobody;
    }
    return false;
  }

  /** Carries the chain out from its end, so that no worker is ever above its limit. */
  #passOn(end: number, leaving: number, search: Search): void {
    let to = end;
    for (;;) {
      const from = search.from[to] ?? nobody;
      const partition = search.partition[to] ?? 0;
      this.replace(partition, from === nobody ? leaving : from, to);
      if (from === nobody) return;
      to = from;
    }
  }

  #slotsOf(partition: number): number[] {
    const workers = this.slots[partition];
    assert(workers !== undefined, 'the partition exists');
    return workers;
  }

  #heldBy(worker: number): Set<number> {
    const partitions = this.#held[worker];
    assert(partitions !== undefined, 'the worker exists');
    return partitions;
  }

  #preferenceOf(partition: number): Preference {
    const order = this.#preference[partition];
    assert(order !== undefined, 'the partition has its order of preference');
    return order;
  }
}
