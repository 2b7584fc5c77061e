/** Whose turn it is to be restarted, as a table. */
import { describe, expect, it } from '@jest/globals';
import { planCluster } from '../../../operator/kubernetes/plan-cluster.js';
import { observed } from './observed.js';
import type { Sketch } from './observed.js';

const old = { outdated: true };
const rows: { name: string; sketch: Sketch; steps: string[]; awaited?: RegExp; stuck?: boolean }[] = [
  { name: 'all up to date', sketch: { workers: [{}, {}, {}, {}] }, steps: [] },
  {
    name: 'fewest primaries first',
    sketch: { workers: [{ ...old, primaries: 3 }, { ...old, primaries: 1 }, old, { ...old, primaries: 0 }] },
    steps: ['mark kv-worker-3'],
  },
  {
    name: 'none while a partition lacks a replica',
    sketch: { workers: [old, old, old, old], underReplicated: 1 },
    steps: [],
    awaited: /fully replicated/,
  },
  {
    name: 'none while another worker is lost',
    sketch: { workers: [old, old, { state: 'lost' }, old] },
    steps: [],
    awaited: /kv-worker-2, which is lost/,
  },
  {
    name: 'none while another pod is not ready',
    sketch: { workers: [old, old, { pod: 'unready' }, old] },
    steps: [],
    awaited: /kv-worker-2 to become ready/,
  },
  {
    name: 'none while a pod is missing',
    sketch: { workers: [old, { pod: 'none' }, {}, old] },
    steps: [],
    awaited: /a pod of kv-worker-1/,
  },
  {
    name: 'none while a worker is drained',
    sketch: { spec: { workers: 4 }, workers: [old, old, old, old, { state: 'draining' }] },
    steps: [],
    awaited: /kv-worker-4 to be drained/,
  },
  {
    name: 'none before the controller has heard from all',
    sketch: { workers: [old, old, old, old], settled: false },
    steps: [],
  },
  { name: 'none while paused', sketch: { spec: { paused: true }, workers: [old, old, old, old] }, steps: [] },
  {
    name: 'the marked one waits until it leads nothing',
    sketch: {
      workers: [{ ...old, primaries: 2, state: 'leaving' }, old, old, old],
      mark: 'kv-worker-0/pod-0',
    },
    steps: [],
    awaited: /kv-worker-0 to hand over 2 primaries/,
  },
  {
    name: 'the marked one goes when it leads nothing',
    sketch: {
      workers: [{ ...old, primaries: 0, state: 'leaving' }, old, old, old],
      mark: 'kv-worker-0/pod-0',
    },
    steps: ['delete kv-worker-0 pod-0 100'],
  },
  {
    name: 'the marked one stays while another worker is away',
    sketch: {
      workers: [{ ...old, primaries: 0, state: 'leaving' }, { state: 'suspected' }, old, old],
      mark: 'kv-worker-0/pod-0',
    },
    steps: [],
    awaited: /kv-worker-1, which is suspected/,
  },
  {
    name: 'the marked one stays while a partition lacks a replica',
    sketch: {
      workers: [{ ...old, primaries: 0, state: 'leaving' }, {}, old, old],
      mark: 'kv-worker-0/pod-0',
      underReplicated: 2,
    },
    steps: [],
    awaited: /fully replicated/,
  },
  {
    name: 'the mark stays until the new pod is level',
    sketch: { workers: [{ state: 'ready' }, old, old, old], mark: 'kv-worker-0/before', underReplicated: 1 },
    steps: [],
  },
  {
    name: 'the mark goes when all is well again',
    sketch: { workers: [{}, old, old, old], mark: 'kv-worker-0/before' },
    steps: ['unmark kv-worker-0'],
  },
  {
    name: 'the mark goes when the settings went back',
    sketch: { workers: [{}, {}, {}, {}], mark: 'kv-worker-0/pod-0' },
    steps: ['unmark kv-worker-0'],
  },
  {
    name: 'the mark of a worker that is no more goes',
    sketch: { workers: [{}, {}, {}], mark: 'kv-worker-5/pod-5' },
    steps: ['unmark kv-worker-5'],
  },
  {
    name: 'a new pod that does not work stops it',
    sketch: { workers: [{ pod: 'broken', state: 'lost' }, old, old, old], mark: 'kv-worker-0/before' },
    steps: [],
    awaited: /kv-worker-0 does not work with the new settings: CrashLoopBackOff: back-off/,
    stuck: true,
  },
  {
    name: 'one that does not work and is outdated goes at once',
    sketch: {
      workers: [{ ...old, pod: 'broken', state: 'lost' }, old, old, old],
      mark: 'kv-worker-0/before',
    },
    steps: ['delete kv-worker-0 pod-0 100'],
  },
  {
    name: 'several that never worked go at once',
    sketch: {
      noRing: true,
      workers: [1, 2, 3].map(() => ({
        ...old,
        pod: 'broken' as const,
        state: 'starting' as const,
        holds: false,
      })),
    },
    steps: ['delete kv-worker-0 pod-0 100', 'delete kv-worker-1 pod-1 101', 'delete kv-worker-2 pod-2 102'],
  },
  {
    name: 'one that is not ready though its worker lives takes its turn first',
    sketch: { workers: [{ ...old, pod: 'unready', primaries: 4 }, old, old, old] },
    steps: ['mark kv-worker-0'],
  },
];

describe('rollout', () => {
  it.each(rows)('$name', ({ sketch, steps, awaited, stuck = false }) => {
    const { rollout } = planCluster(observed(sketch));
    const told = rollout.steps.map((step) => {
      if (step.type === 'deletePod') return `delete ${step.id} ${step.uid} ${step.resourceVersion}`;
      return step.type === 'mark' ? `mark ${step.id}` : `unmark ${step.mark.pod}`;
    });
    expect(told).toEqual(steps);
    if (awaited !== undefined) expect(rollout.awaited).toMatch(awaited);
    expect(rollout.stuck).toBe(stuck);
  });

  it('asks the marked worker to hand over, and nobody else', () => {
    const { expected } = planCluster(observed({ workers: [old, old, old, old], mark: 'kv-worker-2/pod-2' }));
    expect(expected.map(({ wish }) => wish)).toEqual(['stay', 'stay', 'restart', 'stay']);
  });
});
