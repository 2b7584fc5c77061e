/** Whom a request is sent to. */
import { describe, expect, it } from '@jest/globals';
import { routeToPrimary, routeToVoter } from '../../../node/coordinator/route.js';
import { ringOf } from '../../support/ring-of.js';

const record = (primary: string) => {
  const partition = ringOf(1, 4, primary).partitions[0];
  if (partition === undefined) throw new Error('the ring has a partition');
  return partition;
};
const seenBy = (id: string, connected: string[]) => ({
  id,
  isConnected: (peer: string) => connected.includes(peer),
});

describe('the route to the primary', () => {
  it('is local on the primary itself', () => {
    expect(routeToPrimary(seenBy('b', []), 0, record('b'))).toEqual({ type: 'local' });
  });

  it('is the peer if it is connected', () => {
    expect(routeToPrimary(seenBy('d', ['b']), 0, record('b'))).toEqual({ type: 'peer', peer: 'b' });
  });

  it('tells a primary that is away from a quorum that is away', () => {
    expect(routeToPrimary(seenBy('a', ['c']), 3, record('b'))).toEqual({
      type: 'none',
      reason: 'unavailable',
      detail: 'the primary of partition 3, b, cannot be reached',
    });
    expect(routeToPrimary(seenBy('d', ['c']), 3, record('b'))).toEqual({
      type: 'none',
      reason: 'noQuorum',
      detail: '1 of the 3 replicas of partition 3 can be reached, 2 are needed',
    });
  });
});

describe('the route to any voter', () => {
  it('prefers this worker, then the primary, then goes round', () => {
    const routes = [0, 1, 2, 3].map((attempt) =>
      routeToVoter(seenBy('c', ['a', 'b']), 0, record('b'), attempt),
    );
    expect(routes).toEqual([
      { type: 'local' },
      { type: 'peer', peer: 'b' },
      { type: 'peer', peer: 'a' },
      { type: 'local' },
    ]);
  });

  it('leaves out who is not connected, and a worker that is no voter', () => {
    const routes = [0, 1].map((attempt) => routeToVoter(seenBy('d', ['a']), 0, record('b'), attempt));
    expect(routes).toEqual([
      { type: 'peer', peer: 'a' },
      { type: 'peer', peer: 'a' },
    ]);
    expect(routeToVoter(seenBy('d', []), 0, record('b'), 0)).toMatchObject({ reason: 'noQuorum' });
  });
});
