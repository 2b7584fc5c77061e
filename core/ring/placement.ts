/**
 * Who holds what: consistent hashing with bounded loads, replicas in different zones, primaries spread
 * evenly, and as little moved as those bounds allow.
 *
 * What must not be: a worker twice in a partition, a worker above its bound. The bound is higher where zones
 * of unequal size need it: four workers on three nodes lose no quorum with any one node only if the two that
 * are alone on theirs hold more. What gives way to the bound, and only where the workers of a zone cannot
 * hold their part even so: that a partition's replicas stand in different zones.
 * The same input gives the same placement, whatever order the members come in.
 *
 * Sources: "Consistent Hashing with Bounded Loads" (Mirrokni, Thorup, Zadimoghaddam 2016); the chains that
 * make room are augmenting paths of a bipartite flow.
 */
import { assert } from '../assert.js';
import { isPartitionCount } from './hash.js';
import { HashRing } from './hash-ring.js';
import { PrimaryAssignment } from './primary-assignment.js';
import { nobody, ReplicaAssignment } from './replica-assignment.js';
import type { WorkerId } from './ring-record.js';

/** The part of a member that placement looks at. Leave a worker out that is to hold nothing. */
export interface PlacementMember {
  readonly id: WorkerId;
  readonly zone: string;
}

export interface PartitionPlacement {
  /** One that takes another's place stands where that one stood; otherwise the order means nothing. */
  readonly voters: readonly WorkerId[];
  /** One of the voters. */
  readonly primary: WorkerId;
}

export interface PlacementRequest {
  /** Distinct ids; at least one. */
  readonly members: readonly PlacementMember[];
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /**
   * What holds now, per partition the voters with the primary first; also workers that are no members any
   * more.
   */
  readonly current?: readonly (readonly WorkerId[])[];
}

/** No worker holds more than this many tenths of the mean, rounded up. */
const loadBoundTenths = 11;
/** The same for replicas where only that keeps them in different zones. */
const zonesBoundTenths = 20;
/**
 * A worker with fewer than this many tenths of the mean is filled up: a gap that is left alone saves copies.
 */
const loadFloorTenths = 7;
const roundsMax = 5;

/**
 * The placement for these members; where there are fewer than the replication factor, all of them hold
 * everything.
 */
export function planPlacement(request: PlacementRequest): PartitionPlacement[] {
  assert(request.members.length > 0, 'a placement needs a worker');
  assert(request.replicationFactor >= 1, 'a placement needs a replica');
  assert(isPartitionCount(request.partitionCount), 'the partition count is valid');
  const plan = new PlacementPlan(request);
  plan.fillSlots();
  // What one step moves may open a place for another; in practice nothing is left to do after the second
  // round.
  for (let round = 0; round < roundsMax && plan.improve(); round += 1);
  return plan.withPrimaries();
}

/** The most replicas, or primaries, that one of `workers` may hold of `total`. */
export function loadBound(total: number, workers: number): number {
  return Math.ceil((loadBoundTenths * total) / (10 * workers));
}

/**
 * The most replicas that one worker may hold: the load bound, or as much more as keeps the replicas of every
 * partition in different zones, up to a bound of its own. `zoneSizes` are the numbers of workers.
 */
export function replicaBound(
  partitionCount: number,
  voterCount: number,
  zoneSizes: readonly number[],
): number {
  const total = partitionCount * voterCount;
  const workers = zoneSizes.reduce((sum, size) => sum + size, 0);
  const usual = loadBound(total, workers);
  if (zoneSizes.length < voterCount) return usual;
  const roomAt = (load: number) =>
    zoneSizes.reduce((sum, size) => sum + Math.min(size * load, partitionCount), 0);
  const most = Math.max(
    usual,
    Math.min(partitionCount, Math.ceil((zonesBoundTenths * total) / (10 * workers))),
  );
  let bound = usual;
  while (bound < most && roomAt(bound) < total) bound += 1;
  return bound;
}

