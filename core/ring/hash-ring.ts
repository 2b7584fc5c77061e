/**
 * The hash ring of the workers: each stands on it at many points, so that the order in which an arc meets
 * them depends on the arc, and one worker more or less changes only the arcs that it comes first in.
 */
import { hashBytes } from './hash.js';
import type { WorkerId } from './ring-record.js';

/**
 * Enough for a worker's share to lie near its mean; the load bound of the placement takes care of the rest.
 */
const pointsPerWorker = 64;

/** An order is worked out this far at first, and each time that is not enough, this many times as far. */
const firstLength = 16;
const lengthGrowth = 4;

/** For any arc the order in which it prefers the workers. */
export class HashRing {
  readonly #workerCount: number;
  /** Positions of the points in ascending order, and for each the index of its worker. */
  readonly #positions: Float64Array;
  readonly #workers: Uint32Array;
  /** For each worker the last walk that met it. */
  readonly #metInWalk: Uint32Array;
  #walks = 0;

  /** `ids` must be distinct; workers are named by their index in it from here on. */
  constructor(ids: readonly WorkerId[]) {
    this.#workerCount = ids.length;
    const positions = new Float64Array(ids.length * pointsPerWorker);
    ids.forEach((id, worker) => {
      for (let point = 0; point < pointsPerWorker; point += 1) {
        positions[worker * pointsPerWorker + point] = positionOf(id, point);
      }
    });
    const positionAt = (point: number) => positions[point] ?? 0;
    const points = Uint32Array.from(positions, (_, point) => point);
    points.sort((a, b) => positionAt(a) - positionAt(b) || a - b);
    this.#positions = Float64Array.from(points, positionAt);
    this.#workers = points.map((point) => Math.floor(point / pointsPerWorker));
    this.#metInWalk = new Uint32Array(ids.length);
  }

  /** All workers in the order in which they are met clockwise from the start of the arc. */
  preference(partition: number, partitionCount: number): Preference {
    return new Preference((length) => this.#firstMet(partition / partitionCount, length));
  }

  /** The first `length` workers of that order, or all. */
  #firstMet(start: number, length: number): number[] {
    this.#walks += 1;
    const order: number[] = [];
    const most = Math.min(length, this.#workerCount);
    const count = this.#positions.length;
    let index = this.#firstAtOrAfter(start);
    for (let step = 0; step < count && order.length < most; step += 1) {
      const worker = this.#workers[index] ?? 0;
      if (this.#metInWalk[worker] !== this.#walks) {
        this.#metInWalk[worker] = this.#walks;
        order.push(worker);
      }
      index = index + 1 === count ? 0 : index + 1;
    }
    return order;
  }

  #firstAtOrAfter(position: number): number {
    let low = 0;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#positions[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low === this.#positions.length ? 0 : low;
  }
}

/**
 * An order of all workers, worked out only as far as somebody looks: most searches end at its first few, and
 * with a thousand workers the whole orders of all arcs would be most of the work of a plan.
 */
export class Preference {
  readonly #first: (length: number) => number[];
  #known: number[] = [];
  #asked = 0;

  /** `first` gives that many of the order, or all if there are fewer. */
  constructor(first: (length: number) => number[]) {
    this.#first = first;
  }

  /** The worker at this place of the order, from 0 on; undefined beyond its end. */
  at(place: number): number | undefined {
    if (place >= this.#asked) {
      // Fewer than asked for: there are no more.
      if (this.#known.length < this.#asked) return undefined;
      while (this.#asked <= place) this.#asked = Math.max(firstLength, this.#asked * lengthGrowth);
      this.#known = this.#first(this.#asked);
    }
    return this.#known[place];
  }
}

/** A fraction of the ring, from 0 up to but not including 1; 53 bits of the hash fit into it. */
function positionOf(id: WorkerId, point: number): number {
  const { high, low } = hashBytes(bytesOf(`${point}#${id}`));
  return high / 2 ** 32 + (low >>> 11) / 2 ** 53;
}

/** Two bytes for each UTF-16 unit: any injective encoding serves, and core has no encoder. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    bytes[index * 2] = unit & 0xff;
    bytes[index * 2 + 1] = unit >>> 8;
  }
  return bytes;
}
