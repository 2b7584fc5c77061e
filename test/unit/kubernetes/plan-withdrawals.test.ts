/** Lost workers are taken out of service, unless it is rather the operator that is cut off. */
import { describe, expect, it } from '@jest/globals';
import { planCluster } from '../../../operator/kubernetes/plan-cluster.js';
import { observed } from './observed.js';
import type { Sketch } from './observed.js';

const withdrawn = (sketch: Sketch) => planCluster(observed(sketch)).withdrawals.map(({ pod }) => pod);

describe('withdrawal', () => {
  it('sets the condition Ready of a lost worker to False, and leaves the others as they are', () => {
    const { withdrawals } = planCluster(observed({ workers: [{}, { state: 'lost' }, {}, {}] }));
    expect(withdrawals).toEqual([
      {
        pod: 'kv-worker-1',
        resourceVersion: '101',
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          {
            type: 'Ready',
            status: 'False',
            reason: 'KvorumWorkerLost',
            message: 'The operator cannot reach it',
            lastTransitionTime: '2026-01-01T01:00:00Z',
          },
        ],
      },
    ]);
  });

  it('takes both workers of a lost node, as long as half of all can be reached', () => {
    expect(withdrawn({ workers: [{ state: 'lost' }, {}, { state: 'lost' }, {}] })).toHaveLength(2);
    expect(
      withdrawn({ workers: [{ state: 'lost' }, {}, { state: 'lost' }, { state: 'suspected' }] }),
    ).toEqual([]);
  });

  it('is not repeated, and concerns nobody who is going anyway', () => {
    const lost = (pod: 'withdrawn' | 'unready' | 'terminating') => ({ state: 'lost', pod }) as const;
    expect(withdrawn({ workers: [{}, {}, {}, lost('withdrawn')] })).toEqual([]);
    expect(withdrawn({ workers: [{}, {}, {}, lost('unready')] })).toEqual([]);
    expect(withdrawn({ workers: [{}, {}, {}, lost('terminating')] })).toEqual([]);
  });

  it('waits until the controller has had time to hear from everyone', () => {
    expect(withdrawn({ workers: [{}, { state: 'lost' }, {}, {}], settled: false })).toEqual([]);
  });

  it('goes on while the cluster is paused, as failover does', () => {
    expect(withdrawn({ spec: { paused: true }, workers: [{}, { state: 'lost' }, {}, {}] })).toHaveLength(1);
  });

  it('does not make an outdated pod one that may be deleted out of turn', () => {
    const steps = (pod: 'withdrawn' | 'unready') =>
      planCluster(observed({ workers: [{}, {}, {}, { state: 'lost', pod, outdated: true }] })).rollout.steps;
    expect(steps('unready').map(({ type }) => type)).toEqual(['deletePod']);
    expect(steps('withdrawn').map(({ type }) => type)).not.toContain('deletePod');
  });
});
