import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createLeafIssuer } from '../../src/certs/elliptic-certificate.ts';
import { meshProtocols } from '../../src/envoy/mesh-tls.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { eventually, until } from '../support/waiting.ts';
import { labelled, labelsOf, nobody, observe, service, type Observer } from '../support/mesh/observed-mesh.ts';

jest.setTimeout(120_000);

const addresses = { cart: '10.96.0.5', legacy: '10.96.0.6', stolen: '10.96.0.7', empty: '10.96.0.8' };
const ports = [
  { name: 'http', port: 80, target: 8080 },
  { name: 'tcp', port: 81, target: 9000 },
  { name: 'grpc', port: 82, target: 8082 },
];
const check = '/grpc.health.v1.Health/Check';
const messages = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString('base64');
const grpc = { headers: { 'content-type': 'application/grpc', te: 'trailers' }, body: messages };

let scene: MeshScene;
let front: MeshPod;
let admin: MeshPod;
let cart: MeshPod;
let legacy: MeshPod;
let observer: Observer;

beforeAll(async () => {
  scene = await openMesh('telemetry', [
    labelled('front', 'v1'),
    labelled('admin', 'v3'),
    labelled('cart', 'v2'),
    labelled('legacy', 'v0', { proxy: 'none' }),
  ]);
  const pods = scene.pods as Record<'front-v1' | 'admin-v3' | 'cart-v2' | 'legacy-v0', MeshPod>;
  ({ 'front-v1': front, 'admin-v3': admin, 'cart-v2': cart, 'legacy-v0': legacy } = pods);
  for (const { app } of [cart, legacy]) {
    await app.listen({ kind: 'http', port: 8080 });
    await app.listen({ kind: 'banner', port: 9000, text: 'from the pod\n' });
    await app.listen({ kind: 'grpc', port: 8082 });
  }
  const [stolen, slice] = serviceObjects('stolen', addresses.stolen, ports, [cart]);
  const endpoint = {
    addresses: [cart.network.v4],
    conditions: { ready: true },
    targetRef: { kind: 'Pod', namespace: 'shop', name: 'admin-v3' },
  };
  scene.set(
    ...serviceObjects('cart', addresses.cart, ports, [cart]),
    ...serviceObjects('legacy', addresses.legacy, ports, [legacy]),
    ...serviceObjects('empty', addresses.empty, ports, []),
    // Its endpoints say that the address belongs to somebody else.
    stolen,
    { ...slice, endpoints: [endpoint] },
  );
  await scene.controlPlane.untilInSync(3);
  observer = await observe(scene, [front, admin, cart]);
});

afterAll(async () => {
  await observer.stop();
  await scene.stop();
});

const unknown = { connection_security_policy: 'unknown' };
const secured = { connection_security_policy: 'mutual_tls' };
const fine = { response_flags: '-' };

/** Labels of what a client has counted, and of what the server has, by mutual TLS. */
function bothSides(client: string, of: string, more: Readonly<Record<string, string>>): readonly object[] {
  const ends = { ...labelsOf('source', client, true), ...labelsOf('destination', 'cart-v2', true), ...service(of) };
  return [
    { reporter: 'source', ...ends, ...unknown, ...fine, ...more },
    { reporter: 'destination', ...ends, ...secured, ...fine, ...more },
  ];
}

