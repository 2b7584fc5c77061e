/** What the operator relies on of an API server, through the shipping transport. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ApiObject, ConfigMap, Lease } from '../../../operator/kubernetes/api-objects.js';
import { isNotFound, statusOf } from '../../../operator/kubernetes/api-transport.js';
import type { ApiReply, ContentType } from '../../../operator/kubernetes/api-transport.js';
import { ConfigMapRingStore } from '../../../operator/kubernetes/config-map-ring-store.js';
import { desiredStatefulSet, desiredSurroundings } from '../../../operator/kubernetes/desired-objects.js';
import type { DesiredObject } from '../../../operator/kubernetes/desired-objects.js';
import { LeaseElection } from '../../../operator/kubernetes/lease-election.js';
import { ListWatch } from '../../../operator/kubernetes/list-watch.js';
import { collectionPath, objectPath } from '../../../operator/kubernetes/resource-paths.js';
import { SystemTimers } from '../../../operator/system-timers.js';
import type { LoadResult, Revision, SwapResult } from '../../../operator/ports.js';
import { ringOf } from '../../support/ring-of.js';
import { clusterOf } from '../../support/cluster-of.js';
import { targets } from './api-targets.js';
import type { Target } from './api-targets.js';

// A busy machine is slow, and that is no failure.
jest.setTimeout(120_000);

const waitMs = 60_000;

async function eventually(holds: () => boolean): Promise<void> {
  const end = Date.now() + waitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function versionOf(reply: ApiReply): string {
  return reply.type === 'unanswered' ? '' : ((reply.body as ApiObject).metadata?.resourceVersion ?? '');
}

/** Its owner does not exist here: it would be cleared away. */
function withoutOwner(desired: DesiredObject): DesiredObject {
  const { metadata, ...rest } = desired.body as { metadata: Record<string, unknown> };
  const { ownerReferences: _owners, ...kept } = metadata;
  return { ...desired, body: { ...rest, metadata: kept } };
}

