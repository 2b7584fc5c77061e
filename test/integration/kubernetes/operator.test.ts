/** What the operator does for a user, one task at a time. */
import { describe, expect, it, jest } from '@jest/globals';
import { isPodReady } from '../../../operator/kubernetes/api-objects.js';
import type { VolumeClaim } from '../../../operator/kubernetes/api-objects.js';
import { ModelCluster } from './model-cluster.js';
import type { OperatorProcess } from './model-cluster.js';
import { SafetyJudge } from './safety-judge.js';
import { unfinished } from './scenarios.js';

// A busy machine is slow, and that is no failure.
jest.setTimeout(120_000);

interface Created {
  cluster: ModelCluster;
  judge: SafetyJudge;
  operator: OperatorProcess;
}

async function created(spec: object = {}): Promise<Created> {
  const cluster = new ModelCluster();
  const judge = new SafetyJudge(cluster);
  cluster.createCluster(spec);
  const operator = cluster.startOperator();
  const workers = cluster.wanted;
  await reached(cluster, () => cluster.condition('Ready') === 'True');
  expect(cluster.pods()).toHaveLength(workers);
  cluster.writeAll();
  return { cluster, judge, operator };
}

/** Answers how long it took. */
async function reached(cluster: ModelCluster, holds: () => boolean, withinMs = 120_000): Promise<number> {
  const took = await cluster.time.runUntil(holds, withinMs);
  if (took < 0)
    throw new Error(
      `${cluster.status.phase}: ${cluster.status.message}\n${cluster.log.slice(-20).join('\n')}`,
    );
  return took;
}

const images = (cluster: ModelCluster) => cluster.pods().map((pod) => pod.spec?.containers?.[0]?.image);

/** Of the operator that started first. */
function setOperatorPod(cluster: ModelCluster, status: object): void {
  const metadata = { name: 'operator-1' };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: {}, status: {} };
  const path = '/api/v1/namespaces/default/pods';
  const known = cluster.api.find('api/v1/pods', 'operator-1');
  if (known === undefined) cluster.api.handle({ method: 'POST', path, query: {}, body });
  const stored = cluster.api.find('api/v1/pods', 'operator-1');
  if (stored !== undefined) cluster.api.update(stored, (copy) => (copy.status = status));
}

function claims(cluster: ModelCluster): string[] {
  const all = cluster.api.all('api/v1/persistentvolumeclaims') as VolumeClaim[];
  return all.map((claim) => claim.spec?.resources?.requests?.storage ?? '');
}

function events(cluster: ModelCluster): string[] {
  return cluster.api.all('apis/events.k8s.io/v1/events').map((event) => String(event.reason));
}

