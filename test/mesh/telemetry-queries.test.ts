import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { servicesDashboard } from '../../scripts/manifests/monitoring/services-dashboard.ts';
import { canonicalText } from '../../src/json/json.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { queriesOf } from '../support/builders/dashboard-queries.ts';
import { labelled, observe, type Observer } from '../support/mesh/observed-mesh.ts';
import type { Series } from '../support/processes/prometheus.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(60_000);

/*
 * What Istio's dashboards for Grafana and Kiali's graph ask Prometheus, by metric, selection and grouping, in words of our own. Rates become
 * totals: the numbers of requests are known, the times between two scrapes are not.
 */

let scene: MeshScene;
let observer: Observer;

const grpc = { headers: { 'content-type': 'application/grpc', te: 'trailers' }, body: 'AAAAAAA=' };

beforeAll(async () => {
  scene = await openMesh('queries', [
    labelled('front', 'v1'),
    labelled('cart', 'v2'),
    labelled('legacy', 'v0', { proxy: 'none' }),
  ]);
  const pods = scene.pods as Record<'front-v1' | 'cart-v2' | 'legacy-v0', MeshPod>;
  const { 'front-v1': front, 'cart-v2': cart, 'legacy-v0': legacy } = pods;
  const ports = [
    { name: 'http', port: 80, target: 8080 },
    { name: 'tcp', port: 81, target: 9000 },
    { name: 'grpc', port: 82, target: 8082 },
  ];
  for (const { app } of [cart, legacy]) {
    await app.listen({ kind: 'http', port: 8080 });
    await app.listen({ kind: 'banner', port: 9000, text: 'from the pod\n' });
    await app.listen({ kind: 'grpc', port: 8082 });
  }
  scene.set(
    ...serviceObjects('cart', '10.96.0.5', ports, [cart]),
    ...serviceObjects('legacy', '10.96.0.6', ports, [legacy]),
    ...serviceObjects('empty', '10.96.0.7', ports, []),
  );
  await scene.controlPlane.untilInSync(2);
  observer = await observe(scene, [front, cart]);
  for (let count = 0; count < 6; count++) await front.app.ask({ url: 'http://10.96.0.5/' });
  for (const status of [404, 500, 503]) await front.app.ask({ url: `http://10.96.0.5/status/${status}` });
  await front.app.ask({ url: 'http://10.96.0.6/' });
  await front.app.ask({ url: 'http://10.96.0.7/' });
  await front.app.dial({ host: '10.96.0.5', port: 81, send: 'four' });
  await front.app.dial({ host: '10.96.0.6', port: 81, send: 'four' });
  await front.app.askHttp2({ url: 'http://10.96.0.5:82/grpc.health.v1.Health/Check', ...grpc });
  await scene.outside.ask({ url: `http://${cart.network.v4}:8080/` });
  await observer.sum('istio_requests_total', 23);
  await observer.sum('istio_tcp_connections_closed_total', 3);
});

afterAll(async () => {
  await observer.stop();
  await scene.stop();
});

const host = 'cart.shop.svc.cluster.local';
const toCart = `reporter="destination",destination_service="${host}"`;
const ofFront = 'reporter="source",source_workload="front-v1",source_workload_namespace="shop"';
const clients = 'source_workload,source_workload_namespace';

/** Values by the labels that are left, without their names. */
function told(series: readonly Series[]): Record<string, number> {
  return Object.fromEntries(series.map(({ metric, value }) => [Object.values(metric).join(' '), value]));
}

type Query = readonly [what: string, expression: string, answer: Readonly<Record<string, number>>];

