// npm run kind:down: removes the kind cluster that kind:up made, with everything in it.
import { clusterName, main, requirePrograms, step } from './kind/steps.mjs';

await main(async () => {
  requirePrograms({ kind: 'https://kind.sigs.k8s.io' });
  await step(`Removing the cluster '${clusterName}'`, 'kind', ['delete', 'cluster', '--name', clusterName]);
});
