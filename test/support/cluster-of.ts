/** A KvorumCluster for tests, as the API server would show it. */
import { parseKvorumCluster } from '../../operator/kubernetes/cluster-spec.js';
import type { KvorumCluster } from '../../operator/kubernetes/cluster-spec.js';

export function clusterOf(spec: object, namespace = 'default'): KvorumCluster {
  const metadata = { name: 'kv', namespace, uid: 'uid-kv', generation: 1 };
  return parseKvorumCluster({ metadata, spec: { image: 'kvorum:1', ...spec } } as object, null);
}
