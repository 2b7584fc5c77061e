/**
 * Settings of the operator that count on Kubernetes only, and the contract with those who deploy it.
 *
 * The operator's container:
 *   command                node dist/operator/main.js, in the folder in which dist/ lies
 *   KVORUM_MODE            kubernetes
 *   KVORUM_CLUSTER         name of the KvorumCluster that it serves; the release's name
 *   KVORUM_NAMESPACE       fieldRef metadata.namespace
 *   KVORUM_POD_NAME        fieldRef metadata.name: who it is in the Lease
 *   KVORUM_WORKER_IMAGE    image of the workers where spec.image says nothing; the operator's own
 *   KVORUM_HOST            0.0.0.0
 *   KVORUM_PORT            8080: probes, /metrics, /v1/status, /v1/ring; on both replicas, active or not
 *   KVORUM_LOG_FORMAT      json
 * The root file system may be read-only; nothing is written.
 *
 * Its rights, in its own namespace:
 *   kvorum.dev                kvorumclusters                      get list watch
 *   kvorum.dev                kvorumclusters/status               patch
 *   apps                      statefulsets                        get list watch create patch
 *   ''                        pods                                get list watch delete
 *   ''                        pods/status                         patch
 *   ''                        services                            get create patch
 *   ''                        configmaps                          get create update
 *   ''                        persistentvolumeclaims              get list watch patch delete
 *   policy                    poddisruptionbudgets                get create patch
 *   coordination.k8s.io       leases                              get create update
 *   events.k8s.io             events                              create
 * and, in the whole cluster, what it can do without (it says so once in its log and goes on):
 *   ''                        nodes                               get list watch
 *   apiextensions.k8s.io      customresourcedefinitions           get patch of kvorumclusters.kvorum.dev
 *
 * A worker's container, as the operator makes it (ports: client 8080 named http, peer 7400 named peer):
 *   command           node, with `workerNodeOptions`, dist/node/main.js
 *   KVORUM_ID              fieldRef metadata.name
 *   KVORUM_CLUSTER_ID      <namespace>/<name of the KvorumCluster>: the same after a new installation
 *   KVORUM_DATA_DIR        /data (the volume)
 *   KVORUM_HOST            0.0.0.0
 *   KVORUM_PORT            8080
 *   KVORUM_PEER_PORT       7400
 *   KVORUM_LOG_FORMAT      json
 *   KVORUM_LINGER          5s
 *   KVORUM_HEARTBEAT, KVORUM_SUSPICION, KVORUM_COPIES_MAX, KVORUM_COPY_BYTES_PER_SECOND_MAX: as its spec says
 */
import { duration, text } from '../../platform/configuration/setting.js';

const group = 'On Kubernetes:';
const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export const kubernetesSettings = {
  cluster: text({
    description: 'name of the KvorumCluster to look after',
    placeholder: 'NAME',
    default: null,
    pattern: objectName,
    expected: 'the name of a Kubernetes object',
    group,
  }),
  namespace: text({
    description: "its namespace; the pod's own, or that of the kubeconfig's context, if not given",
    placeholder: 'NAME',
    default: null,
    pattern: objectName,
    expected: 'the name of a namespace',
    group,
  }),
  podName: text({
    description: "who this process is in the Lease; the host's name if not given",
    placeholder: 'NAME',
    default: null,
    group,
  }),
  workerImage: text({
    description: 'image of the workers where the KvorumCluster names none',
    placeholder: 'IMAGE',
    default: null,
    group,
  }),
  crdFile: text({
    description: "the CustomResourceDefinition that is applied at the start; 'none' applies none",
    placeholder: 'FILE',
    default: 'charts/kvorum/crds/kvorumclusters.yaml',
    group,
  }),
  leaseDurationMs: duration({
    description: 'a second operator takes over when the active one has not renewed its Lease for so long',
    defaultMs: 6_000,
    range: { min: 1_000, max: 60_000 },
    group,
  }),
  leaseRetryMs: duration({
    description: 'how often the Lease is renewed, or looked at by who waits for it',
    defaultMs: 1_000,
    range: { min: 100, max: 10_000 },
    group,
  }),
};
