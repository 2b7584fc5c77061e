/** The objects of the cluster under test, through kubectl, in a namespace of the run's own. */
import { run, waitFor } from './commands.js';

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
}

export interface KvorumClusterView {
  metadata: { generation: number };
  spec: { workers: number; image: string };
  status?: {
    observedGeneration?: number;
    phase?: string;
    message?: string;
    readyWorkers?: number;
    replicas?: number;
    partitions?: Record<string, number>;
    conditions?: Condition[];
  };
}

export interface PodView {
  metadata: { name: string; uid: string; deletionTimestamp?: string; labels: Record<string, string> };
  spec: { nodeName?: string; containers: { image: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions?: Condition[];
    containerStatuses?: { image: string; restartCount: number; imageID: string }[];
  };
}

interface List<T> {
  items: T[];
}

export function isReady(pod: PodView): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

export class Kubernetes {
  constructor(
    readonly namespace: string,
    /** Also the name of the KvorumCluster, and of the Service for clients. */
    readonly release: string,
  ) {}

  kubectl(commandArguments: string[], options: { input?: string; timeoutMs?: number } = {}): Promise<string> {
    return run('kubectl', ['--namespace', this.namespace, ...commandArguments], options);
  }

  async get<T>(...what: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', ...what, '--output=json', '--request-timeout=5s'])) as T;
  }

  cluster(): Promise<KvorumClusterView> {
    return this.get<KvorumClusterView>('kvorumcluster', this.release);
  }

  async condition(type: string): Promise<Condition | undefined> {
    const { status } = await this.cluster();
    return status?.conditions?.find((condition) => condition.type === type);
  }

  async pods(component: 'worker' | 'operator'): Promise<PodView[]> {
    const selector = `app.kubernetes.io/instance=${this.release},app.kubernetes.io/component=${component}`;
    return (await this.get<List<PodView>>('pods', `--selector=${selector}`)).items;
  }

  /** The operator that holds the Lease. */
  async activeOperator(): Promise<string> {
    return (await this.operatorLease()).holder;
  }

  /** Its holder, and when that one took it: milliseconds since 1970. */
  async operatorLease(): Promise<{ holder: string; acquiredAt: number }> {
    const lease = await this.get<{ spec: { holderIdentity?: string; acquireTime?: string } }>(
      'lease',
      `${this.release}-operator`,
    );
    return { holder: lease.spec.holderIdentity ?? '', acquiredAt: Date.parse(lease.spec.acquireTime ?? '') };
  }

  /** The pods and what happened to them last, as kubectl shows them, for whoever looks for a cause. */
  async picture(): Promise<string[]> {
    const shown = async (commandArguments: string[], linesMax: number) => {
      const text = await this.kubectl([...commandArguments, '--request-timeout=5s']).catch(String);
      return text.trimEnd().split('\n').slice(-linesMax);
    };
    const state =
      'custom-columns=NAME:.metadata.name,NODE:.spec.nodeName,PHASE:.status.phase,DELETE:.metadata.deletionTimestamp,' +
      'FINALIZERS:.metadata.finalizers,OWNER:.metadata.ownerReferences[*].uid,STATE:.status.containerStatuses[*].state';
    return [
      ...(await shown(['get', 'pods', `--output=${state}`], 30)),
      ...(await shown(['get', 'nodes'], 10)),
      ...(await shown(['get', 'events', '--sort-by=.metadata.creationTimestamp'], 40)),
      ...(await shown(
        ['logs', `--selector=app.kubernetes.io/instance=${this.release}`, '--prefix', '--tail=40'],
        400,
      )),
    ];
  }

  async deletePod(name: string): Promise<void> {
    await this.kubectl(['delete', 'pod', name, '--grace-period=0', '--force', '--wait=false']);
  }

  /** The status says so of the generation that is there now. */
  async isFullyReplicated(): Promise<boolean> {
    const { metadata, spec, status } = await this.cluster();
    const condition = status?.conditions?.find(({ type }) => type === 'FullyReplicated');
    return (
      condition?.status === 'True' &&
      status?.observedGeneration === metadata.generation &&
      status.replicas === spec.workers &&
      status.readyWorkers === spec.workers
    );
  }

  async waitUntilReplicated(timeoutMs: number): Promise<void> {
    await waitFor('FullyReplicated with all workers', timeoutMs, async () => {
      if (await this.isFullyReplicated()) return true;
      const { status } = await this.cluster();
      throw new Error(`${status?.phase ?? 'no status'}: ${status?.message ?? ''}`);
    });
  }

  /**
   * All workers are there, and nothing moves any more: still so after a while, since plans are made one by
   * one.
   */
  async waitUntilSettled(timeoutMs: number): Promise<void> {
    const steadyMs = 5_000;
    let since = Infinity;
    await waitFor('a settled cluster', timeoutMs, async () => {
      const { status } = await this.cluster();
      const isSettled = (await this.isFullyReplicated()) && status?.phase === 'Running';
      if (!isSettled) since = Infinity;
      else since = Math.min(since, performance.now());
      if (performance.now() - since >= steadyMs) return true;
      throw new Error(`${status?.phase ?? 'no status'}: ${status?.message ?? ''}`);
    });
  }

  async nodeNames(): Promise<string[]> {
    const { items } =
      await this.get<List<{ metadata: { name: string }; spec: { taints?: unknown[] } }>>('nodes');
    return items.filter(({ spec }) => spec.taints === undefined).map(({ metadata }) => metadata.name);
  }

  /** Nodes whose loss would take down more than the store: where names are resolved. */
  async nodesOfNames(): Promise<string[]> {
    const { items } = await this.get<List<PodView>>(
      'pods',
      '--all-namespaces',
      '--selector=k8s-app=kube-dns',
    );
    return items.flatMap(({ spec }) => spec.nodeName ?? []);
  }
}
