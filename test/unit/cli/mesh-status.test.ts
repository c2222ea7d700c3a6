import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { replicaPage, startStatusApi, type PodPage, type StatusApi } from '../../support/mesh/status-api.ts';

const hour = 3_600_000;

function pod(
  name: string,
  address: string,
  more: Readonly<Record<string, unknown>> = {},
  spec: object = {},
): JsonObject {
  const { status = {}, ...metadata } = more;
  return {
    metadata: {
      namespace: 'shop',
      name,
      uid: name,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'security.istio.io/tlsMode': 'istio' },
      ...metadata,
    },
    spec: { nodeName: 'node-1', ...injectedParts(), ...spec },
    status: {
      phase: 'Running',
      podIPs: [{ ip: address }],
      hostIP: '192.168.0.1',
      hostIPs: [{ ip: '192.168.0.1' }],
      ...(status as object),
    },
  };
}

const ofCart = {
  generateName: 'cart-6b5f9d7c4-',
  labels: { 'security.istio.io/tlsMode': 'istio', 'pod-template-hash': '6b5f9d7c4' },
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-6b5f9d7c4', controller: true }],
};

const replica = (name: string): JsonObject => ({
  metadata: { namespace: 'sidecar-injector-system', name },
  spec: { containers: [{ ports: [{ name: 'metrics', containerPort: 9191 }] }] },
  status: {},
});

const slice = (service: string, ...names: readonly string[]): JsonObject => ({
  metadata: { labels: { 'kubernetes.io/service-name': service } },
  endpoints: names.map((name) => ({ targetRef: { kind: 'Pod', name } })),
});

/** The page of a proxy whose listeners changed so long ago. */
function proxyPage(agoMs: number, ...counts: readonly string[]): PodPage {
  return {
    body: [
      ...counts.map((one) => `envoy_server_plain_client_${one}`),
      `envoy_listener_manager_lds_update_time{} ${Date.now() - agoMs}`,
      'envoy_server_uptime{} 1',
      'application_text{of="the application"} 1',
      'istio_build{component="proxy",tag="x"} 1',
      '',
    ].join('\n'),
  };
}

let api: StatusApi;
let pages: Readonly<Record<string, PodPage>>;
const status = (...words: readonly string[]) =>
  runCommand(['mesh', 'status', '--kubeconfig', api.server.kubeconfig, ...words]);

beforeAll(async () => {
  api = await startStatusApi();
});
afterAll(() => api.server.close());

beforeEach(() => {
  api.collections.clear();
  api.collections.set('/api/v1/pods', [
    pod('cart-6b5f9d7c4-a', '10.0.0.1', ofCart),
    pod('cart-6b5f9d7c4-b', '10.0.0.2', ofCart),
    pod('front', '10.0.0.3'),
    pod('starting', '', { status: { podIPs: [] } }),
    pod('job', '10.0.0.4', { labels: {}, creationTimestamp: new Date().toISOString() }, { containers: [] }),
    pod('done', '10.0.0.5', { labels: {}, status: { phase: 'Succeeded' } }, { containers: [] }),
    pod('agent', '192.168.0.1', { labels: {} }, { hostNetwork: true, containers: [] }),
    replica('mesh-1'),
    replica('mesh-2'),
    replica('injector'),
  ]);
  api.collections.set('/apis/discovery.k8s.io/v1/namespaces/sidecar-injector-system/endpointslices', [
    slice('sidecar-injector-mesh', 'mesh-1', 'mesh-2'),
    slice('sidecar-injector', 'injector'),
  ]);
  pages = {
    'shop/cart-6b5f9d7c4-a': proxyPage(5 * hour),
    'shop/cart-6b5f9d7c4-b': proxyPage(3 * hour),
    'shop/front': proxyPage(300_000),
  };
  api.page = (name, port, page) => {
    if (name.startsWith('sidecar-injector-system/')) {
      return port === 9191 ? replicaPage(page, name.endsWith('1') ? 2 : 1, 1) : { status: 404, body: '' };
    }
    if (port !== 15_090 || !page.startsWith('/stats/prometheus?')) throw new Error(`not asked for: ${port} ${page}`);
    return pages[name] ?? { status: 503, body: JSON.stringify({ kind: 'Status', message: 'no such pod' }) };
  };
});

const controlPlane = `Control plane
  REPLICA  VERSION  PROXIES  IN SYNC  REJECTED  CHANGING  NOT IN FORCE
  mesh-1   0.1.0    2        1        3         2         1
  mesh-2   0.1.0    1        1        3         2         1
  3 proxies connected, 4 pods with a proxy of the mesh
`;