describe('by mutual TLS, both sides count the same', () => {
  test('requests, by code', async () => {
    for (let count = 0; count < 7; count++) await front.app.ask({ url: `http://${addresses.cart}/` });
    for (let count = 0; count < 2; count++) await front.app.ask({ url: `http://${addresses.cart}/status/404` });
    for (let count = 0; count < 3; count++) await admin.app.ask({ url: `http://${addresses.cart}/status/503` });
    const of = 'istio_requests_total{destination_service="cart.shop.svc.cluster.local"}';
    const expected = (
      [
        ['front-v1', '200', 7],
        ['front-v1', '404', 2],
        ['admin-v3', '503', 3],
      ] as const
    ).flatMap(([client, response_code, value]) =>
      bothSides(client, 'cart', { request_protocol: 'http', response_code }).map((labels) => ({ labels, value })),
    );
    const found = await observer.sum(of, 24);
    expect(found).toEqual(expect.arrayContaining(expected));
    expect(found).toHaveLength(expected.length);
  });

  test.each(['request_duration_milliseconds', 'request_bytes', 'response_bytes'])('%s', async (name) => {
    const found = await observer.sum(`istio_${name}_count{response_code="404"}`, 4);
    expect(found).toEqual(
      expect.arrayContaining(
        bothSides('front-v1', 'cart', { request_protocol: 'http', response_code: '404' }).map((labels) => ({
          labels,
          value: 2,
        })),
      ),
    );
    const buckets = await observer.query(`istio_${name}_bucket{response_code="404",le="+Inf"}`);
    expect(buckets.map(({ value }) => value)).toEqual([2, 2]);
  });

  test('gRPC, by status, and its messages, of two clients', async () => {
    const url = `http://${addresses.cart}:82${check}`;
    for (const client of [front, front, admin]) await client.app.askHttp2({ url, ...grpc });
    await front.app.askHttp2({ url: `http://${addresses.empty}:82${check}`, ...grpc });
    const requests = await observer.sum('istio_requests_total{request_protocol="grpc"}', 7);
    const answers = { request_protocol: 'grpc', response_code: '200' };
    const statuses = (
      [
        ['front-v1', '0', 2],
        ['admin-v3', '0', 1],
      ] as const
    ).flatMap(([client, grpc_response_status, value]) =>
      bothSides(client, 'cart', { ...answers, grpc_response_status }).map((labels) => ({ labels, value })),
    );
    expect(requests).toEqual(expect.arrayContaining(statuses));
    const refused = requests.filter(({ labels }) => labels['grpc_response_status'] === '14');
    expect(refused).toMatchObject([{ labels: { reporter: 'source', response_flags: 'UH' }, value: 1 }]);
    const numbers = (of: readonly number[]): readonly object[] =>
      ['front-v1', 'admin-v3'].flatMap((client, index) =>
        bothSides(client, 'cart', { request_protocol: 'grpc' }).map((labels) => ({ labels, value: of[index] })),
      );
    expect(await observer.sum('istio_request_messages_total', 12)).toEqual(
      expect.arrayContaining([...numbers([4, 2])]),
    );
    expect(await observer.sum('istio_response_messages_total', 6)).toEqual(
      expect.arrayContaining([...numbers([2, 1])]),
    );
  });

  test('connections and their bytes, of two clients', async () => {
    const to = { host: addresses.cart, port: 81 };
    await front.app.dial({ ...to, send: 'four' });
    await front.app.dial({ ...to, send: 'four more' });
    await admin.app.dial({ ...to, send: 'x'.repeat(100_000), until: 'pod\n' });
    const of = '{destination_service="cart.shop.svc.cluster.local"}';
    await observer.sum(`istio_tcp_connections_closed_total${of}`, 6);
    const values = {
      connections_opened_total: [2, 1],
      connections_closed_total: [2, 1],
      sent_bytes_total: [26, 13],
    };
    for (const [name, byClient] of Object.entries(values)) {
      const expected = ['front-v1', 'admin-v3'].flatMap((client, index) =>
        bothSides(client, 'cart', { request_protocol: 'tcp' }).map((labels) => ({ labels, value: byClient[index] })),
      );
      const found = await observer.sum(`istio_tcp_${name}${of}`, 2 * (byClient[0] ?? 0) + 2 * (byClient[1] ?? 0));
      expect(found).toEqual(expect.arrayContaining(expected));
      expect(found).toHaveLength(4);
    }
    const received = await observer.query(`istio_tcp_received_bytes_total{source_workload="front-v1"}`);
    expect(received.map(({ value }) => value)).toEqual([13, 13]);
  });
});

