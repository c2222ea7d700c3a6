import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { NamedObject } from '../../src/json/json.ts';
import { ejectionOf } from '../../src/mesh/explain/ejection.ts';
import { policyOf } from '../../src/mesh/plan/destination-policy.ts';
import { outlierDetection } from '../../src/mesh/resources/cluster-policy.ts';
import { readDestinationRule } from '../../src/mesh/rules/destination-rule.ts';
import { ourProxies } from '../support/istio/proxies.ts';
import { startRoutedEnvoy } from '../support/istio/routed-envoy.ts';
import { destinationRule } from '../support/mesh/istio-objects.ts';
import { envoyBinary } from '../support/network/envoy.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(60_000);

/*
 * How many endpoints of so many a real Envoy ejects at once, which `mesh explain` says. Nothing listens at any of them, so all are to be
 * ejected after one failure.
 */

const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-ejection-'));
const at = (name: string): string => path.join(folder, name);

function clusterOf(name: string, endpoints: number, maxEjectionPercent: number | undefined): NamedObject {
  const block = {
    consecutive5xxErrors: 1,
    interval: '60s',
    ...(maxEjectionPercent !== undefined && { maxEjectionPercent }),
  };
  const { spec } = readDestinationRule(destinationRule({ trafficPolicy: { outlierDetection: block } }));
  const { ejection } = policyOf(spec ?? {}, { number: 80 });
  if (ejection === undefined) throw new Error('the rule says nothing about ejection');
  const lb_endpoints = Array.from({ length: endpoints }, (_, index) => ({
    endpoint: { address: { pipe: { path: at(`nobody-${index}`) } } },
  }));
  return {
    name,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    outlier_detection: outlierDetection(ejection),
  };
}

const cases = [1, 2, 3, 5, 9, 10, 11, 20].flatMap((endpoints) =>
  [undefined, 10, 34, 50, 99, 100].map((percent) => ({
    endpoints,
    percent,
    cluster: clusterOf(`c-${endpoints}-${percent ?? 'default'}`, endpoints, percent),
  })),
);

let envoy: ChildProcess;

function ask(socketPath: string, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: url }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text));
    });
    asking.on('error', reject).end();
  });
}

beforeAll(async () => {
  const routes = cases.map(({ cluster }) => ({
    match: { path: `/${cluster.name}` },
    route: { cluster: cluster.name },
  }));
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'test',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const config = {
    node: { id: 'test', cluster: 'test' },
    admin: { address: { pipe: { path: at('admin') } } },
    static_resources: {
      clusters: cases.map(({ cluster }) => cluster),
      listeners: [
        {
          name: 'test',
          address: { pipe: { path: at('listener') } },
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
    },
  };
  writeFileSync(at('envoy.json'), JSON.stringify(config));
  const words = [
    '--config-path',
    at('envoy.json'),
    '--concurrency',
    '1',
    '--disable-hot-restart',
    '--log-level',
    'off',
  ];
  envoy = spawn(envoyBinary(), words, { stdio: 'ignore' });
  await until('Envoy', () => existsSync(at('listener')) || undefined);
});

afterAll(async () => {
  const end = once(envoy, 'exit');
  envoy.kill('SIGKILL');
  await end;
  rmSync(folder, { recursive: true, force: true });
});

test('a real Envoy ejects as many endpoints at once as is explained', async () => {
  const told = cases.map(({ endpoints, percent, cluster }) => [
    endpoints,
    percent,
    ejectionOf(cluster, endpoints)?.most,
  ]);
  const met: (typeof told)[number][] = [];
  for (const { endpoints, percent, cluster } of cases) {
    const { name } = cluster;
    for (let times = 0; times < endpoints * 3; times += 1) await ask(at('listener'), `/${name}`);
    const stats = await ask(at('admin'), `/stats?filter=^cluster.${name}.outlier_detection.ejections_active$`);
    met.push([endpoints, percent, Number(/: (\d+)/.exec(stats)?.[1])]);
  }
  expect(met).toEqual(told);
});

test('endpoints that fail together are ejected without a delay', async () => {
  const statuses = [500, 500, 200];
  const servers = await Promise.all(
    statuses.map(async (status) => {
      const server = createServer((_, response) => void response.writeHead(status).end());
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const outlierDetection = { consecutive5xxErrors: 3, interval: '60s', maxEjectionPercent: 100 };
  const trafficPolicy = { outlierDetection, loadBalancer: { simple: 'ROUND_ROBIN' } };
  const endpoints = statuses.map((_, index) => ({ address: `10.1.0.${index}`, labels: {} }));
  const mesh = {
    services: [{ name: 'reviews', namespace: 'shop', address: '10.96.0.1', ports: [80], endpoints }],
    objects: [destinationRule({ trafficPolicy })],
    namespace: 'shop',
    labels: {},
  };
  const [proxied] = ourProxies(mesh, [['reviews', 80]]);
  if (proxied === undefined) throw new Error('the Service has no listener');
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  const proxy = await startRoutedEnvoy(
    new Map([['reviews', proxied]]),
    (endpoint) => ports[Number(/^10\.1\.0\.(\d+):/.exec(endpoint)?.[1])] ?? 0,
  );
  try {
    let failed = 0;
    for (let times = 0; times < 90; times += 1) {
      const { status } = await proxy.ask('reviews', { method: 'GET', path: '/', host: 'reviews', headers: {} });
      if (status !== 200) failed += 1;
    }
    // Three for each; another thread of Envoy ejects, so that one more may be under way.
    expect(failed).toBeGreaterThanOrEqual(6);
    expect(failed).toBeLessThan(12);
  } finally {
    await proxy.stop();
    for (const server of servers) server.close();
  }
});
