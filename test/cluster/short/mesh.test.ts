import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { callsInShop, openShop, visitShop } from '../../../scripts/demo/shop.ts';
import { clusterKubeconfig, type ClusterNamespace, type RunningPod } from '../../support/cluster/cluster-namespace.ts';
import { inMesh, modest, openMeshOfCluster, type MeshOfCluster } from '../../support/cluster/mesh.ts';
import { kubectl, runKubectl } from '../../support/cluster/kubectl.ts';
import { openRecipe, type Recipe } from '../../support/cluster/recipe.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { idlePod } from '../../support/cluster/workbench.ts';
import { startLoad } from '../../support/http/load.ts';
import { envoyStatistics } from '../../support/network/envoy-in-pod.ts';
import { circuitBreaker, retry, split } from '../../support/mesh/common-mistakes.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(300_000);

let mesh: MeshOfCluster;
let namespace: ClusterNamespace;

beforeAll(async () => {
  mesh = await openMeshOfCluster();
  ({ namespace } = mesh);
});
afterAll(() => mesh.remove());

const untilInForce = (object: string) =>
  namespace.kubectl('wait', '--for=condition=sidecar-injector.io/InForce', object, '--timeout=60s');

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

describe('who may call, with the commands of docs/security.md', () => {
  // The proxy keeps connections that it takes no longer for this time.
  const brief = { labels: inMesh, annotations: { ...modest, 'proxy.istio.io/config': 'drainDuration: 2s' } };
  let modes: Recipe;
  let policies: Recipe;

  /** What a pod gets: the status, or 0 if it is refused before there is one. */
  async function ask(pod: string, host: string): Promise<number> {
    const curl = ['curl', '-s', '-o/dev/null', '-w%{http_code}', '--max-time', '5', `http://${host}/`];
    const { code, stdout } = await namespace.tryKubectl('exec', pod, '--container=app', '--', ...curl);
    return code === 0 ? Number(stdout) : 0;
  }

  /** What a client without a proxy, one of the mesh, and one of the mesh with a service account of its own get. */
  const answers = (host = 'httpd') => Promise.all(['outside', 'client', 'front'].map((pod) => ask(pod, host)));

  const untilAll = () =>
    until('all three are answered', async () => (await answers()).every((status) => status === 200) || undefined);

  /** When the example became ready, and how often it was started. */
  async function health(): Promise<unknown> {
    const pods = await namespace.get('pods', '--selector=app=httpd');
    const { items } = pods as { items: RunningPod[] };
    return items.map(({ metadata, status }) => ({
      name: metadata.name,
      ready: status.conditions?.filter(({ type }) => type === 'Ready'),
      restarts: status.containerStatuses?.map(({ restartCount }) => restartCount),
    }));
  }

  beforeAll(async () => {
    modes = await openRecipe(namespace.name, 'docs/security.md', 'From plain text to mutual TLS, step by step', inMesh);
    policies = await openRecipe(namespace.name, 'docs/security.md', 'Nobody may call, but those who have to', inMesh);
    await modes.run('kubectl apply -f examples/httpd/httpd.yaml && kubectl create serviceaccount front');
    const patch = JSON.stringify({ spec: { template: { metadata: { annotations: brief.annotations } } } });
    await namespace.kubectl('patch', 'deployment/httpd', '--type=merge', `--patch=${patch}`);
    const front = idlePod('front', brief);
    await namespace.apply(idlePod('outside', { labels: { 'sidecar.istio.io/inject': 'false' } }), {
      ...front,
      spec: { ...(front['spec'] as object), serviceAccountName: 'front' },
    });
    await Promise.all([
      namespace.rollOut('deployment/httpd'),
      namespace.untilPod('front'),
      namespace.untilPod('outside'),
    ]);
    await until('its old pods are gone', async () => {
      const { items } = await namespace.get<{ items: unknown[] }>('pods', '--selector=app=httpd');
      return items.length === 1 || undefined;
    });
  });
  afterAll(async () => {
    await namespace.kubectl('delete', 'peerauthentications,authorizationpolicies', '--all');
    await kubectl(clusterKubeconfig(), ['delete', 'namespace', 'istio-system', '--ignore-not-found', '--wait=false']);
    await namespace.kubectl('delete', 'pods', 'front', 'outside', '--wait=false');
    await Promise.all([modes.close(), policies.close()]);
  });

  test('a PeerAuthentication `default` with mode STRICT closes the namespace for plain text, and for nobody else', async () => {
    await untilAll();
    const before = await health();
    await namespace.apply(
      'apiVersion: security.istio.io/v1beta1\nkind: PeerAuthentication\nmetadata:\n  name: default\nspec:\n  mtls:\n    mode: STRICT\n',
    );
    await untilInForce('peerauthentication/default');
    expect(await answers()).toEqual([0, 200, 200]);
    expect(await answers('web')).toEqual([0, 200, 200]);
    expect(await namespace.kubectl('get', 'peerauthentication/default', '--no-headers')).toMatch(
      /^default +STRICT +True +InForce /,
    );
    await namespace.kubectl('delete', 'peerauthentication/default');
    await untilAll();
    expect(await health()).toEqual(before);
  });

  test('the recipe finds who calls in plain text, closes step by step and opens again, and loses no request of the mesh', async () => {
    const [status = '', workload = '', whole = '', mesh = '', back = '', ...more] = modes.commands;
    const [allow = '', denyAll = '', undo = '', ...evenMore] = policies.commands;
    expect([more, evenMore]).toEqual([[], []]);
    await untilAll();
    const load = await startLoad(namespace, {
      url: 'http://httpd/',
      perSecond: 50,
      metadata: brief,
      serviceAccountName: 'front',
    });
    const before = await health();
    const outside = await namespace.untilPod('outside');
    const shown = await modes.run(status);
    expect(shown).toMatch(/^ {2}sidecar-injector-mesh-\S+ +\S+ +\d+ +\d+ +\d+ +\d+ +\d+$/m);
    expect(shown).toMatch(
      new RegExp(
        String.raw`Deployment ${namespace.name}/httpd \(1 pod, PERMISSIVE\), counted for at least [^]*? \d+ +\d+ +- +- +- +${outside.status.podIP} +pod ${namespace.name}/outside \(Pod outside\), no proxy of the mesh`,
      ),
    );
    expect(shown).toContain('\nSomebody calls in plain text');
    await modes.run(workload);
    expect([await answers(), await answers('web')]).toEqual([
      [0, 200, 200],
      [200, 200, 200],
    ]);
    await modes.run(whole);
    expect([await answers(), await answers('web')]).toEqual([
      [0, 200, 200],
      [0, 200, 200],
    ]);
    await modes.run(mesh);
    expect([await answers(), await answers('web')]).toEqual([
      [0, 200, 200],
      [0, 200, 200],
    ]);
    await policies.run(allow);
    expect([await answers(), await answers('web')]).toEqual([
      [0, 403, 200],
      [0, 200, 200],
    ]);
    await policies.run(denyAll);
    expect([await answers(), await answers('web')]).toEqual([
      [0, 403, 200],
      [0, 403, 403],
    ]);
    await policies.run(undo);
    await until('policies are gone', async () => ((await ask('client', 'httpd')) === 200 ? true : undefined));
    expect(await answers()).toEqual([0, 200, 200]);
    await modes.run(back);
    expect(await answers()).toEqual([200, 200, 200]);
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
    expect(await health()).toEqual(before);
  });
});

