import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { callsInShop, openShop, visitShop } from '../../../scripts/demo/shop.ts';
import { clusterKubeconfig, type ClusterNamespace, type RunningPod } from '../../support/cluster/cluster-namespace.ts';
import { inMesh, openMeshOfCluster, type MeshOfCluster } from '../../support/cluster/mesh.ts';
import { kubectl } from '../../support/cluster/kubectl.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { idlePod } from '../../support/cluster/workbench.ts';
import { startLoad } from '../../support/http/load.ts';
import { envoyStatistics } from '../../support/network/envoy-in-pod.ts';
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

describe('the example’s traffic rules', () => {
  const example = (file: string) => path.join(root, 'examples/httpd', file);
  const labels = (version: string) => ({ app: 'httpd', version, ...inMesh });
  const ports = [{ name: 'http', containerPort: 8080 }];

  /** Applies a Deployment of the example, whose pods are to be in the mesh. */
  async function applyInMesh(file: string): Promise<void> {
    const text = await readFile(example(file), 'utf8');
    await namespace.apply(text.replace(/^( {8})version: .*$/m, '$&\n$1sidecar-injector.io/profile: mesh'));
  }

  /** Asks often from the client's pod, and returns how many answers there were of each status. */
  async function statuses(url: string, ...options: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const text = await namespace.exec('client/app', 'curl', '-s', '-o/dev/null', '-w%{http_code}\n', ...options, url);
    const groups = Map.groupBy(text.trim().split('\n'), String);
    return Object.fromEntries([...groups].map(([status, all]) => [status, all.length]));
  }

  /** How many requests the proxy of a pod has had. */
  async function requestsAt(selector: string): Promise<number> {
    const [pod] = await namespace.pods(selector);
    return (await envoyStatistics(namespace, pod?.metadata.name ?? ''))['http.inbound.downstream_rq_total'] ?? 0;
  }

  /** Asks this often, and returns how many requests have come to each version. */
  async function ask(
    count: number,
    ...options: readonly string[]
  ): Promise<{ readonly v1: number; readonly v2: number }> {
    const read = async () => [await requestsAt('app=httpd,version=v1'), await requestsAt('app=httpd,version=v2')];
    const before = await read();
    expect(await statuses(`http://httpd/?[1-${count}]`, ...options)).toEqual({ 200: count });
    const [v1 = 0, v2 = 0] = (await read()).map((after, index) => after - (before[index] ?? 0));
    return { v1, v2 };
  }

  const untilInForce = (object: string) =>
    namespace.kubectl('wait', '--for=condition=sidecar-injector.io/InForce', object, '--timeout=30s');

  beforeAll(async () => {
    await applyInMesh('httpd.yaml');
    await applyInMesh('traffic/httpd-v2.yaml');
    await Promise.all([namespace.rollOut('deployment/httpd'), namespace.rollOut('deployment/httpd-v2')]);
    await namespace.untilServed('client/app', 'http://httpd/');
    await namespace.kubectl(
      'apply',
      '-f',
      example('traffic/circuit-breaker.yaml'),
      '-f',
      example('traffic/routes.yaml'),
    );
    await untilInForce('destinationrule/httpd');
    await untilInForce('virtualservice/httpd');
  });

  test('are in force, which kubectl shows', async () => {
    const columns = '-o=custom-columns=:.status.conditions[0].message';
    expect(await namespace.kubectl('get', 'virtualservice/httpd', columns)).toMatch(/held by (\d+) of \1 proxies of /);
    expect(await namespace.kubectl('get', 'virtualservice/httpd', '--no-headers')).toMatch(
      /^httpd +\["httpd"\] +True +InForce /,
    );
  });

  test('90 of 100 requests come to version v1, and those with the header of the canary to v2', async () => {
    const { v1, v2 } = await ask(1_000);
    expect(v1 + v2).toBe(1_000);
    expect(Math.abs(v2 - 100)).toBeLessThanOrEqual(50);
    expect(await ask(200, '-Hcanary: true')).toEqual({ v1: 0, v2: 200 });
  });

  test('the canary grows step by step, and no request is lost', async () => {
    const load = await startLoad(namespace, { url: 'http://httpd/', perSecond: 50, metadata: { labels: inMesh } });
    const step = async (weight: number) => {
      const patch = [100 - weight, weight].map((value, index) => ({
        op: 'replace',
        path: `/spec/http/1/route/${index}/weight`,
        value,
      }));
      await namespace.kubectl('patch', 'virtualservice/httpd', '--type=json', `--patch=${JSON.stringify(patch)}`);
      await untilInForce('virtualservice/httpd');
    };
    // The load's requests count, too.
    await step(50);
    const half = await ask(100);
    expect(Math.min(half.v1, half.v2)).toBeGreaterThan(20);
    await step(100);
    expect((await ask(100)).v1).toBe(0);
    await step(10);
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
  });

  test('retries hide an application that fails two of three times', async () => {
    const container = { name: 'httpd', image: 'cluster.test/workbench:1', args: ['serve.ts'], ports };
    const readinessProbe = { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 };
    await namespace.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'httpd-v2' },
      spec: {
        selector: { matchLabels: { app: 'httpd', version: 'v2' } },
        template: { metadata: { labels: labels('v2') }, spec: { containers: [{ ...container, readinessProbe }] } },
      },
    });
    await namespace.rollOut('deployment/httpd-v2');
    const [pod] = await until('the new pod alone', async () => {
      const pods = await namespace.pods('app=httpd,version=v2');
      return pods.length === 1 ? pods : undefined;
    });
    // No rule is about its own address.
    expect(await statuses(`http://${pod?.status.podIP}:8080/flaky?of=3&[1-30]`)).toEqual({ 200: 10, 503: 20 });
    expect(await statuses('http://httpd/flaky?of=3&[1-30]', '-Hcanary: true')).toEqual({ 200: 30 });
  });

  test('of many requests at once, no more than ten connections and ten that wait are let through', async () => {
    const together = ['--parallel', '--parallel-immediate', '--parallel-max', '60', '-Hcanary: true'];
    const answers = await statuses('http://httpd/wait?ms=800&[1-60]', ...together);
    expect(answers).toEqual({ 200: expect.any(Number), 503: expect.any(Number) });
    // Those wait, too, whose connection is being made. Each of two threads of a proxy may count one too many.
    expect(answers['200']).toBeGreaterThanOrEqual(10);
    expect(answers['200']).toBeLessThanOrEqual(22);
  });

  test('one bad endpoint of two is left alone after its third failure, and no request fails', async () => {
    const program = `require('node:http').createServer((_, answer) => answer.writeHead(500).end()).listen(8080)`;
    const containers = [{ name: 'bad', image: 'cluster.test/workbench:1', command: ['node', '-e', program], ports }];
    const spec = { terminationGracePeriodSeconds: 2, containers };
    const metadata = { name: 'bad', labels: { ...labels('v1'), role: 'bad' } };
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await namespace.untilPod('bad');
    const asked = async () => expect(await statuses('http://httpd/?[1-20]')).toEqual({ 200: 20 });
    const failures = await until('three failures', async () => {
      await asked();
      const count = await requestsAt('role=bad');
      return count >= 3 ? count : undefined;
    });
    for (let times = 0; times < 5; times += 1) await asked();
    expect(await requestsAt('role=bad')).toBe(failures);
  });
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
