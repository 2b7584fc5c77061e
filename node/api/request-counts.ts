/**
 * Requests by method and status, counted with one addition each: a labelled counter costs more than reading
 * the request.
 */

const methods = ['GET', 'HEAD', 'PUT', 'DELETE', 'other'] as const;
const statusMax = 600;

export interface RequestCount {
  method: string;
  /** HTTP status, as a label. */
  code: string;
  count: number;
}

export class RequestCounts {
  private readonly counts = new Float64Array(methods.length * statusMax);

  count(method: string, status: number): void {
    const index = methods.indexOf(method as (typeof methods)[number]);
    const row = index < 0 ? methods.length - 1 : index;
    const at = row * statusMax + status;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  /** Since the start, of what occurred. */
  all(): RequestCount[] {
    const found: RequestCount[] = [];
    this.counts.forEach((count, at) => {
      if (count === 0) return;
      found.push({
        method: methods[Math.floor(at / statusMax)] ?? 'other',
        code: String(at % statusMax),
        count,
      });
    });
    return found;
  }
}