test('nobody calls in plain text', async () => {
  const { code, stdout, stderr } = await status();
  expect(stderr).toBe('');
  expect(stdout).toBe(`${controlPlane}
Calls in plain text
  Deployment shop/cart (2 pods, PERMISSIVE), counted for at least 3 h: nobody
  Pod shop/front (1 pod, PERMISSIVE), counted for at least 5 min: nobody
`);
  expect(code).toBe(0);
});

test('who calls in plain text is named as far as the address tells, with the sum of all pods', async () => {
  const pods = api.collections.get('/api/v1/pods') ?? [];
  const job = pods.map((one) => one['metadata'] as JsonObject).find(({ name }) => name === 'job');
  const created = job?.['creationTimestamp'] as string;
  api.collections.set('/apis/security.istio.io/v1/peerauthentications', [
    {
      metadata: { namespace: 'shop', name: 'cart', uid: 'cart', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { selector: { matchLabels: {} }, mtls: { mode: 'STRICT' } },
    },
  ]);
  pages = {
    ...pages,
    'shop/cart-6b5f9d7c4-a': proxyPage(
      5 * hour,
      'requests_total{client="10.0.0.4",port="8080"} 3',
      'requests_total{client="10.0.0.3",port="8080"} 1',
      'connections_refused_total{client="10.0.0.5",port="8080"} 7',
      'connections_opened_total{client="192.168.0.1",port="9000"} 5',
      'connections_closed_total{client="192.168.0.1",port="9000"} 2',
    ),
    'shop/cart-6b5f9d7c4-b': proxyPage(3 * hour, 'requests_total{client="10.0.0.4",port="8080"} 4'),
  };
  const { code, stdout } = await status();
  expect(stdout).toBe(`${controlPlane}
Calls in plain text
  Deployment shop/cart (2 pods, STRICT), counted for at least 3 h
    PORT  REQUESTS  CONNECTIONS  OPEN  REFUSED  ADDRESS      CLIENT
    8080  1         -            -     -        10.0.0.3     pod shop/front (Pod front), has a proxy of the mesh
    8080  7         -            -     -        10.0.0.4     pod shop/job (Pod job), no proxy of the mesh, has this address since ${created}
    8080  -         -            -     7        10.0.0.5     no pod has this address: gone, or outside of the cluster
    9000  -         5            3     -        192.168.0.1  node node-1: its own processes, pods with hostNetwork, or whoever comes through a port of it
  Pod shop/front (1 pod, STRICT), counted for at least 5 min: nobody
`);
  expect(code).toBe(3);
});

test('a proxy with as many clients as it counts says that there may be others', async () => {
  const many = Array.from({ length: 200 }, (_, port) => `requests_total{client="10.0.0.4",port="${port + 1}"} 1`);
  pages = { ...pages, 'shop/front': proxyPage(hour, ...many) };
  const { stdout } = await status();
  expect(stdout.endsWith('\n    and others: the proxy counts no more clients\n')).toBe(true);
});

describe('a replica of an older version', () => {
  /** What its pages do not have. */
  const without = (text: string) => {
    const { page } = api;
    api.page = async (name, ...of) => {
      const { body, ...answer } = await page(name, ...of);
      return { ...answer, body: name.endsWith('mesh-2') ? body.replaceAll(text, 'other') : body };
    };
  };

  test('does not say that its proxies count: that nobody calls is not known', async () => {
    without('countsPlainText');
    const { code, stdout } = await status();
    expect(stdout).toBe(`${controlPlane}
Calls in plain text
  mesh-2 does not say that its proxies count, as of an older version: others than those below may call
  Deployment shop/cart (2 pods, PERMISSIVE), counted for at least 3 h: not known
  Pod shop/front (1 pod, PERMISSIVE), counted for at least 5 min: not known
`);
    expect(code).toBe(3);
  });

  test('in JSON, a list that is empty is left out, and one that is not stays', async () => {
    without('countsPlainText');
    pages = { ...pages, 'shop/front': proxyPage(hour, 'requests_total{client="10.0.0.4",port="80"} 1') };
    const { stdout, code } = await status('-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      controlPlane: { replicas: [{ countsPlainText: true }, { countsPlainText: false }] },
      servers: [{ name: 'cart' }, { name: 'front', plainText: [{ address: '10.0.0.4' }] }],
    });
    expect((JSON.parse(stdout) as { servers: readonly object[] }).servers[0]).not.toHaveProperty('plainText');
    expect(code).toBe(3);
  });

  test('what it does not count is no zero', async () => {
    without('withheld_resources');
    const { stdout } = await status();
    expect(stdout).toContain('  mesh-1   0.1.0    2        1        3         2         1\n');
    expect(stdout).toContain('  mesh-2   0.1.0    1        1        ?         2         1\n');
  });
});

