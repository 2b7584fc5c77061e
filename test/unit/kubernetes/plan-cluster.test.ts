/** How many workers, who they are and where, which volumes grow, which are given up. */
import { describe, expect, it } from '@jest/globals';
import type { StatefulSet, VolumeClaim } from '../../../operator/kubernetes/api-objects.js';
import { largerThanAsked } from '../../../operator/kubernetes/plan-volumes.js';
import { planCluster } from '../../../operator/kubernetes/plan-cluster.js';
import { observed } from './observed.js';
import type { Sketch } from './observed.js';

function claim(ordinal: number, fields: { size?: string; node?: string; phase?: string } = {}): VolumeClaim {
  const { size = '10Gi', node, phase = 'Bound' } = fields;
  return {
    metadata: {
      name: `data-kv-worker-${ordinal}`,
      uid: `claim-${ordinal}`,
      ...(node === undefined ? {} : { annotations: { 'volume.kubernetes.io/selected-node': node } }),
    },
    spec: { resources: { requests: { storage: size } } },
    status: { phase, capacity: { storage: size } },
  };
}

const replicasOf = (sketch: Sketch) => {
  const body = planCluster(observed(sketch)).statefulSet?.body as StatefulSet | undefined;
  return body?.spec?.replicas;
};

describe('scale', () => {
  it('begins with what is asked for', () => {
    expect(replicasOf({ spec: { workers: 5 }, workers: [], replicas: null, noRing: true })).toBe(5);
  });

  it('brings everyone back who has a volume, while nobody knows who holds what', () => {
    const claims = [claim(0), claim(5), { metadata: { name: 'data-other-worker-9' } }];
    expect(replicasOf({ spec: { workers: 4 }, workers: [], replicas: null, noRing: true, claims })).toBe(6);
  });

  it('does not shrink while nobody knows who holds what', () => {
    const workers = [{}, {}, {}, {}, {}, {}];
    expect(replicasOf({ spec: { workers: 4 }, workers, noRing: true })).toBe(6);
  });

  it('keeps whoever holds something, and asks them to give it up', () => {
    const sketch = { spec: { workers: 3 }, workers: [{}, {}, {}, { holds: false }, {}, { holds: false }] };
    expect(replicasOf(sketch)).toBe(5);
    const { scale, expected } = planCluster(observed(sketch));
    expect(scale.shrinks).toBe(true);
    // The last one holds nothing, yet nothing is to be given to it while it is there.
    expect(expected.map(({ wish }) => wish)).toEqual(['stay', 'stay', 'stay', 'remove', 'remove', 'remove']);
  });

  it('keeps those that end known to the others, who can be reached through them until they have', () => {
    const workers: Sketch['workers'] = [{}, {}, {}, { holds: false, pod: 'terminating' }];
    const { expected, scale, view } = planCluster(observed({ spec: { workers: 3 }, workers, replicas: 3 }));
    expect(expected.map(({ wish }) => wish)).toEqual(['stay', 'stay', 'stay', 'remove']);
    expect(scale.leaving).toEqual([]);
    expect(view.workers).toHaveLength(3);
  });

  it('brings back a worker that still holds something and was removed by somebody else', () => {
    expect(replicasOf({ spec: { workers: 3 }, workers: [{}, {}, {}, { pod: 'none' }], replicas: 3 })).toBe(4);
  });

  it('never asks for fewer than the partitions need', () => {
    const { statefulSet, scale } = planCluster(observed({ spec: { workers: 2 }, workers: [{}, {}, {}] }));
    expect(statefulSet).toBeNull();
    expect(scale.wanted).toBe(3);
  });

  it('leaves the template of the volumes as it was made', () => {
    const observation = observed({ spec: { storage: { size: '20Gi' } }, workers: [{}, {}, {}] });
    const template = { spec: { resources: { requests: { storage: '10Gi' } }, storageClassName: 'fast' } };
    const spec = { ...observation.statefulSet?.spec, volumeClaimTemplates: [template] };
    const { statefulSet } = planCluster({
      ...observation,
      statefulSet: { ...observation.statefulSet, spec },
    });
    expect(statefulSet?.body).toMatchObject({ spec: { volumeClaimTemplates: [template] } });
  });
});

