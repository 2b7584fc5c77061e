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

/** For any arc the order in which it prefers the workers. */
export class HashRing {
  readonly #workerCount: number;
  /** Positions of the points in ascending order, and for each the index of its worker. */
  readonly #positions: Float64Array;
  readonly #workers: Uint32Array;

  /** `ids` must be distinct; workers are named by their index in it from here on. */
  constructor(ids: readonly WorkerId[]) {
    this.#workerCount = ids.length;
    const points = ids.flatMap((id, worker) =>
      Array.from({ length: pointsPerWorker }, (_, point) => ({ position: positionOf(id, point), worker })),
    );
    points.sort((a, b) => a.position - b.position || a.worker - b.worker);
    this.#positions = Float64Array.from(points, (point) => point.position);
    this.#workers = Uint32Array.from(points, (point) => point.worker);
  }

  /** All workers in the order in which they are met clockwise from the start of the arc. */
  preference(partition: number, partitionCount: number): number[] {
    const met = new Uint8Array(this.#workerCount);
    const order: number[] = [];
    const count = this.#positions.length;
    let index = this.#firstAtOrAfter(partition / partitionCount);
    for (let step = 0; step < count && order.length < this.#workerCount; step += 1) {
      const worker = this.#workers[index] ?? 0;
      if (met[worker] === 0) {
        met[worker] = 1;
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