function loadFloor(total: number, workers: number): number {
  return Math.max(1, Math.floor((loadFloorTenths * total) / (10 * workers)));
}

class PlacementPlan {
  readonly #isFresh: boolean;
  readonly #ids: readonly WorkerId[];
  readonly #zones: readonly number[];
  readonly #partitionCount: number;
  readonly #replicaCount: number;
  readonly #replicasPerZone: number;
  readonly #currentVoters: readonly (readonly number[])[];
  /** Per partition the primary that it has now, if it may stay. */
  readonly #currentPrimaries: readonly number[];
  readonly #loadMax: number;
  readonly #assignment: ReplicaAssignment;

  constructor(request: PlacementRequest) {
    this.#isFresh = request.current === undefined;
    const members = [...request.members].sort((a, b) => (a.id < b.id ? -1 : 1));
    const zoneNames = [...new Set(members.map((member) => member.zone))];
    this.#ids = members.map((member) => member.id);
    this.#zones = members.map((member) => zoneNames.indexOf(member.zone));
    this.#partitionCount = request.partitionCount;
    const voterCount = Math.min(request.replicationFactor, members.length);
    this.#replicaCount = voterCount * request.partitionCount;
    this.#replicasPerZone = Math.ceil(voterCount / zoneNames.length);
    const zoneSizes = zoneNames.map((_, zone) => this.#zones.filter((other) => other === zone).length);
    this.#loadMax = replicaBound(request.partitionCount, voterCount, zoneSizes);

    const indexes = new Map(this.#ids.map((id, index) => [id, index]));
    assert(indexes.size === members.length, 'the ids of the members are distinct');
    const partitions = Array.from({ length: request.partitionCount }, (_, partition) => partition);
    this.#currentVoters = partitions.map((partition) =>
      [...new Set(request.current?.[partition])].map((id) => indexes.get(id) ?? nobody),
    );
    this.#currentPrimaries = this.#currentVoters.map((voters) => voters[0] ?? nobody);

    const ring = new HashRing(this.#ids);
    this.#assignment = new ReplicaAssignment(
      this.#currentVoters.map((voters) => this.#slotsFor(voters, voterCount)),
      this.#zones,
      partitions.map((partition) => ring.preference(partition, request.partitionCount)),
      {
        loadTarget: Math.ceil(this.#replicaCount / members.length),
        loadMax: this.#loadMax,
        replicasPerZone: this.#replicasPerZone,
      },
    );
  }

  /**
   * Keeps slots as they are; too many lose first those without a worker, then those that share a zone, then
   * the last.
   */
  #slotsFor(current: readonly number[], voterCount: number): number[] {
    const slots = [...current];
    while (slots.length < voterCount) slots.push(nobody);
    while (slots.length > voterCount) slots.splice(this.#leastWorthKeeping(slots), 1);
    return slots;
  }

  #leastWorthKeeping(slots: readonly number[]): number {
    const vacant = slots.indexOf(nobody);
    if (vacant !== -1) return vacant;
    const sharesZone = (worker: number) =>
      slots.filter((other) => this.#zones[other] === this.#zones[worker]).length > 1;
    // The first is the primary and stays as long as another can go.
    const candidates = slots.slice(1).filter(sharesZone);
    return slots.lastIndexOf(candidates.at(-1) ?? slots.at(-1) ?? nobody);
  }

  /** Every partition gets the replicas that it lacks, first all those for which the zones have room. */
  fillSlots(): void {
    const assignment = this.#assignment;
    assignment.slots.forEach((slots, partition) => {
      // Each round fills one.
      while (slots.includes(nobody) && assignment.placeStrictly(partition, nobody));
    });
    assignment.slots.forEach((slots, partition) => {
      while (slots.includes(nobody)) assignment.place(partition, nobody);
    });
  }

  /** One round of all that makes a complete placement better; false if there was nothing to do. */
  improve(): boolean {
    const before = this.#assignment.changeCount;
    this.#repairZones();
    this.#fillWorkers();
    this.#shedExcess();
    return this.#assignment.changeCount > before;
  }

  /**
   * Replicas that share a zone are spread where another zone has room by now; no chains, which would copy
   * much.
   */
  #repairZones(): void {
    const assignment = this.#assignment;
    assignment.slots.forEach((slots, partition) => {
      const primary = this.#currentPrimaries[partition];
      for (const worker of [...slots].sort((a, b) => Number(a === primary) - Number(b === primary))) {
        if (assignment.inZoneOf(worker, partition, worker) < this.#replicasPerZone) continue;
        assignment.placeDirectly(partition, worker);
      }
    });
  }

  /** Workers that hold far less than the mean take replicas over, from those that hold most. */
  #fillWorkers(): void {
    const target = Math.floor(this.#replicaCount / this.#ids.length);
    const floor = this.#isFresh ? target : loadFloor(this.#replicaCount, this.#ids.length);
    for (const worker of this.#byLoad()) {
      if (this.#assignment.load(worker) >= floor) continue;
      while (this.#assignment.load(worker) < target && this.#takeOver(worker));
    }
  }

  /** One replica from the most loaded worker that has a fitting one. */
  #takeOver(taker: number): boolean {
    for (const giver of this.#byLoad().reverse()) {
      if (this.#assignment.load(giver) <= this.#assignment.load(taker) + 1) return false;
      const fitting = (partition: number) => this.#assignment.mayHold(taker, partition, giver);
      const partition = this.#givable(giver).find(fitting);
      if (partition === undefined) continue;
      this.#assignment.replace(partition, giver, taker);
      return true;
    }
    return false;
  }

  /** No worker stays above its bound. */
  #shedExcess(): void {
    const assignment = this.#assignment;
    const loadMax = this.#loadMax;
    assignment.forgetExhausted();
    for (const worker of this.#byLoad().reverse()) {
      let zonesHaveRoom = true;
      while (assignment.load(worker) > loadMax) {
        const givable = this.#givable(worker);
        zonesHaveRoom &&= givable.some((partition) => assignment.placeStrictly(partition, worker));
        if (!zonesHaveRoom) assignment.place(givable[0] ?? 0, worker);
      }
    }
  }

  /** What a worker holds, first what it is not primary of: that moves without moving a primary. */
  #givable(giver: number): number[] {
    const held = this.#assignment.held(giver).sort((a, b) => a - b);
    const leads = (partition: number) => this.#currentPrimaries[partition] === giver;
    return [...held.filter((partition) => !leads(partition)), ...held.filter(leads)];
  }

  #byLoad(): number[] {
    const load = (worker: number) => this.#assignment.load(worker);
    return this.#ids.map((_, worker) => worker).sort((a, b) => load(a) - load(b) || a - b);
  }

  withPrimaries(): PartitionPlacement[] {
    const voters = this.#assignment.slots;
    const kept = voters.map((workers, partition) => {
      const primary = this.#currentPrimaries[partition] ?? nobody;
      return workers.includes(primary) ? primary : nobody;
    });
    const primaries = new PrimaryAssignment(voters, kept, this.#ids.length, {
      loadMax: loadBound(this.#partitionCount, this.#ids.length),
      loadMin: loadFloor(this.#partitionCount, this.#ids.length),
      loadTarget: Math.floor(this.#partitionCount / this.#ids.length),
    });
    voters.forEach((_, partition) => {
      if (primaries.primaries[partition] !== nobody) return;
      primaries.choose(partition, this.#currentVoters[partition] ?? []);
    });
    primaries.even();
    return voters.map((workers, partition) => ({
      voters: workers.map((worker) => this.#idOf(worker)),
      primary: this.#idOf(primaries.primaries[partition] ?? nobody),
    }));
  }

  #idOf(worker: number): WorkerId {
    const id = this.#ids[worker];
    assert(id !== undefined, 'every slot has a worker');
    return id;
  }
}
