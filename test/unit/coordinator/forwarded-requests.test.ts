/** Forwards that arrive twice, late, or from a run before. */
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { partitionOf } from '../../../core/ring/hash.js';
import { forwardWrite } from '../../../node/coordinator/forward-message.js';
import { ForwardedRequests } from '../../../node/coordinator/forwarded-requests.js';
import { ringOf } from '../../support/ring-of.js';
import { put, ScriptedReplicas } from './joined-workers.js';

/** Numbers that a run begins with: its wall clock in thousandths of a millisecond. */
const earlierRun = 1_750_000_062_943_000;
const clockSetBack = 1_750_000_011_174_000;

class Receiver {
  readonly replicas = new ScriptedReplicas();
  private readonly requests: ForwardedRequests;

  constructor() {
    this.replicas.record = ringOf(1, 1, 'b');
    this.requests = new ForwardedRequests({
      limits: defaultLimits,
      local: this.replicas,
      send: () => undefined,
      requestsMax: 100,
      requestBytesMax: 1_000_000,
    });
  }

  /** True if the replica was asked. */
  takes(id: number): boolean {
    const before = this.replicas.writes.length;
    const operation = put();
    const partition = partitionOf(operation.key, this.replicas.record?.partitionCount ?? 1);
    this.requests.write('a', forwardWrite({ id, partition, epoch: 1, deadlineMs: 1_000 }, operation));
    return this.replicas.writes.length > before;
  }

  disconnect(): void {
    this.requests.peerDisconnected('a');
  }
}

describe('a forwarded write', () => {
  it('that comes twice is done once', () => {
    const b = new Receiver();
    expect([b.takes(earlierRun), b.takes(earlierRun), b.takes(earlierRun + 1)]).toEqual([true, false, true]);
    expect(b.takes(earlierRun)).toBe(false);
  });

  it('counts from the beginning on the next stream', () => {
    const b = new Receiver();
    b.takes(earlierRun + 5);
    b.disconnect();
    expect(b.takes(earlierRun)).toBe(true);
  });

  it('is taken from a sender whose clock was set back, whatever comes late of its run before', () => {
    const b = new Receiver();
    b.takes(earlierRun + 5);
    b.disconnect();
    expect(b.takes(clockSetBack)).toBe(true);
    b.takes(earlierRun + 6);
    expect(b.takes(clockSetBack + 1)).toBe(true);
    expect(b.takes(clockSetBack + 1)).toBe(false);
    expect(b.takes(earlierRun + 6)).toBe(false);
  });

  it('of a new run is told from repetitions however many runs there were', () => {
    const b = new Receiver();
    for (let run = 0; run < 10; run += 1) {
      const first = earlierRun - run * 5_000_000;
      expect([b.takes(first), b.takes(first), b.takes(first + 1)]).toEqual([true, false, true]);
    }
  });
});