describe('operator', () => {
  it('tells the story of a new cluster', async () => {
    const { cluster } = await created();
    await reached(cluster, () => cluster.status.phase === 'Running');
    expect(cluster.status).toMatchObject({
      observedGeneration: 1,
      ready: '4/4',
      replicated: '8/8',
      replicas: 4,
      readyWorkers: 4,
      message: 'All 8 partitions are served and fully replicated',
    });
    const conditions = cluster.status.conditions?.map(({ type, status }) => `${type}=${status}`);
    expect(conditions).toEqual([
      'Ready=True',
      'Available=True',
      'Progressing=False',
      'Degraded=False',
      'FullyReplicated=True',
      'UpgradeInProgress=False',
    ]);
    await cluster.time.run(2_000);
    expect(events(cluster)).toEqual(expect.arrayContaining(['Created', 'RingCreated', 'PartitionsReady']));
  });

  it('restarts workers one at a time, and none before it leads nothing', async () => {
    const { cluster, judge } = await created();
    const deleted: string[] = [];
    let unready = 0;
    cluster.api.listen(({ collection, object }) => {
      if (collection !== 'api/v1/pods') return;
      unready = Math.max(unready, cluster.pods().filter((pod) => !isPodReady(pod)).length);
      const { name, deletionTimestamp } = object.metadata;
      if (deletionTimestamp === undefined || deleted.includes(name)) return;
      deleted.push(name);
      const worker = cluster.workers.get(name);
      expect(worker?.ring?.partitions.some((_, partition) => worker.serves(partition))).toBe(false);
    });
    cluster.patchSpec({ image: 'kvorum:2' });
    await reached(cluster, () => cluster.condition('UpgradeInProgress') === 'True');
    await reached(cluster, () => cluster.condition('Ready') === 'True');
    expect(images(cluster)).toEqual(['kvorum:2', 'kvorum:2', 'kvorum:2', 'kvorum:2']);
    expect([...deleted].sort()).toEqual(['kv-worker-0', 'kv-worker-1', 'kv-worker-2', 'kv-worker-3']);
    expect(unready).toBe(1);
    expect(judge.violations).toEqual([]);
  });

  it('stops the rollout of an image that does not work, and goes on with a corrected one', async () => {
    const { cluster, judge } = await created();
    cluster.patchSpec({ image: 'kvorum:broken' });
    await reached(cluster, () => cluster.status.phase === 'Upgrade stopped');
    expect(cluster.status.message).toMatch(
      /^kv-worker-\d does not work with the new settings: ImagePullBackOff/,
    );
    await cluster.time.run(30_000);
    expect(images(cluster).filter((image) => image === 'kvorum:broken')).toHaveLength(1);
    expect(cluster.condition('Available')).toBe('True');
    expect(cluster.condition('Degraded')).toBe('True');
    cluster.patchSpec({ image: 'kvorum:3' });
    await reached(cluster, () => cluster.condition('Ready') === 'True');
    expect(images(cluster)).toEqual(['kvorum:3', 'kvorum:3', 'kvorum:3', 'kvorum:3']);
    expect(judge.violations).toEqual([]);
  });

  it('goes back to the image before', async () => {
    const { cluster, judge } = await created();
    cluster.patchSpec({ image: 'kvorum:broken' });
    await reached(cluster, () => cluster.status.phase === 'Upgrade stopped');
    cluster.patchSpec({ image: 'kvorum:1' });
    await reached(cluster, () => cluster.condition('Ready') === 'True');
    expect(new Set(images(cluster))).toEqual(new Set(['kvorum:1']));
    expect(judge.violations).toEqual([]);
  });

  it('begins with an image that does not work, and recovers with one that does', async () => {
    const cluster = new ModelCluster();
    cluster.createCluster({ image: 'kvorum:broken' });
    cluster.startOperator();
    await reached(cluster, () => (cluster.status.message ?? '').includes('ImagePullBackOff'));
    expect(cluster.status.phase).toBe('Creating');
    cluster.patchSpec({ image: 'kvorum:1' });
    await reached(cluster, () => cluster.condition('Ready') === 'True');
  });

  it('changes nothing while it is paused, yet fails over', async () => {
    const { cluster } = await created();
    cluster.patchSpec({ paused: true, image: 'kvorum:2', workers: 6 });
    await cluster.time.run(10_000);
    expect(cluster.pods()).toHaveLength(4);
    expect(new Set(images(cluster))).toEqual(new Set(['kvorum:1']));
    cluster.workloads.killNode(cluster.pods()[0]?.spec?.nodeName ?? '');
    await cluster.time.run(4_000);
    const served = cluster
      .ring()
      ?.partitions.filter(({ primary }, partition) => cluster.workers.get(primary.id)?.serves(partition));
    expect(served).toHaveLength(8);
    cluster.patchSpec({ paused: false });
    await reached(cluster, () => cluster.pods().length === 6);
  });

  it('takes the workers of a lost node out of service long before Kubernetes does', async () => {
    const { cluster } = await created();
    const pod = cluster.pods()[1];
    const isReady = () =>
      cluster.pods().some((other) => other.metadata.name === pod?.metadata.name && isPodReady(other));
    cluster.workloads.killNode(pod?.spec?.nodeName ?? '');
    expect(isReady()).toBe(true);
    expect(await reached(cluster, () => !isReady())).toBeLessThan(5_000);
    cluster.workloads.startNode(pod?.spec?.nodeName ?? '');
    await reached(cluster, () => cluster.condition('Ready') === 'True');
  });

  it('grows volumes, and says where it cannot', async () => {
    const { cluster } = await created();
    cluster.patchSpec({ storage: { size: '20Gi' } });
    await reached(cluster, () => claims(cluster).every((size) => size === '20Gi'));
    cluster.api.fixedClasses.add('standard');
    cluster.patchSpec({ storage: { size: '30Gi' } });
    await reached(cluster, () => cluster.condition('Degraded') === 'True');
    expect(cluster.status.conditions?.find(({ type }) => type === 'Degraded')?.message).toMatch(
      /cannot grow to 30Gi/,
    );
    expect(cluster.condition('Available')).toBe('True');
    expect(claims(cluster).every((size) => size === '20Gi')).toBe(true);
  });

  it('keeps removed workers in the ring until they have ended, and misses none of them', async () => {
    const { cluster, judge } = await created({ workers: 6 });
    const alone: string[] = [];
    cluster.api.listen(() => {
      const members = cluster.ring()?.members ?? {};
      for (const { id, alive } of cluster.workers.values()) if (alive && !(id in members)) alone.push(id);
    });
    cluster.patchSpec({ workers: 4 });
    await reached(cluster, () => cluster.condition('Ready') === 'True' && cluster.pods().length === 4);
    await reached(cluster, () => Object.keys(cluster.ring()?.members ?? {}).length === 4);
    await cluster.time.run(2_000);
    expect(alone).toEqual([]);
    expect(events(cluster)).not.toContain('WorkerLost');
    expect(judge.violations).toEqual([]);
  });

  it('never goes below what the partitions need', async () => {
    const { cluster } = await created();
    cluster.patchSpec({ workers: 2 });
    await cluster.time.run(10_000);
    expect(cluster.status.phase).toBe('Refused');
    expect(cluster.pods()).toHaveLength(4);
  });

  it('takes over within ten seconds when the active one is gone', async () => {
    const { cluster, operator } = await created();
    const standby = cluster.startOperator();
    await cluster.time.run(3_000);
    expect(standby.operator.isActive).toBe(false);
    expect(standby.operator.notReady()).toBeNull();
    operator.kill();
    expect(await reached(cluster, () => standby.operator.isActive)).toBeLessThan(10_000);
  });

  it('takes over within two seconds when the kubelet says that the active one has crashed', async () => {
    const { cluster, operator } = await created();
    const standby = cluster.startOperator();
    const ended = { terminated: { reason: 'Error', exitCode: 137 } };
    // It crashed once before, and runs again.
    setOperatorPod(cluster, {
      containerStatuses: [{ name: 'operator', state: { running: {} }, lastState: ended }],
    });
    await cluster.time.run(10_000);
    expect(standby.operator.isActive).toBe(false);
    operator.kill();
    const waiting = { reason: 'CrashLoopBackOff' };
    setOperatorPod(cluster, {
      containerStatuses: [{ name: 'operator', state: { waiting }, lastState: ended }],
    });
    expect(await reached(cluster, () => standby.operator.isActive)).toBeLessThan(2_000);
  });

  it('takes over at once when connections to the active one break, and are refused', async () => {
    const { cluster, operator } = await created();
    setOperatorPod(cluster, { podIP: 'operator-1', containerStatuses: [{ state: { running: {} } }] });
    const standby = cluster.startOperator();
    await cluster.time.run(10_000);
    expect(standby.operator.isActive).toBe(false);
    operator.kill();
    expect(await reached(cluster, () => standby.operator.isActive)).toBeLessThan(50);
  });

  it('takes over within two seconds when the pod of the active one was deleted by force', async () => {
    const { cluster, operator } = await created();
    setOperatorPod(cluster, { containerStatuses: [{ state: { running: {} } }] });
    const standby = cluster.startOperator();
    await cluster.time.run(10_000);
    expect(standby.operator.isActive).toBe(false);
    operator.kill();
    const pod = cluster.api.find('api/v1/pods', 'operator-1');
    if (pod !== undefined) cluster.api.erase(pod);
    expect(await reached(cluster, () => standby.operator.isActive)).toBeLessThan(2_000);
  });

  it('leaves an active one alone that is no pod', async () => {
    const { cluster } = await created();
    const standby = cluster.startOperator();
    await cluster.time.run(10_000);
    expect(standby.operator.isActive).toBe(false);
  });

  it('hands the Lease over at once when it is told to stop', async () => {
    const { cluster, operator } = await created();
    const standby = cluster.startOperator();
    await cluster.time.run(3_000);
    void operator.operator.stop();
    expect(await reached(cluster, () => standby.operator.isActive)).toBeLessThan(1_500);
    expect(operator.operator.isActive).toBe(false);
  });

  it('ends what it moves before it hands the Lease over', async () => {
    const { cluster, operator } = await created();
    const isBetween = () => cluster.ring()?.partitions.some(({ attempt, epoch }) => attempt > epoch) === true;
    cluster.patchSpec({ image: 'kvorum:2' });
    await reached(cluster, isBetween);
    void operator.operator.stop();
    await reached(cluster, () => !operator.operator.isActive);
    expect(isBetween()).toBe(false);
  });

  it('stops to act when it cannot renew its Lease, and goes on when it can', async () => {
    const { cluster, operator } = await created();
    operator.transport.down = true;
    await cluster.time.run(8_000);
    expect(operator.operator.isActive).toBe(false);
    operator.transport.down = false;
    await reached(cluster, () => operator.operator.isActive);
    await reached(cluster, () => cluster.condition('Ready') === 'True');
  });

  it('finds all data when it is installed anew over the volumes', async () => {
    const { cluster, operator } = await created({ workers: 6 });
    const ring = cluster.ring();
    const object = cluster.api.find('apis/kvorum.dev/v1alpha1/kvorumclusters', 'kv');
    operator.kill();
    if (object !== undefined) cluster.api.erase(object);
    await cluster.time.run(20_000);
    expect(cluster.pods()).toEqual([]);
    expect(cluster.ring()).toBeNull();
    expect(claims(cluster)).toHaveLength(6);
    // With fewer workers than before: those with a volume are all brought back first.
    cluster.createCluster({ workers: 4 });
    cluster.startOperator();
    await reached(cluster, () => cluster.condition('Ready') === 'True' && cluster.pods().length === 4);
    expect(cluster.ring()?.epochCounter).toBeGreaterThan((ring?.epochCounter ?? 0) + 2 ** 31);
    expect(cluster.lostWrites()).toEqual([]);
  });

  it('does not touch anything of a cluster that is being deleted', async () => {
    const { cluster, operator } = await created();
    const object = cluster.api.find('apis/kvorum.dev/v1alpha1/kvorumclusters', 'kv');
    if (object !== undefined) cluster.api.erase(object);
    await cluster.time.run(20_000);
    expect(cluster.api.all('apis/apps/v1/statefulsets')).toEqual([]);
    expect(cluster.ring()).toBeNull();
    expect(operator.operator.status()).toBeNull();
  });
});

describe('judge of the operator', () => {
  it('sees pods that are ended while they are needed', async () => {
    const { cluster, judge } = await created();
    for (const pod of cluster.pods().slice(0, 2)) cluster.api.terminate(pod, null);
    expect(judge.violations.length).toBeGreaterThan(0);
  });

  it('sees workers that are removed with what they hold', async () => {
    const { cluster, judge } = await created();
    const set = cluster.api.find('apis/apps/v1/statefulsets', 'kv-worker');
    if (set !== undefined)
      cluster.api.update(set, (copy) => (copy.spec = { ...(copy.spec as object), replicas: 3 }));
    expect(judge.violations[0]).toMatch(/kv-worker-3 is removed and still holds replicas/);
  });

  it('sees what is not finished', async () => {
    const { cluster } = await created();
    const scenario = { name: '', spec: {}, begin: () => undefined, workers: 5 };
    expect(unfinished(cluster, scenario)).toBe('4 pods are ready');
  });
});
