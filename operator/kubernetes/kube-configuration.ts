/**
 * Which cluster, as who, and in which namespace: from the service account inside a pod, else from KUBECONFIG
 * or ~/.kube/config.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export interface KubeAccess {
  config: KubeConfig;
  /** Of the pod or the context. */
  namespace: string;
}

/**
 * Rejects if there is no cluster to be found. The package is loaded here alone: it is large, and a controller
 * in local mode has no use for it.
 */
export async function readKubeConfiguration(
  environment: Readonly<Record<string, string | undefined>>,
  kubeconfigFile: string | null = null,
): Promise<KubeAccess> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  const inCluster = environment.KUBERNETES_SERVICE_HOST !== undefined && existsSync(namespaceFile);
  if (kubeconfigFile !== null) config.loadFromFile(kubeconfigFile);
  else if (environment.KUBECONFIG === undefined && inCluster) {
    config.loadFromCluster();
    return { config, namespace: readFileSync(namespaceFile, 'utf8').trim() };
  } else config.loadFromDefault();
  if (config.getCurrentCluster() === null) throw new Error('no Kubernetes cluster is configured');
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  return { config, namespace };
}
