import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../../core/limits.js';
import { ScriptedWorker } from './harness.js';

const leasesWanted = (a: ScriptedWorker) => a.take('b', 'append').map(({ wantsLease }) => wantsLease);

describe('an attempt that no ring names', () => {
  it('asks for no lease, which the fence of the next attempt would have to wait for', () => {
    const a = new ScriptedWorker();
    a.lead(2);
    a.pass(2 * defaultLimits.leaseMs);
    a.settle();
    const wanted = leasesWanted(a);
    expect(wanted.length).toBeGreaterThan(2);
    expect(wanted).not.toContain(true);
  });

  it('asks for one as soon as a ring does', () => {
    const a = new ScriptedWorker();
    a.lead(2);
    a.settle();
    a.take('b', 'append');
    a.publish({ epoch: 2 });
    a.settle();
    expect(leasesWanted(a)).toContain(true);
  });
});
