/**
 * Requests in flight in order of arrival, which is the order of their deadlines. A linked list: each leaves
 * at its own time, and a set would be built anew whenever as many have left as it has room for.
 */
import type { Request } from './request.js';

export class Arrivals {
  first: Request | null = null;
  private last: Request | null = null;
  size = 0;

  add(request: Request): void {
    request.earlier = this.last;
    if (this.last === null) this.first = request;
    else this.last.later = request;
    this.last = request;
    this.size += 1;
  }

  /** To be called once for each that was added. */
  delete(request: Request): void {
    const { earlier, later } = request;
    if (earlier === null) this.first = later;
    else earlier.later = later;
    if (later === null) this.last = earlier;
    else later.earlier = earlier;
    request.earlier = null;
    request.later = null;
    this.size -= 1;
  }
}
