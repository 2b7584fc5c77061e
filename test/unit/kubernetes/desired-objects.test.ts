/** What the workers' pods are given, and what they are not. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { desiredStatefulSet, desiredSurroundings } from '../../../operator/kubernetes/desired-objects.js';
import { parseKvorumCluster, quantityOf } from '../../../operator/kubernetes/cluster-spec.js';
import { workerSettings } from '../../../node/config.js';
import { readConfiguration } from '../../../platform/configuration/configuration.js';
import { clusterOf } from '../../support/cluster-of.js';

interface Container {
  command: string[];
  env: { name: string; value?: string }[];
  securityContext: object;
}

interface Template {
  metadata: { labels: Record<string, string> };
  spec: {
    containers: Container[];
    securityContext: object;
    automountServiceAccountToken: boolean;
    topologySpreadConstraints: { topologyKey: string; whenUnsatisfiable: string }[];
    affinity: object;
  };
}

function templateOf(spec: object): Template {
  const facts = { replicas: 4, volumeSize: '10Gi', volumeClass: '' };
  const { body } = desiredStatefulSet(clusterOf(spec), facts);
  return (body as { spec: { template: Template } }).spec.template;
}

describe('objects of a cluster', () => {
  it('are called as people rely on, belong to the cluster, and are labelled', () => {
    const cluster = clusterOf({});
    const facts = { replicas: 4, volumeSize: '10Gi', volumeClass: '' };
    const objects = [...desiredSurroundings(cluster), desiredStatefulSet(cluster, facts)];
    expect(objects.map(({ resource, name }) => `${resource}/${name}`)).toEqual([
      'services/kv-worker',
      'services/kv',
      'poddisruptionbudgets/kv-worker',
      'statefulsets/kv-worker',
    ]);
    for (const { body } of objects) {
      expect(body).toMatchObject({
        metadata: {
          labels: { 'app.kubernetes.io/instance': 'kv', 'app.kubernetes.io/component': 'worker' },
          ownerReferences: [{ kind: 'KvorumCluster', name: 'kv', uid: 'uid-kv' }],
        },
      });
    }
    expect(objects[1]?.body).toMatchObject({ spec: { ports: [{ port: 80, targetPort: 'http' }] } });
    expect(objects[3]?.body).toMatchObject({
      spec: {
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'OnDelete' },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
    });
  });

  it('keep to the restricted level of Pod Security', () => {
    const { spec } = templateOf({});
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('are spread over nodes and zones, also where no node names a zone', () => {
    const { spec } = templateOf({});
    // No second one: on a node that lacks the label of one, a scheduler ignores all of them.
    expect(spec.topologySpreadConstraints).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ]);
    const notWithinZone = {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { podAffinityTerm: { topologyKey: 'topology.kubernetes.io/zone' } },
      ],
    };
    expect(spec.affinity).toMatchObject({ podAntiAffinity: notWithinZone });
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } };
    const own = { podAntiAffinity: {} };
    expect(templateOf({ pod: { affinity: { nodeAffinity } } }).spec.affinity).toMatchObject({
      nodeAffinity,
      podAntiAffinity: notWithinZone,
    });
    expect(templateOf({ pod: { affinity: own } }).spec.affinity).toEqual(own);
  });

  it('start the worker as the image does by itself', () => {
    const dockerfile = readFileSync(path.resolve(import.meta.dirname, '../../../../Dockerfile'), 'utf8');
    const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
    expect(templateOf({}).spec.containers[0]?.command).toEqual(JSON.parse(command));
  });

  it('give the worker settings that it takes', () => {
    const spec = { heartbeat: { intervalMs: 300, timeoutMs: 1_200 }, rebalance: { maxConcurrentCopies: 5 } };
    const env = templateOf(spec).spec.containers[0]?.env ?? [];
    const environment = Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'kv-worker-0']));
    const program = { name: 'worker', description: '' };
    const readFile = () => '';
    const read = readConfiguration(program, workerSettings, { commandArguments: [], environment, readFile });
    if (read.type !== 'values') throw new Error(JSON.stringify(read));
    expect(read.warnings).toEqual([]);
    expect(read.values).toMatchObject({
      id: 'kv-worker-0',
      clusterId: 'default/kv',
      port: 8_080,
      peerPort: 7_400,
      heartbeatMs: 300,
      suspicionMs: 1_200,
      copiesMax: 5,
      lingerMs: 5_000,
    });
  });

  it('change the template only with what concerns the pods', () => {
    const before = JSON.stringify(templateOf({}));
    const same = [
      { workers: 9 },
      { paused: true },
      { replacementDelaySeconds: 90 },
      { storage: { size: '99Gi' } },
    ];
    for (const spec of same) expect(JSON.stringify(templateOf(spec))).toBe(before);
    const different = [
      { image: 'kvorum:2' },
      { resources: { limits: { cpu: 1 } } },
      { pod: { labels: { a: 'b' } } },
    ];
    for (const spec of different) expect(JSON.stringify(templateOf(spec))).not.toBe(before);
    // What selectors are made of cannot be taken over.
    const stolen = templateOf({ pod: { labels: { 'app.kubernetes.io/component': 'mine' } } });
    expect(stolen.metadata.labels['app.kubernetes.io/component']).toBe('worker');
  });
});

describe('specification of a cluster', () => {
  it.each([
    ['10Gi', 10 * 2 ** 30],
    ['1.5Ti', 1.5 * 2 ** 40],
    ['500M', 5e8],
    ['7', 7],
    ['ten', null],
    ['-1Gi', null],
    ['', null],
  ])('reads the quantity %s', (text, bytes) => expect(quantityOf(text)).toBe(bytes));

  it.each<[object, RegExp]>([
    [{ workers: 2 }, /at least replicationFactor/],
    [{ partitions: 100 }, /power of two/],
    [{ storage: { size: 'large' } }, /is no size/],
    [{ heartbeat: { intervalMs: 2_000 } }, /suspicionMs/],
    [{ replacementDelaySeconds: 1 }, /replacementDelayMs/],
  ])('says what is wrong with %j', (spec, problem) => {
    expect(clusterOf(spec).problems.join('\n')).toMatch(problem);
  });

  it('needs an image from somewhere', () => {
    expect(parseKvorumCluster({ spec: {} } as object, null).problems.join()).toMatch(/image must be given/);
    expect(parseKvorumCluster({ spec: {} } as object, 'kvorum:1').spec.image).toBe('kvorum:1');
  });

  it.each([
    null,
    5,
    'text',
    [],
    { spec: null },
    { spec: { storage: 7, workers: 'four', pod: { labels: [1] } } },
  ])('takes %j without failing', (object) => {
    expect(() => parseKvorumCluster((object ?? {}) as object, null)).not.toThrow();
  });
});