describe('without it', () => {
  test('a client knows a server without a proxy by its endpoint', async () => {
    await front.app.ask({ url: `http://${addresses.legacy}/status/201` });
    await front.app.dial({ host: addresses.legacy, port: 81 });
    const ends = {
      reporter: 'source',
      ...labelsOf('source', 'front-v1', false),
      ...labelsOf('destination', 'legacy-v0', false),
      ...service('legacy'),
      ...unknown,
      ...fine,
    };
    expect(await observer.sum('istio_requests_total{response_code="201"}', 1)).toEqual([
      { labels: { ...ends, request_protocol: 'http', response_code: '201' }, value: 1 },
    ]);
    const bytes = 'istio_tcp_sent_bytes_total{destination_service_name="legacy"}';
    expect(await observer.sum(bytes, 13)).toEqual([{ labels: { ...ends, request_protocol: 'tcp' }, value: 13 }]);
  });

  test('nobody knows a client, whatever it says', async () => {
    const url = `http://${cart.network.v4}:8080/status/202`;
    for (let count = 0; count < 5; count++) {
      const invented = `invented-${count}`;
      await scene.outside.ask({
        url,
        headers: {
          Host: `${invented}.shop.svc.cluster.local`,
          'X-Envoy-Peer-Metadata': invented,
          'X-Envoy-Peer-Metadata-Id': invented,
          'X-Forwarded-Client-Cert': `URI=spiffe://cluster.local/ns/shop/sa/${invented}`,
          Baggage: `k8s.deployment.name=${invented}`,
        },
      });
    }
    expect(await observer.sum('istio_requests_total{response_code="202"}', 5)).toEqual([
      {
        labels: {
          reporter: 'destination',
          ...nobody('source'),
          ...labelsOf('destination', 'cart-v2', false),
          destination_service: 'cart',
          destination_service_name: 'cart',
          destination_service_namespace: 'shop',
          connection_security_policy: 'none',
          ...fine,
          request_protocol: 'http',
          response_code: '202',
        },
        value: 5,
      },
    ]);
  });
});

describe('what fails', () => {
  test('at a server with another identity is counted by the client alone, with the Service that it meant', async () => {
    const labels = {
      reporter: 'source',
      ...labelsOf('source', 'front-v1', false),
      ...nobody('destination'),
      ...service('stolen'),
      ...unknown,
      response_flags: 'URX,UF',
    };
    await front.app.ask({ url: `http://${addresses.stolen}/` });
    expect(await observer.sum('istio_requests_total{destination_service_name="stolen"}', 1)).toEqual([
      { labels: { ...labels, request_protocol: 'http', response_code: '503' }, value: 1 },
    ]);
    await front.app.dial({ host: addresses.stolen, port: 81, untilClosed: true });
    for (const moment of ['opened', 'closed']) {
      const name = `istio_tcp_connections_${moment}_total{destination_service_name="stolen"}`;
      expect(await observer.sum(name, 1)).toEqual([
        { labels: { ...labels, response_flags: 'UF,URX', request_protocol: 'tcp' }, value: 1 },
      ]);
    }
  });

  test('because a Service has no endpoints is counted as a call of that Service', async () => {
    await front.app.ask({ url: `http://${addresses.empty}/` });
    await front.app.dial({ host: addresses.empty, port: 81, untilClosed: true });
    const labels = {
      reporter: 'source',
      ...labelsOf('source', 'front-v1', false),
      ...nobody('destination'),
      ...service('empty'),
      ...unknown,
      response_flags: 'UH',
    };
    expect(
      await observer.sum('istio_requests_total{destination_service_name="empty",request_protocol="http"}', 1),
    ).toEqual([{ labels: { ...labels, request_protocol: 'http', response_code: '503' }, value: 1 }]);
    const opened = 'istio_tcp_connections_opened_total{destination_service_name="empty"}';
    expect(await observer.sum(opened, 1)).toEqual([{ labels: { ...labels, request_protocol: 'tcp' }, value: 1 }]);
  });
});

test('a headless Service is known by the pod that has the address', async () => {
  const port = { name: 'http', port: 8080, target: 8080 };
  scene.set(...serviceObjects('carts', 'None', [port], [cart]));
  await scene.controlPlane.untilInSync(3);
  await front.app.ask({ url: `http://${cart.network.v4}:8080/status/203` });
  const expected = bothSides('front-v1', 'carts', { request_protocol: 'http', response_code: '203' });
  const found = await observer.sum('istio_requests_total{response_code="203"}', 2);
  expect(found).toEqual(expect.arrayContaining(expected.map((labels) => ({ labels, value: 1 }))));
});

