// npm run kind:up: a Kubernetes cluster on this machine with kind, the image built and loaded into it, the
// chart installed. Run again after an edit, it builds the new image and upgrades worker by worker.
//
// From the environment, all of it optional:
//   KIND_CLUSTER_NAME            default kvorum
//   KIND_NODE_IMAGE              image of the nodes; kind's own default if not given
//   KIND_EXPERIMENTAL_PROVIDER   podman or nerdctl instead of docker, as kind reads it
//   KVORUM_IMAGE_BUILD           builds and loads the image; called with NAME:TAG and FOLDER
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageTag } from './kind/image-tag.mjs';
import { ask, clusterName, main, release, requirePrograms, step } from './kind/steps.mjs';

const root = path.resolve(import.meta.dirname, '..');
const repository = 'kvorum';
const provider = process.env.KIND_EXPERIMENTAL_PROVIDER || 'docker';
const buildCommand = process.env.KVORUM_IMAGE_BUILD ?? '';

await main(async () => {
  process.chdir(root);
  requirePrograms({
    kind: 'https://kind.sigs.k8s.io',
    kubectl: 'https://kubernetes.io/docs/tasks/tools',
    helm: 'https://helm.sh',
    ...(buildCommand === '' ? { [provider]: 'or KVORUM_IMAGE_BUILD' } : {}),
  });
  await createCluster();
  const tag = imageTag(root);
  await buildImage(`${repository}:${tag}`);
  await installChart(tag);
  console.log(`
Kvorum runs in the kind cluster '${clusterName}'. What next:

  kubectl get kv
  kubectl port-forward svc/${release} 8080:80 &
  curl --retry 9 --retry-connrefused -X PUT --data-binary hello localhost:8080/v1/kv/greeting
  curl localhost:8080/v1/kv/greeting

npm run kind:down removes the cluster with everything in it.`);
});

async function createCluster() {
  const clusters = (ask('kind', ['get', 'clusters']) ?? '').split('\n');
  if (clusters.includes(clusterName)) {
    await step(`Using the cluster '${clusterName}'`, 'kind', ['export', 'kubeconfig', '--name', clusterName]);
  } else {
    const image = process.env.KIND_NODE_IMAGE ? ['--image', process.env.KIND_NODE_IMAGE] : [];
    const create = [
      'create',
      'cluster',
      '--name',
      clusterName,
      '--config',
      'manifests/kind.yaml',
      '--wait',
      '120s',
    ];
    await step(`Creating the cluster '${clusterName}' (a minute or two)`, 'kind', [...create, ...image]);
  }
  const wait = ['wait', 'node', '--all', '--for=condition=Ready', '--timeout=120s'];
  await step('Waiting for its nodes', 'kubectl', [...wait, ...context()]);
}

async function buildImage(image) {
  if (buildCommand !== '') {
    const line = `${buildCommand} "$1" "$2"`;
    await step(`Building and loading ${image}`, 'bash', ['-c', line, 'bash', image, root], {
      KIND_CLUSTER_NAME: clusterName,
    });
    return;
  }
  await step(`Building ${image} (minutes the first time)`, provider, ['build', '--tag', image, root]);
  const folder = mkdtempSync(path.join(tmpdir(), 'kvorum-image-'));
  try {
    // Through an archive, which works with every provider.
    const archive = path.join(folder, 'image.tar');
    await step('Saving it', provider, ['save', '--output', archive, image]);
    await step('Loading it into the nodes', 'kind', [
      'load',
      'image-archive',
      archive,
      '--name',
      clusterName,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function installChart(tag) {
  const values = [`image.repository=${repository}`, `image.tag=${tag}`, 'image.pullPolicy=IfNotPresent'];
  const install = [
    'upgrade',
    '--install',
    release,
    'charts/kvorum',
    ...values.flatMap((value) => ['--set', value]),
  ];
  const where = ['--namespace', 'default', '--kube-context', `kind-${clusterName}`];
  await step('Installing the chart', 'helm', [...install, ...where, '--wait', '--timeout', '5m']);
  const wait = ['wait', `kvorumcluster/${release}`, '--for=condition=FullyReplicated', '--timeout=300s'];
  await step('Waiting until every key has all its copies', 'kubectl', [...wait, ...context()]);
}

function context() {
  return ['--context', `kind-${clusterName}`];
}
