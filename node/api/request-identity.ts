/**
 * Names of requests, by which a client's trouble is found in the log: what the client sent as X-Request-Id,
 * or, for a request that failed, one made here. Failures are logged by name, but no more of them than a log
 * can bear: when a quorum is away, every request fails.
 */
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/logger.js';

export const requestIdField = 'X-Request-Id';

export interface FailedRequest {
  requestId: string;
  method: string;
  status: number;
  code: string;
}

const usable = /^[\x21-\x7e]{1,128}$/;
const linesPerSecond = 10;
const secondMs = 1_000;

/** '' for none, and for one that is no use as a name: it harms nobody, and is no reason to refuse. */
export function usableRequestId(sent: string | null): string {
  return sent !== null && usable.test(sent) ? sent : '';
}

export class FailureLog {
  private since = -Infinity;
  private lines = 0;
  private untold = 0;

  constructor(
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  tell(failed: FailedRequest): void {
    const now = this.clock.now();
    if (now - this.since >= secondMs) {
      this.since = now;
      this.lines = 0;
    }
    this.lines += 1;
    if (this.lines > linesPerSecond) {
      this.untold += 1;
      return;
    }
    const fields = this.untold === 0 ? { ...failed } : { ...failed, untold: this.untold };
    this.untold = 0;
    this.logger.warn('request failed', fields);
  }
}