describe('a client with a certificate', () => {
  const day = 24 * 60 * 60 * 1000;
  const get = 'GET /status/204 HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n';

  function call(protocol: string, servername: string, authority: 'mesh' | 'own', send = get): Promise<unknown> {
    const uris = ['spiffe://cluster.local/ns/other/sa/thief'];
    const note = 'cart-v2 shop cart v2 cart v2';
    const leaf = createLeafIssuer(scene.authorities[authority]).issue({
      names: { uris, note },
      now: new Date(),
      lifetimeMs: day,
    });
    const tls = { ALPNProtocols: [protocol], servername, cert: leaf.certificate, key: leaf.privateKey };
    return scene.outside.dial({ host: cart.network.v4, port: 8080, send, untilClosed: true, tls });
  }

  test('is of the namespace of its identity, and calls a Service of the pod', async () => {
    await call(meshProtocols.http, 'outbound_.80_._.cart.other.svc.cluster.local', 'mesh');
    await call(meshProtocols.http, 'invented.example', 'mesh');
    // Separators of what is counted, and of the page.
    await call(meshProtocols.http, 'a;b"} c', 'mesh');
    // Names of Services that do not exist, of one that does not lead to this pod, and of a port that its Service does not have.
    for (const name of ['a.shop', 'b.shop', 'empty.shop']) {
      await call(meshProtocols.http, `outbound_.80_._.${name}.svc.cluster.local`, 'mesh');
    }
    await call(meshProtocols.http, 'outbound_.8099_._.cart.shop.svc.cluster.local', 'mesh');
    const [one, ...more] = await observer.sum('istio_requests_total{response_code="204"}', 7);
    expect([one?.value, more]).toEqual([7, []]);
    const counted = cart.admin('/stats/prometheus').split('\n');
    expect(counted.filter((line) => /^envoy_istio_requests_total.*204/.test(line))).toHaveLength(1);
    expect(one?.labels).toMatchObject({
      source_workload_namespace: 'other',
      source_principal: 'spiffe://cluster.local/ns/other/sa/thief',
      destination_service: 'cart',
      destination_service_namespace: 'shop',
    });
    expect(await observer.lastError()).toBe('');
  });

  test('is counted for the Service whose name it says, if that leads to the pod', async () => {
    const cartName = 'outbound_.80_._.cart.shop.svc.cluster.local';
    const get205 = get.replace('204', '205');
    await call(meshProtocols.http, cartName, 'mesh', get205);
    const [one] = await observer.sum('istio_requests_total{response_code="205"}', 1);
    expect(one?.labels).toMatchObject({ destination_service: 'cart.shop.svc.cluster.local' });
  });

  test('that the mesh has not signed is not counted, and the application does not notice it', async () => {
    await eventually(
      () => cart.app.connected({ port: 8080 }),
      (count) => count === 0,
    );
    await call(meshProtocols.tcp, 'outbound_.80_._.cart.shop.svc.cluster.local', 'own');
    await call(meshProtocols.http, 'outbound_.80_._.cart.shop.svc.cluster.local', 'own');
    expect(await cart.app.connected({ port: 8080 })).toBe(0);
    // By then, what came before has been counted and scraped.
    await front.app.ask({ url: `http://${addresses.cart}/status/206` });
    await observer.sum('istio_requests_total{response_code="206"}', 2);
    expect(await observer.query('{source_principal=~".*thief",request_protocol="tcp"}')).toEqual([]);
  });
});

test('the access log names the Service and both identities', async () => {
  await front.app.ask({ url: `http://${addresses.cart}/for-the-log` });
  const line = ({ name, log }: MeshPod): Promise<unknown> =>
    until(`a line of ${name}`, () => {
      const text = /^.*"\/for-the-log".*$/m.exec(log())?.[0];
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    });
  expect(await line(front)).toMatchObject({
    upstream_cluster: 'outbound|80||cart.shop.svc.cluster.local',
    upstream_peer_uri_san: 'spiffe://cluster.local/ns/shop/sa/cart',
    downstream_peer_uri_san: null,
  });
  expect(await line(cart)).toMatchObject({
    requested_server_name: 'outbound_.80_._.cart.shop.svc.cluster.local',
    downstream_peer_uri_san: 'spiffe://cluster.local/ns/shop/sa/front',
    upstream_peer_uri_san: null,
  });
});

test('no proxy has rejected anything', () => {
  expect(scene.controlPlane.complaints()).toEqual([]);
});