describe('workers', () => {
  it('are where their pods are, or where they were', () => {
    const { expected } = planCluster(
      observed({
        workers: [{ pod: 'none' }, { ip: '10.0.0.2' }, { pod: 'none' }, { pod: 'unready', ip: '10.0.0.4' }],
      }),
    );
    expect(expected.map(({ host }) => host)).toEqual([
      '10.0.0.9',
      '10.0.0.2',
      'kv-worker-2.kv-worker.default',
      '10.0.0.4',
    ]);
    expect(expected.map(({ ready }) => ready)).toEqual([false, true, false, false]);
    expect(expected[1]).toMatchObject({ id: 'kv-worker-1', peerPort: 7_400, clientPort: 8_080 });
  });

  it('are in their zones where there are enough of them, else each node is one', () => {
    const workers = [{ node: 'n1' }, { node: 'n2' }, { node: 'n3' }, { pod: 'none' as const }];
    const zones = (labels: Record<string, string>) =>
      planCluster(observed({ workers, zones: labels })).expected.map(({ zone }) => zone);
    expect(zones({ n1: 'a', n2: 'b', n3: 'c' })).toEqual(['a', 'b', 'c', '']);
    expect(zones({ n1: 'a', n2: 'b', n3: 'b' })).toEqual(['n1', 'n2', 'n3', '']);
    expect(zones({})).toEqual(['n1', 'n2', 'n3', '']);
  });
});

describe('volumes', () => {
  it('grow to what is asked for, once they are there', () => {
    const claims = [claim(0), claim(1, { size: '20Gi' }), claim(2, { phase: 'Pending' })];
    const { growth } = planCluster(
      observed({ spec: { storage: { size: '20Gi' } }, workers: [{}, {}, {}], claims }),
    );
    expect(growth).toEqual([{ claim: 'data-kv-worker-0', from: '10Gi', to: '20Gi' }]);
  });

  it('never shrink, which is said; what was asked for and refused can be taken back', () => {
    const claims = [claim(0), claim(1, { size: '20Gi' })];
    const told = (size: string) =>
      largerThanAsked(observed({ spec: { storage: { size } }, workers: [{}, {}], claims }));
    expect(told('10Gi')).toEqual(['volume data-kv-worker-1 stays at 20Gi, above 10Gi: volumes never shrink']);
    expect(told('20Gi')).toEqual([]);
    expect(planCluster(observed({ workers: [{}, {}], claims })).growth).toEqual([]);
  });

  it.each<{ name: string; change: Partial<Sketch>; given: boolean }>([
    { name: 'its node is gone', change: {}, given: true },
    { name: 'its node is there', change: { zones: { gone: '', n2: '' } }, given: false },
    { name: 'nobody knows which nodes there are', change: { zones: undefined }, given: false },
    {
      name: 'its pod is on a node',
      change: { workers: [{ pod: 'unready', state: 'lost', node: 'n2' }, {}, {}] },
      given: false,
    },
    { name: 'its worker speaks', change: { workers: [{ pod: 'unready' }, {}, {}] }, given: false },
    { name: 'the controller has not heard from all', change: { settled: false }, given: false },
    { name: 'there is no ring', change: { noRing: true }, given: false },
    { name: 'all is paused', change: { spec: { paused: true } }, given: false },
  ])('are given up or not: $name', ({ change, given }) => {
    const claims = [claim(0, { node: 'gone' }), claim(1, { node: 'n2' })];
    const workers: Sketch['workers'] = [{ pod: 'unready', state: 'lost' }, { node: 'n2' }, { node: 'n2' }];
    const { lostVolumes } = planCluster(observed({ workers, claims, zones: { n2: '' }, ...change }));
    expect(lostVolumes.map((lost) => lost.claim)).toEqual(given ? ['data-kv-worker-0'] : []);
  });
});
