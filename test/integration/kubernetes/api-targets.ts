/**
 * The API servers that the contract is checked against: the fake one always, and a real one where
 * KVORUM_TEST_KUBECONFIG names a cluster. What holds for both is what the tests over the fake may rely on.
 */
import { HttpsTransport } from '../../../operator/kubernetes/https-transport.js';
import { readKubeConfiguration } from '../../../operator/kubernetes/kube-configuration.js';
import { FakeApiServer } from '../../support/fake-api/fake-api-server.js';
import { serveFakeApi } from '../../support/fake-api/http-face.js';

export interface Target {
  transport: HttpsTransport;
  namespace: string;
  /** A version that is too old to be watched from. */
  oldVersion(): string;
  close(): Promise<void>;
}

async function fakeTarget(): Promise<Target> {
  const api = new FakeApiServer();
  const face = await serveFakeApi(api);
  const transport = new HttpsTransport(face.config);
  return {
    transport,
    namespace: 'contract',
    oldVersion: () => {
      api.compactedBefore = api.version;
      return String(api.version - 1);
    },
    close: async () => {
      transport.close();
      await face.close();
    },
  };
}

async function realTarget(file: string): Promise<Target> {
  const { config } = await readKubeConfiguration({}, file);
  const transport = new HttpsTransport(config);
  const namespace = `kvorum-contract-${process.pid}`;
  await transport.request({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  });
  return {
    transport,
    namespace,
    oldVersion: () => '1',
    close: async () => {
      await transport.request({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
      transport.close();
    },
  };
}

export const realCluster = process.env.KVORUM_TEST_KUBECONFIG;

export const targets: { name: string; open: () => Promise<Target> }[] = [
  { name: 'fake', open: fakeTarget },
  ...(realCluster === undefined ? [] : [{ name: 'real', open: () => realTarget(realCluster) }]),
];
