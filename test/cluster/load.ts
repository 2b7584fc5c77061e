/** The load: pods inside the cluster that write and read, driven through `kubectl exec`. */
import { readFile } from 'node:fs/promises';
import { waitFor } from './commands.js';
import type { Kubernetes } from './kubernetes.js';
import { parseLoadCalls } from './history-of-load.js';
import type { LoadCall } from './history-of-load.js';

export interface LoadPlan {
  /** Part of the keys' names, so that the keys of no two loads are the same. */
  name: string;
  targets: { host: string; port: number }[];
  ratePerSecond: number;
  keys: number;
  /** 0 to 1 */
  writeShare: number;
  timeoutMs: number;
  /** Begins its values, where two loads write the same keys; the name if not given. */
  valuePrefix?: string;
  /** How often a request is repeated whose connection broke. */
  retries: number;
}

const controlUrl = 'http://127.0.0.1:9090';
const clientFile = 'test/cluster/load-client.mjs';

export class Load {
  constructor(
    private readonly kubernetes: Kubernetes,
    readonly podName: string,
    readonly nodeName: string,
  ) {}

  /** A pod on the given node. */
  static async deploy(
    kubernetes: Kubernetes,
    podName: string,
    nodeName: string,
    image: string,
  ): Promise<Load> {
    // One that an earlier run left may still be busy.
    await kubernetes.kubectl(['delete', 'pod', podName, '--ignore-not-found', '--grace-period=1']);
    const program = await readFile(clientFile, 'utf8');
    const metadata = { name: podName, namespace: kubernetes.namespace };
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'load-client.mjs': program } };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec(podName, nodeName, image) };
    const list = { apiVersion: 'v1', kind: 'List', items: [configMap, pod] };
    await kubernetes.kubectl(['apply', '--filename=-'], { input: JSON.stringify(list) });
    const load = new Load(kubernetes, podName, nodeName);
    await waitFor(`the load's pod ${podName}`, 60_000, () => load.call('counts', {}));
    return load;
  }

  async start(plan: LoadPlan): Promise<void> {
    await this.call('start', plan);
  }

  counts(): Promise<{ lines: number; good: number }> {
    return this.call('counts', {});
  }

  /** With a last read of every key if `readAll`. */
  async stop(readAll = true): Promise<LoadCall[]> {
    const file = '/tmp/history.jsonl';
    await this.call('stop', { file, readAll });
    return parseLoadCalls(await this.kubernetes.kubectl(['exec', this.podName, '--', 'cat', file]));
  }

  private async call<T>(verb: string, body: object): Promise<T> {
    const program =
      `const r = await fetch('${controlUrl}/${verb}', {method: 'POST', body: process.argv[1]});` +
      `process.stdout.write(await r.text()); process.exitCode = r.ok ? 0 : 1`;
    const command = ['node', '--input-type=module', '--eval', program, JSON.stringify(body)];
    const answer = await this.kubernetes.kubectl(['exec', this.podName, '--', ...command]);
    return JSON.parse(answer) as T;
  }
}

function podSpec(podName: string, nodeName: string, image: string): object {
  return {
    nodeName,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    // It stays where it is while its node is cut off, so that it can tell afterwards what it saw.
    tolerations: [{ operator: 'Exists' }],
    containers: [
      {
        name: 'load',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/client/load-client.mjs'],
        volumeMounts: [
          { name: 'client', mountPath: '/client' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
    volumes: [
      { name: 'client', configMap: { name: podName } },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}