const dashboards: Readonly<Record<string, readonly Query[]>> = {
  'the dashboard of the mesh': [
    ['requests', 'sum(istio_requests_total{reporter=~"source|waypoint"})', { '': 12 }],
    ['success', 'sum(istio_requests_total{reporter=~"source|waypoint",response_code!~"5.."})', { '': 9 }],
    ['client errors', 'sum(istio_requests_total{reporter=~"source|waypoint",response_code=~"4.."})', { '': 1 }],
    [
      'requests of workloads',
      'label_join(sum by (destination_workload,destination_workload_namespace,destination_service) (istio_requests_total{reporter=~"source|waypoint"}), "workload", ".", "destination_workload", "destination_workload_namespace")',
      {
        [`${host} cart-v2 shop cart-v2.shop`]: 10,
        'legacy.shop.svc.cluster.local legacy-v0 shop legacy-v0.shop': 1,
        'empty.shop.svc.cluster.local unknown unknown unknown.unknown': 1,
      },
    ],
    [
      'bytes of workloads',
      'sum by (destination_workload,destination_workload_namespace,destination_service) (istio_tcp_sent_bytes_total{reporter=~"source|waypoint"})',
      { [`${host} cart-v2 shop`]: 13, 'legacy.shop.svc.cluster.local legacy-v0 shop': 13 },
    ],
    ['versions', 'count by (component) (istio_build)', { proxy: 2 }],
  ],
  'the dashboard of a Service': [
    ['requests', `sum(istio_requests_total{${toCart}})`, { '': 10 }],
    ['success', `sum(istio_requests_total{${toCart},response_code!~"5.*"})`, { '': 8 }],
    ['durations', `sum(istio_request_duration_milliseconds_bucket{${toCart},le="+Inf"})`, { '': 10 }],
    ['bytes received', `sum(istio_tcp_received_bytes_total{${toCart}})`, { '': 4 }],
    [
      'requests by client, with mutual TLS',
      `sum by (${clients},response_code) (istio_requests_total{connection_security_policy="mutual_tls",${toCart},source_workload=~".+",source_workload_namespace=~"shop"})`,
      { '200 front-v1 shop': 7, '404 front-v1 shop': 1, '500 front-v1 shop': 1, '503 front-v1 shop': 1 },
    ],
    [
      'sizes of requests by client',
      `sum by (${clients}) (istio_request_bytes_bucket{connection_security_policy="mutual_tls",${toCart},le="+Inf"})`,
      { 'front-v1 shop': 10 },
    ],
    [
      'sizes of responses by client',
      `sum by (${clients}) (istio_response_bytes_bucket{connection_security_policy="mutual_tls",${toCart},le="+Inf"})`,
      { 'front-v1 shop': 10 },
    ],
    [
      'its workloads',
      `sum by (destination_workload) (istio_requests_total{${toCart}}) or sum by (destination_workload) (istio_tcp_sent_bytes_total{${toCart}})`,
      { 'cart-v2': 10 },
    ],
  ],
  'the dashboard of a workload': [
    [
      'requests from clients',
      `sum by (${clients}) (istio_requests_total{reporter="destination",destination_workload="cart-v2",destination_workload_namespace="shop"})`,
      { 'front-v1 shop': 10, 'unknown unknown': 1 },
    ],
    [
      'requests from clients, without mutual TLS',
      `sum by (${clients},response_code) (istio_requests_total{reporter="destination",connection_security_policy!="mutual_tls",destination_workload="cart-v2"})`,
      { '200 unknown unknown': 1 },
    ],
    [
      'bytes from clients',
      `sum by (${clients}) (istio_tcp_received_bytes_total{reporter="destination",connection_security_policy="mutual_tls",destination_workload="cart-v2"})`,
      { 'front-v1 shop': 4 },
    ],
    [
      'requests to Services with an identity',
      `sum by (destination_service) (istio_requests_total{destination_principal=~"spiffe.*",${ofFront}})`,
      { [host]: 10 },
    ],
    [
      'requests to Services without one',
      `sum by (destination_service) (istio_requests_total{destination_principal!~"spiffe.*",${ofFront}})`,
      { 'legacy.shop.svc.cluster.local': 1, 'empty.shop.svc.cluster.local': 1 },
    ],
    [
      'bytes to Services',
      `sum by (destination_service) (istio_tcp_sent_bytes_total{connection_security_policy!="mutual_tls",${ofFront}})`,
      { [host]: 13, 'legacy.shop.svc.cluster.local': 13 },
    ],
  ],
};

/** Labels by which Kiali joins what both sides tell. */
const node =
  'source_cluster,source_workload_namespace,source_workload,source_canonical_service,source_canonical_revision,destination_cluster,destination_service_namespace,destination_service,destination_service_name,destination_workload_namespace,destination_workload,destination_canonical_service,destination_canonical_revision';

/** Their values on one edge, in the order of their names. */
const edge = `v2 cart Kubernetes ${host} cart shop cart-v2 shop v1 front Kubernetes front-v1 shop`;

const graph: readonly Query[] = (['source', 'destination'] as const).flatMap((reporter): readonly Query[] => {
  const one = `reporter="${reporter}",${reporter}_workload_namespace="shop",destination_service_name="cart",source_workload="front-v1"`;
  return [
    [`requests, as the ${reporter} tells`, `sum by (${node}) (istio_requests_total{${one}})`, { [edge]: 10 }],
    [
      `requests by answer, as the ${reporter} tells`,
      `sum by (request_protocol,response_code,grpc_response_status,response_flags) (istio_requests_total{${one}})`,
      { 'http 200 -': 6, 'http 404 -': 1, 'http 500 -': 1, 'http 503 -': 1, '0 grpc 200 -': 1 },
    ],
    [
      `messages sent, as the ${reporter} tells`,
      `sum by (${node}) (istio_request_messages_total{${one}})`,
      { [edge]: 1 },
    ],
    [
      `messages received, as the ${reporter} tells`,
      `sum by (${node}) (istio_response_messages_total{${one}})`,
      { [edge]: 1 },
    ],
    [`bytes, as the ${reporter} tells`, `sum by (${node}) (istio_tcp_sent_bytes_total{${one}})`, { [edge]: 13 }],
  ];
});

const failing: Query = [
  'requests that reached nobody',
  'sum by (destination_service,response_flags) (istio_requests_total{reporter="source",destination_workload_namespace="unknown",destination_workload="unknown",destination_service=~"^.+\\\\.shop\\\\..+$"})',
  { 'empty.shop.svc.cluster.local UH': 1 },
];

const security: Query = [
  'security of edges',
  'sum by (source_principal,destination_principal,connection_security_policy) (istio_requests_total{reporter="destination",destination_workload_namespace="shop"})',
  {
    'mutual_tls spiffe://cluster.local/ns/shop/sa/cart spiffe://cluster.local/ns/shop/sa/front': 10,
    'none unknown unknown': 1,
  },
];

test.each(queriesOf(servicesDashboard))('our dashboard of services: %s: %s', async (_title, expression) => {
  // What changes between two scrapes is the test's to make: totals instead of rates.
  const totals = expression.replaceAll(/rate\(([^[]+)\[30s\]\)/g, '$1');
  const found = await eventually(
    () => observer.query(totals),
    (series) => series.length > 0,
    3_000,
  );
  expect(found).not.toEqual([]);
});

describe.each(Object.entries({ ...dashboards, "Kiali's graph": [...graph, failing, security] }))('%s', (_, queries) => {
  test.each(queries)('%s', async (_what, expression, answer) => {
    const found = await eventually(
      async () => told(await observer.query(expression)),
      (now) => canonicalText(now) === canonicalText(answer),
      3_000,
    );
    expect(found).toEqual(answer);
  });
});
