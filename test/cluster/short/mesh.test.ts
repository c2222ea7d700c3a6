import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { callsInShop, openShop, visitShop } from '../../../scripts/demo/shop.ts';
import { clusterKubeconfig, type ClusterNamespace, type RunningPod } from '../../support/cluster/cluster-namespace.ts';
import { inMesh, openMeshOfCluster, type MeshOfCluster } from '../../support/cluster/mesh.ts';
import { kubectl } from '../../support/cluster/kubectl.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { idlePod } from '../../support/cluster/workbench.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(300_000);

let mesh: MeshOfCluster;
let namespace: ClusterNamespace;

beforeAll(async () => {
  mesh = await openMeshOfCluster();
  ({ namespace } = mesh);
});
afterAll(() => mesh.remove());

/** The name that the client of a request asked for by TLS; null for plain text. Envoy writes its log every second. */
async function serverNameOf(path: string): Promise<unknown> {
  const entry = await until(`a line about ${path}`, async () => {
    const [pod] = await namespace.pods('app=web');
    const log = await namespace.kubectl('logs', pod?.metadata.name ?? '', '--container=istio-proxy');
    return log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find((one) => one['path'] === path);
  });
  return entry['requested_server_name'];
}

test('pods of the mesh know each other by mutual TLS, with nothing configured', async () => {
  await namespace.untilServed('client/app', 'http://web/mesh');
  expect(await serverNameOf('/mesh')).toBe(`outbound_.80_._.web.${namespace.name}.svc.cluster.local`);
});

test('pods of the mesh are reached by pods outside, and reach those', async () => {
  await namespace.untilServed('standalone/app', 'http://web/from-standalone');
  await namespace.untilServed('client/app', 'http://plain/');
  expect(await serverNameOf('/from-standalone')).toBeNull();
});

test('the shop’s services know each other by the certificates of their service accounts', async () => {
  const call = (...args: string[]) => kubectl(clusterKubeconfig(), args);
  await openShop(call, namespace.name);
  const answer = JSON.parse(await visitShop(call, namespace.name, 5)) as object;
  expect(answer).toMatchObject({
    service: 'frontend',
    next: { service: 'catalog', next: { service: 'cart', next: { service: 'orders' } } },
  });
  const identityOf = (name: string) => `spiffe://cluster.local/ns/${namespace.name}/sa/${name}`;
  const calls = await callsInShop(call, namespace.name);
  expect(new Set(calls.filter(({ to }) => to !== 'frontend'))).toEqual(
    new Set([
      { from: 'frontend', to: 'catalog', requests: 5, identity: identityOf('frontend') },
      { from: 'catalog', to: 'cart', requests: 5, identity: identityOf('catalog') },
      { from: 'cart', to: 'orders', requests: 5, identity: identityOf('cart') },
    ]),
  );
});

test('a pod that starts while the control plane is away waits, says why, and starts when it is back', async () => {
  await system.kubectl('scale', 'deployment/sidecar-injector-mesh', '--replicas=0');
  await system.kubectl('wait', '--for=delete', 'pods', '--selector=app=sidecar-injector-mesh', '--timeout=60s');
  await namespace.apply(idlePod('early', { labels: inMesh }));
  await until(
    'its proxy says what it waits for',
    async () => {
      const log = await namespace.tryKubectl('logs', 'early', '--container=istio-proxy');
      return /DeltaAggregatedResources gRPC config stream .*closed/.test(log.stdout) || undefined;
    },
    60_000,
  );
  expect((await namespace.get<RunningPod>('pod', 'early')).status.phase).toBe('Pending');
  await system.kubectl('scale', 'deployment/sidecar-injector-mesh', '--replicas=2');
  await namespace.untilPod('early');
  await namespace.untilServed('early/app', 'http://web/');
});
