/**
 * The CustomResourceDefinition: in step with the code always, and tried on a real API server where there is
 * one.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { limitsOfCluster, parseKvorumCluster } from '../../../operator/kubernetes/cluster-spec.js';
import { applyDefinition, readDefinition } from '../../../operator/kubernetes/custom-resource-definition.js';
import { explain } from '../../../operator/kubernetes/api-transport.js';
import { collectionPath, objectPath } from '../../../operator/kubernetes/resource-paths.js';
import { defaultLimits } from '../../../core/limits.js';
import { realCluster, targets } from './api-targets.js';
import type { Target } from './api-targets.js';

// A busy machine is slow, and that is no failure.
jest.setTimeout(120_000);

interface Schema {
  default?: unknown;
  properties?: Record<string, Schema>;
}

const definition = readDefinition(
  new URL('../../../../charts/kvorum/crds/kvorumclusters.yaml', import.meta.url).pathname,
);

/** What an empty spec becomes by the defaults of the schema. */
function defaulted(schema: Schema): unknown {
  if (schema.properties === undefined) return schema.default;
  const fields = Object.entries(schema.properties).map(([name, inner]) => [name, defaulted(inner)]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

describe('definition of KvorumCluster', () => {
  it('has the defaults that the operator has', () => {
    const { versions } = (definition as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } })
      .spec;
    const spec = versions[0]?.schema.openAPIV3Schema.properties?.spec;
    if (spec === undefined) throw new Error('there is no spec');
    const fromSchema = parseKvorumCluster({ spec: defaulted(spec) } as object, 'image');
    const fromCode = parseKvorumCluster({ spec: {} } as object, 'image');
    expect(fromSchema).toEqual(fromCode);
    expect(fromCode.problems).toEqual([]);
    expect(limitsOfCluster(fromCode.spec, defaultLimits)).toEqual(defaultLimits);
  });
});

const refusals: { what: string; spec: object; says: RegExp }[] = [
  {
    what: 'fewer workers than replicas',
    spec: { workers: 2 },
    says: /workers must be at least replicationFactor/,
  },
  { what: 'another number of partitions', spec: { partitions: 128 }, says: /partitions cannot be changed/ },
  { what: 'partitions that are no power of two', spec: { partitions: 100 }, says: /must be a power of two/ },
  {
    what: 'another replication factor',
    spec: { replicationFactor: 1 },
    says: /replicationFactor cannot be changed/,
  },
  {
    what: 'another storage class',
    spec: { storage: { className: 'other' } },
    says: /storage.className cannot be changed/,
  },
  {
    what: 'a hasty heartbeat',
    spec: { heartbeat: { timeoutMs: 600 } },
    says: /at least twice heartbeat.intervalMs/,
  },
];

if (realCluster !== undefined) {
  describe('definition of KvorumCluster on a real API server', () => {
    let target: Target;
    beforeAll(async () => {
      const real = targets.find(({ name }) => name === 'real');
      if (real === undefined) throw new Error('there is no real API server');
      target = await real.open();
      expect(await applyDefinition(target.transport, definition)).toBeNull();
      const { transport, namespace } = target;
      const body = {
        apiVersion: 'kvorum.dev/v1alpha1',
        kind: 'KvorumCluster',
        metadata: { name: 'kv' },
        spec: {},
      };
      const end = Date.now() + 20_000;
      for (;;) {
        const made = await transport.request({
          method: 'POST',
          path: collectionPath('kvorumclusters', namespace),
          body,
        });
        if (made.type === 'done') break;
        if (Date.now() > end) throw new Error(explain(made));
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }, 30_000);
    afterAll(() => target.close());

    const patch = (spec: object, suffix = '') =>
      target.transport.request({
        method: 'PATCH',
        path: objectPath('kvorumclusters', target.namespace, 'kv') + suffix,
        body: { spec },
        contentType: 'application/merge-patch+json',
      });

    it('fills in all defaults', async () => {
      const path = objectPath('kvorumclusters', target.namespace, 'kv');
      const reply = await target.transport.request({ method: 'GET', path });
      expect(reply).toMatchObject({
        body: {
          spec: {
            workers: 4,
            replicationFactor: 3,
            partitions: 256,
            storage: { size: '10Gi' },
            paused: false,
          },
        },
      });
    });

    it.each(refusals)('refuses $what, and says why', async ({ spec, says }) => {
      const reply = await patch(spec);
      expect(reply).toMatchObject({ type: 'refused', status: 422 });
      expect(explain(reply)).toMatch(says);
    });

    it('takes what is safe, and is scaled', async () => {
      expect(await patch({ storage: { size: '20Gi' }, image: 'kvorum:2' })).toMatchObject({ type: 'done' });
      expect(await patch({ replicas: 6 }, '/scale')).toMatchObject({ type: 'done' });
      expect(await patch({ replicas: 2 }, '/scale')).toMatchObject({ type: 'refused', status: 422 });
      const path = objectPath('kvorumclusters', target.namespace, 'kv');
      const reply = await target.transport.request({ method: 'GET', path });
      expect(reply).toMatchObject({ body: { spec: { workers: 6 } } });
    });
  });
}
