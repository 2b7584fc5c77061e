/** What users are told of replication while replicas move, and what the rollout goes by. */
import { describe, expect, it } from '@jest/globals';
import { planCluster } from '../../../operator/kubernetes/plan-cluster.js';
import { planStatus } from '../../../operator/kubernetes/plan-status.js';
import { observed } from './observed.js';
import type { Sketch, WorkerSketch } from './observed.js';

const ready = { state: 'ready' } as const;

function told(sketch: Partial<Sketch>) {
  const observation = observed({ workers: [ready, ready, ready, ready], ...sketch });
  const { view, scale, rollout } = planCluster(observation);
  const status = planStatus({ observation, view, scale, rollout, refusals: [] });
  const condition = (type: string) => status?.conditions.find((known) => known.type === type)?.status;
  const { phase, replicated, partitions } = status ?? {};
  return { phase, replicated, partitions, full: condition('FullyReplicated'), bad: condition('Degraded') };
}

describe('the status', () => {
  it('is not disturbed by planned changes that were made just now', () => {
    expect(told({ underReplicated: 3, settling: 3 })).toMatchObject({
      phase: 'Running',
      replicated: '8/8',
      partitions: { total: 8, fullyReplicated: 8, underReplicated: 0 },
      full: 'True',
      bad: 'False',
    });
  });

  it('tells of a replica that is missing besides them', () => {
    expect(told({ underReplicated: 3, settling: 2 })).toMatchObject({
      phase: 'Repairing',
      replicated: '7/8',
      partitions: { total: 8, fullyReplicated: 7, underReplicated: 1 },
      full: 'False',
      bad: 'True',
    });
  });
});

describe('a worker that is wanted again', () => {
  const gone = { state: 'lost', holds: false } as const;
  const withLast = (last: WorkerSketch) => told({ workers: [ready, ready, ready, ready, last] });

  it('is a matter of scaling, as long as its new pod may still come up', () => {
    expect(withLast({ ...gone, pod: 'unready' })).toMatchObject({ phase: 'Scaling up', bad: 'False' });
  });

  it.each<[string, WorkerSketch]>([
    ['its pod is broken', { ...gone, pod: 'broken' }],
    ['its pod ends', { ...gone, pod: 'terminating' }],
    ['it has no pod', { ...gone, pod: 'none' }],
    ['it has a share of the ring', { state: 'lost', pod: 'unready' }],
  ])('is missing where %s', (_why, last) => {
    expect(withLast(last)).toMatchObject({ phase: 'Degraded', bad: 'True' });
  });
});

describe('the rollout', () => {
  it('takes no worker away before all partitions have been seen level', () => {
    const workers = [{ ...ready, outdated: true }, ready, ready, ready];
    const steps = (settling: number) =>
      planCluster(observed({ workers, underReplicated: settling, settling })).rollout.steps;
    expect(steps(1)).toEqual([]);
    expect(steps(0)).toHaveLength(1);
  });
});