describe.each(targets)('contract of the API server ($name)', ({ open }) => {
  let target: Target;
  beforeAll(async () => {
    target = await open();
  });
  afterAll(() => target.close());

  const send = (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    contentType?: ContentType,
  ) => {
    const query: Record<string, string> =
      method === 'GET' || method === 'DELETE' ? {} : { fieldManager: 'contract' };
    if (contentType === 'application/apply-patch+yaml') query.force = 'true';
    return target.transport.request({
      method,
      path,
      query,
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    });
  };
  const configMap = (name: string, data: Record<string, string>, metadata: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...metadata },
    data,
  });
  const mapPath = (name: string) => objectPath('configmaps', target.namespace, name);
  const maps = () => collectionPath('configmaps', target.namespace);

  it('says of what is not there that it is not there, by name', async () => {
    const reply = await send('GET', mapPath('nowhere'));
    expect(isNotFound(reply, 'nowhere')).toBe(true);
    expect(isNotFound(reply, 'elsewhere')).toBe(false);
  });

  it('makes a thing once', async () => {
    expect((await send('POST', maps(), configMap('once', { a: '1' }))).type).toBe('done');
    const again = await send('POST', maps(), configMap('once', { a: '2' }));
    expect(again).toMatchObject({ type: 'refused', status: 409 });
    if (again.type === 'refused') expect(statusOf(again.body).reason).toBe('AlreadyExists');
  });

  it('replaces only the version that was read', async () => {
    const made = await send('POST', maps(), configMap('versions', { a: '1' }));
    const resourceVersion = versionOf(made);
    const next = await send(
      'PUT',
      mapPath('versions'),
      configMap('versions', { a: '2' }, { resourceVersion }),
    );
    expect(next.type).toBe('done');
    const stale = await send(
      'PUT',
      mapPath('versions'),
      configMap('versions', { a: '3' }, { resourceVersion }),
    );
    expect(stale).toMatchObject({ type: 'refused', status: 409 });
    if (stale.type === 'refused') expect(statusOf(stale.body).reason).toBe('Conflict');
    const now = await send('GET', mapPath('versions'));
    expect(now).toMatchObject({ body: { data: { a: '2' } } });
  });

  it('merges a patch under a version, and takes away what is null', async () => {
    const made = await send(
      'POST',
      maps(),
      configMap('patched', {}, { annotations: { turn: 'a', kept: 'b' } }),
    );
    const patch = (resourceVersion: string, turn: string | null) =>
      send(
        'PATCH',
        mapPath('patched'),
        { metadata: { resourceVersion, annotations: { turn } } },
        'application/merge-patch+json',
      );
    const first = await patch(versionOf(made), 'c');
    expect(first).toMatchObject({
      type: 'done',
      body: { metadata: { annotations: { turn: 'c', kept: 'b' } } },
    });
    expect(await patch(versionOf(made), 'd')).toMatchObject({ type: 'refused', status: 409 });
    const gone = await patch(versionOf(first), null);
    expect(gone.type === 'done' && (gone.body as ApiObject).metadata?.annotations).toEqual({ kept: 'b' });
  });

  it('applies: makes, changes, takes away what is not applied any more', async () => {
    const apply = (data: Record<string, string>, metadata: object = {}) =>
      send('PATCH', mapPath('applied'), configMap('applied', data, metadata), 'application/apply-patch+yaml');
    const made = await apply({ a: '1', b: '1' });
    expect(made).toMatchObject({ type: 'done', status: 201 });
    const same = await apply({ a: '1', b: '1' });
    expect(versionOf(same)).toBe(versionOf(made));
    const less = await apply({ a: '2' });
    expect(less.type === 'done' && (less.body as ConfigMap).data).toEqual({ a: '2' });
    expect(await apply({ a: '3' }, { resourceVersion: versionOf(made) })).toMatchObject({
      type: 'refused',
      status: 409,
    });
    expect((await apply({ a: '3' }, { resourceVersion: versionOf(less) })).type).toBe('done');
  });

  it('deletes only the one that is meant', async () => {
    const made = await send('POST', maps(), configMap('meant', {}));
    const remove = (preconditions: object) =>
      send('DELETE', mapPath('meant'), { apiVersion: 'v1', kind: 'DeleteOptions', preconditions });
    expect(await remove({ uid: 'another' })).toMatchObject({ type: 'refused', status: 409 });
    expect(await remove({ resourceVersion: '1' })).toMatchObject({ type: 'refused', status: 409 });
    const uid = made.type === 'done' ? (made.body as ApiObject).metadata?.uid : '';
    expect((await remove({ uid, resourceVersion: versionOf(made) })).type).toBe('done');
    expect(isNotFound(await send('GET', mapPath('meant')), 'meant')).toBe(true);
  });

  it('takes the objects of a cluster, and refuses another volume template', async () => {
    const cluster = clusterOf({}, target.namespace);
    const facts = { replicas: 0, volumeSize: '1Gi', volumeClass: '' };
    for (const { resource, name, body } of [
      ...desiredSurroundings(cluster),
      desiredStatefulSet(cluster, facts),
    ].map(withoutOwner)) {
      const path = objectPath(resource, target.namespace, name);
      expect(await send('PATCH', path, body, 'application/apply-patch+yaml')).toMatchObject({ status: 201 });
      const again = await send('PATCH', path, body, 'application/apply-patch+yaml');
      expect(again).toMatchObject({ status: 200 });
    }
    const set = (changed: object) => withoutOwner(desiredStatefulSet(cluster, { ...facts, ...changed }));
    const { name, body } = set({ volumeSize: '2Gi' });
    const path = objectPath('statefulsets', target.namespace, name);
    const refused = await send('PATCH', path, body, 'application/apply-patch+yaml');
    expect(refused).toMatchObject({ type: 'refused', status: 422 });
    const more = await send('PATCH', path, set({ replicas: 1 }).body, 'application/apply-patch+yaml');
    expect(more).toMatchObject({
      type: 'done',
      body: { metadata: { generation: 2 }, spec: { replicas: 1 } },
    });
    await send('PATCH', path, set({}).body, 'application/apply-patch+yaml');
  });

  it('shows what changes, and catches up after versions that are gone', async () => {
    const seen = new Map<string, string | undefined>();
    const watch: ListWatch<ConfigMap> = new ListWatch<ConfigMap>({
      path: maps(),
      query: { labelSelector: 'watched=yes' },
      transport: target.transport,
      timers: new SystemTimers(),
      changed: () => {
        seen.clear();
        for (const map of watch.all()) seen.set(map.metadata?.name ?? '', map.data?.a);
      },
      failed: () => undefined,
    });
    watch.start();
    await eventually(() => watch.synced);
    const labels = { watched: 'yes' };
    await send('POST', maps(), configMap('seen', { a: '1' }, { labels }));
    await send('POST', maps(), configMap('unseen', { a: '1' }));
    await eventually(() => seen.get('seen') === '1');
    await send('PUT', mapPath('seen'), configMap('seen', { a: '2' }, { labels }));
    await eventually(() => seen.get('seen') === '2');
    expect([...seen.keys()]).toEqual(['seen']);
    await send('DELETE', mapPath('seen'));
    await eventually(() => seen.size === 0);
    watch.stop();
  });

  it('tells a watch from too long ago that it is gone', async () => {
    await send('POST', maps(), configMap('history', {}));
    const query = { resourceVersion: target.oldVersion(), allowWatchBookmarks: 'true' };
    const told: string[] = [];
    let status = 0;
    const end = target.transport.watch(maps(), query, {
      event: ({ type, object }) => told.push(`${type} ${(object as { code?: number }).code ?? ''}`),
      ended: (code) => (status = code),
    });
    await eventually(() => told.length > 0 || status > 0);
    end();
    expect(told[0] === 'ERROR 410' || status === 410).toBe(true);
  });

  it('keeps the ring document by compare-and-swap', async () => {
    const owner = await send('POST', maps(), configMap('owner', {}));
    const uid = owner.type === 'done' ? ((owner.body as ApiObject).metadata?.uid ?? '') : '';
    const store = new ConfigMapRingStore({
      transport: target.transport,
      namespace: target.namespace,
      name: 'kv-ring',
      labels: {},
      owner: { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid },
      timeoutMs: 5_000,
    });
    const load = () => new Promise<LoadResult>((resolve) => store.load(resolve));
    const swap = (expected: Revision | null, version: number) =>
      new Promise<SwapResult>((resolve) => store.swap(expected, ringOf(version, 1, 'a'), resolve));
    expect(await load()).toEqual({ status: 'absent' });
    expect(await swap('12345', 1)).toEqual({ status: 'conflict' });
    const first = await swap(null, 1);
    if (first.status !== 'swapped') throw new Error(JSON.stringify(first));
    expect(await swap(null, 2)).toEqual({ status: 'conflict' });
    const second = await swap(first.revision, 2);
    expect(second.status).toBe('swapped');
    expect(await swap(first.revision, 3)).toEqual({ status: 'conflict' });
    const [once, again] = [await load(), await load()];
    expect(once).toMatchObject({ status: 'loaded', record: ringOf(2, 1, 'a') });
    // Nothing has changed: nobody has to look at it anew.
    expect(again.status === 'loaded' && once.status === 'loaded' && again.record === once.record).toBe(true);
  });

  it('has one holder of a Lease, and another at once when it is given back', async () => {
    const told: string[] = [];
    const elections = ['one', 'two'].map(
      (identity) =>
        new LeaseElection({
          transport: target.transport,
          timers: new SystemTimers(),
          namespace: target.namespace,
          name: 'kv-operator',
          labels: {},
          owner: () => null,
          identity,
          hasEnded: () => Promise.resolve(false),
          watchHolder: () => () => undefined,
          durationMs: 50_000,
          retryMs: 100,
          acquired: () => told.push(identity),
          lost: () => told.push(`${identity} lost`),
          following: () => undefined,
        }),
    );
    for (const election of elections) election.start();
    await eventually(() => told.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told).toHaveLength(1);
    await elections.find((election) => election.isActive)?.stop();
    await eventually(() => told.length > 1);
    const lease = await send('GET', objectPath('leases', target.namespace, 'kv-operator'));
    expect(lease.type === 'done' && (lease.body as Lease).spec?.holderIdentity).toBe(told[1]);
    for (const election of elections) await election.stop();
  });
});