describe('what did not answer is named', () => {
  test('a replica and a proxy', async () => {
    const { 'shop/front': _, ...others } = pages;
    pages = { ...others, 'shop/cart-6b5f9d7c4-a': { body: 'istio_other{} 1\n' } };
    const { page } = api;
    api.page = (name, ...of) => (name.endsWith('mesh-2') ? { status: 503, body: '' } : page(name, ...of));
    const { code, stdout } = await status();
    expect(stdout).toContain(
      '\n  mesh-2 did not say: GET /api/v1/namespaces/sidecar-injector-system/pods/mesh-2:9191/proxy/metrics: the API server answered 503\n',
    );
    expect(stdout).toContain(`  mesh-2 does not say that its proxies count: others than those below may call
  Deployment shop/cart (2 pods, PERMISSIVE), counted for at least 3 h: not known
    pod cart-6b5f9d7c4-a did not say: its proxy counts nothing (proxy.metrics.istio is false)
  Pod shop/front (1 pod, PERMISSIVE)
    pod front did not say: GET /api/v1/namespaces/shop/pods/front:15090/proxy/stats/prometheus`);
    expect(stdout).toContain(': the API server answered 503: no such pod\n');
    expect(code).toBe(3);
  });

  test.each([
    ['of what is asked', 'envoy_server_plain_client_requests_total{client="10.0.0.4",port="1"} 1\n'.repeat(6_000)],
    ['of anything', 'other 1\n'.repeat(600_000)],
  ])('a pod that says too much %s', async (_, body) => {
    pages = { ...pages, 'shop/front': { body } };
    const { code, stdout } = await status();
    expect(stdout.endsWith('\n    pod front did not say: shop/front says more than a page of metrics\n')).toBe(true);
    expect(code).toBe(3);
  });

  test('a pod whose clients have names that change the terminal', async () => {
    pages = { ...pages, 'shop/front': proxyPage(hour, 'requests_total{client="\u001B[2J",port="1"} 1') };
    const { stdout } = await status();
    expect(stdout).not.toContain('\u001B');
    expect(stdout).toContain('gone, or outside of the cluster\n');
  });

  test('no control plane, and no pods of the mesh', async () => {
    api.collections.set('/api/v1/pods', []);
    const { code, stdout } = await status();
    expect(stdout).toBe(
      'Control plane: no replica was found\n\nCalls in plain text: there is no pod with a proxy of the mesh\n',
    );
    expect(code).toBe(3);
  });

  test('the cluster', async () => {
    api.collections.clear();
    const { code, stdout, stderr } = await status();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: GET .*404: not found\nhint: check the kubeconfig and your permissions\n$/);
  });
});

test('another namespace is left out, and JSON has the same', async () => {
  pages = { ...pages, 'shop/front': proxyPage(hour, 'requests_total{client="10.0.0.4",port="80"} 1') };
  const { stdout, code } = await status('-o', 'json', '-n', 'shop');
  const { controlPlane: plane, servers } = JSON.parse(stdout) as {
    controlPlane: object;
    servers: readonly { name: string; plainText: readonly object[] }[];
  };
  expect(plane).toEqual({
    replicas: [
      {
        pod: 'sidecar-injector-system/mesh-1',
        version: '0.1.0',
        proxies: 2,
        inSync: 1,
        rejected: 3,
        changing: 2,
        notInForce: 1,
        countsPlainText: true,
      },
      {
        pod: 'sidecar-injector-system/mesh-2',
        version: '0.1.0',
        proxies: 1,
        inSync: 1,
        rejected: 3,
        changing: 2,
        notInForce: 1,
        countsPlainText: true,
      },
    ],
  });
  expect(servers.map(({ name, plainText }) => [name, plainText])).toEqual([
    ['cart', []],
    [
      'front',
      [
        {
          port: 80,
          address: '10.0.0.4',
          client: {
            type: 'pod',
            pod: 'shop/job',
            workload: { kind: 'Pod', name: 'job' },
            hasProxy: false,
            created: expect.any(String) as unknown,
          },
          mode: 'PERMISSIVE',
          requests: 1,
          connections: 0,
          open: 0,
          refused: 0,
        },
      ],
    ],
  ]);
  expect(code).toBe(3);
  expect(JSON.parse((await status('-o', 'json', '-n', 'other')).stdout)).toHaveProperty('servers', []);
});