test('the shop’s services know each other by the certificates of their service accounts, and follow rules for one of them', async () => {
  const call = (...args: string[]) => kubectl(clusterKubeconfig(), args);
  await openShop(call, namespace.name);
  // A pod that has just become ready may not be an endpoint yet.
  let visited = '';
  await until(
    () => `all of the shop answers:\n${visited}`,
    async () => {
      visited = await visitShop(call, namespace.name, 1);
      return visited.includes('"service": "orders"') ? true : undefined;
    },
  );
  const before = await callsInShop(call, namespace.name);
  const answer = JSON.parse(await visitShop(call, namespace.name, 5)) as object;
  expect(answer).toMatchObject({
    service: 'frontend',
    next: { service: 'catalog', next: { service: 'cart', next: { service: 'orders' } } },
  });
  const identityOf = (name: string) => `spiffe://cluster.local/ns/${namespace.name}/sa/${name}`;
  const calls = (await callsInShop(call, namespace.name)).map((one) => {
    const last = before.find(
      ({ from, to, identity }) => from === one.from && to === one.to && identity === one.identity,
    );
    return { ...one, requests: one.requests - (last?.requests ?? 0) };
  });
  expect(new Set(calls.filter(({ to }) => to !== 'frontend'))).toEqual(
    new Set([
      { from: 'frontend', to: 'catalog', requests: 5, identity: identityOf('frontend') },
      { from: 'catalog', to: 'cart', requests: 5, identity: identityOf('catalog') },
      { from: 'cart', to: 'orders', requests: 5, identity: identityOf('cart') },
    ]),
  );
  await namespace.apply({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'orders' },
    spec: { hosts: ['orders'], http: [{ directResponse: { status: 200, body: { string: '{"service":"closed"}' } } }] },
  });
  await untilInForce('virtualservice/orders');
  expect(JSON.parse(await visitShop(call, namespace.name, 1))).toMatchObject({
    next: { next: { service: 'cart', next: { service: 'closed' } } },
  });
  // What they ask of the node is needed.
  await namespace.kubectl('delete', 'deployments', 'frontend', 'catalog', 'cart', 'orders');
});

describe('the example’s traffic rules, with the commands of docs/traffic.md', () => {
  const labels = (version: string) => ({ app: 'httpd', version, ...inMesh });
  const ports = [{ name: 'http', containerPort: 8080 }];
  let recipe: Recipe;

  /** Asks from the client's pod, and returns how many answers there were of each status. */
  async function statuses(url: string, ...options: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const text = await namespace.exec('client/app', 'curl', '-s', '-o/dev/null', '-w%{http_code}\n', ...options, url);
    const groups = Map.groupBy(text.trim().split('\n'), String);
    return Object.fromEntries([...groups].map(([status, all]) => [status, all.length]));
  }

  /** How many requests the proxies of some pods have had. */
  async function requestsAt(selector: string): Promise<number> {
    const pods = await namespace.pods(selector);
    const statistics = await Promise.all(pods.map(({ metadata }) => envoyStatistics(namespace, metadata.name ?? '')));
    return statistics.reduce((sum, one) => sum + (one['http.inbound.downstream_rq_total'] ?? 0), 0);
  }

  /** Asks this often, and returns how many requests have come to each version meanwhile. */
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

  /** Which share of requests comes to version v2. */
  async function shareOfV2(count: number): Promise<number> {
    const { v1, v2 } = await ask(count);
    return v2 / (v1 + v2);
  }

  beforeAll(async () => {
    recipe = await openRecipe(namespace.name, 'docs/traffic.md', 'A canary, step by step', inMesh);
    await recipe.run('kubectl apply -f examples/httpd/httpd.yaml');
    await namespace.rollOut('deployment/httpd');
    await namespace.untilServed('client/app', 'http://httpd/');
  });
  afterAll(() => recipe.close());

  test('the canary grows step by step and goes back, and no request is lost', async () => {
    const [rules = '', pods = '', tenth = '', half = '', whole = '', back = '', ...more] = recipe.commands;
    expect(more).toEqual([]);
    await recipe.run(rules);
    const load = await startLoad(namespace, { url: 'http://httpd/', perSecond: 50, metadata: { labels: inMesh } });
    await recipe.run(pods);
    expect((await ask(100)).v2).toBe(0);
    const before = await requestsAt('app=httpd,version=v2');
    expect(await statuses('http://httpd/?[1-200]', '-Hcanary: true')).toEqual({ 200: 200 });
    expect((await requestsAt('app=httpd,version=v2')) - before).toBe(200);
    await recipe.run(tenth);
    expect(Math.abs((await shareOfV2(1_000)) - 0.1)).toBeLessThanOrEqual(0.05);
    await recipe.run(half);
    expect(Math.abs((await shareOfV2(200)) - 0.5)).toBeLessThanOrEqual(0.2);
    await recipe.run(whole);
    expect((await ask(100)).v1).toBe(0);
    await recipe.run(back);
    expect((await ask(100)).v2).toBe(0);
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
    await recipe.run(tenth);
  });

  test('kubectl shows that they are in force, and in how many proxies', async () => {
    const columns = '-o=custom-columns=:.status.conditions[0].message';
    expect(await namespace.kubectl('get', 'virtualservice/httpd', columns)).toMatch(/held by (\d+) of \1 proxies of /);
    expect(await namespace.kubectl('get', 'virtualservice/httpd', '--no-headers')).toMatch(
      /^httpd +\["httpd"\] +True +InForce /,
    );
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
    await until('the access log of the client says why', async () => {
      const log = await namespace.kubectl('logs', 'client', '--container=istio-proxy');
      return /"path":"\/wait\?.*"response_flags":"UO"|"response_flags":"UO".*"path":"\/wait\?/.test(log) || undefined;
    });
  });

  test('one bad endpoint of two is left alone after its third failure, and no request fails', async () => {
    const program = `require('node:http').createServer((_, answer) => answer.writeHead(500).end()).listen(8080)`;
    const containers = [{ name: 'bad', image: 'cluster.test/workbench:1', command: ['node', '-e', program], ports }];
    const spec = { terminationGracePeriodSeconds: 2, containers };
    const metadata = { name: 'bad', labels: { ...labels('v1'), role: 'bad' } };
    await namespace.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await namespace.untilPod('bad');
    const asked = async () => expect(await statuses('http://httpd/?[1-20]')).toEqual({ 200: 20 });
    let failures = 0;
    const hasFailedMore = async (): Promise<boolean> => {
      const before = failures;
      await asked();
      failures = await requestsAt('role=bad');
      return failures > before;
    };
    // Envoy puts off what it learns of endpoints for a second after they have changed.
    await until('three failures, and none after them', async () => {
      const more = await hasFailedMore();
      return (failures >= 3 && !more) || undefined;
    });
    for (let times = 0; times < 5; times += 1) expect(await hasFailedMore()).toBe(false);
  });
});

test('manifests with common mistakes are taken with warnings that say what to write', async () => {
  const spec = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  await namespace.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'httpd-service' }, spec });
  const words = ['apply', `--namespace=${namespace.name}`, '--dry-run=server', '-f', '-'];
  const manifests = [circuitBreaker, split, retry].join('---');
  let said = '';
  await until(
    () => `warnings: ${said}`,
    async () => {
      const { code, stderr } = await runKubectl(clusterKubeconfig(), words, manifests);
      expect(code).toBe(0);
      said = stderr;
      // kubectl says once what is said of both VirtualServices.
      return said.trim().split('\n').length === 2 || undefined;
    },
  );
  expect(said).toMatch(/^Warning: \/spec\/trafficPolicy\/circuitBreaker: .* it is read as outlierDetection/);
  expect(said).toMatch(/^Warning: \/spec: there are no hosts.*Add hosts: \[httpd-service\]/m);
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
