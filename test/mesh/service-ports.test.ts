import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { selfSigned } from '../support/http/self-signed.ts';
import { askAt, bannerAt, podOf } from '../support/mesh/calls.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { clusterIps, endpointOf, objectsOf } from '../support/mesh/service-objects.ts';

jest.setTimeout(120_000);

/*
 * How connections to the ports of a Service are read, by what the port says.
 */

/** An address that the hub has, too, so that it hears what is not captured. */
const shared = '10.96.9.3';
const tls = selfSigned();

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

beforeAll(async () => {
  scene = await openMesh('ports', [
    // Whoever waits for a client's first words waits longer than any test.
    { name: 'front', settings: { protocolDetectionTimeoutMs: 60_000 } },
    { name: 'cart' },
  ]);
  [front, cart] = ['front', 'cart'].map((name) => scene.pods[name]) as [MeshPod, MeshPod];
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'banner', port: 9000, text: 'cart\n' });
  await cart.app.listen({ kind: 'http', port: 9443, tls });
  await cart.app.listen({ kind: 'grpc', port: 9090 });
  const added = scene.network.run(scene.network.hub, ['ip', 'address', 'add', `${shared}/32`, 'dev', 'br0']);
  expect(added.status).toBe(0);
  await scene.outside.listen({ kind: 'udp', port: 8098 });
});

afterAll(() => scene.stop());

async function apply(...objects: readonly JsonObject[]): Promise<void> {
  scene.set(...objects);
  await scene.controlPlane.untilInSync(2);
}

test.each<[JsonObject, string]>([
  [{ name: 'http' }, 'HTTP'],
  [{ name: 'grpc-web' }, 'HTTP'],
  [{ name: 'x', appProtocol: 'kubernetes.io/ws' }, 'HTTP'],
  [{ name: 'tcp', appProtocol: 'http' }, 'HTTP'],
  [{ name: 'tcp' }, 'bytes'],
  [{ name: 'http', appProtocol: 'tcp' }, 'bytes'],
  [{ name: 'x' }, 'bytes'],
  [{ name: 'http', appProtocol: 'example.com/own' }, 'bytes'],
])('%j is read as %s', async (names, reading) => {
  const ports = [{ ...names, port: 9080 }];
  await apply(
    ...objectsOf('reading', clusterIps('10.96.1.8'), ports, [
      ['IPv4', [endpointOf(cart)], { [names['name'] as string]: 8080 }],
    ]),
  );
  const { rawHeaders } = await askAt(front.app, '10.96.1.8', 9080);
  expect(rawHeaders.map((header) => header.toLowerCase()).includes('x-request-id')).toBe(reading === 'HTTP');
});

test('TLS of the application on a port that is called http', async () => {
  const ports = [{ name: 'http', port: 443 }];
  await apply(...objectsOf('wrong', clusterIps('10.96.1.9'), ports, [['IPv4', [endpointOf(cart)], { http: 9443 }]]));
  expect((await front.app.ask({ url: 'https://10.96.1.9/' })).status).toBe(200);
});

test('TLS of the application stays its own inside mutual TLS', async () => {
  const ports = [{ name: 'https', port: 443 }];
  await apply(
    ...objectsOf('own-tls', clusterIps('10.96.1.19'), ports, [['IPv4', [endpointOf(cart)], { https: 9443 }]]),
  );
  const { status, fingerprint } = await front.app.ask({ url: 'https://10.96.1.19/' });
  expect([status, fingerprint]).toEqual([200, new X509Certificate(tls.cert).fingerprint256]);
});

test('gRPC with its trailers, and WebSocket', async () => {
  const ports = [
    { name: 'grpc', port: 9090 },
    { name: 'http', port: 80 },
  ];
  await apply(
    ...objectsOf('talking', clusterIps('10.96.1.20'), ports, [
      ['IPv4', [endpointOf(cart)], { grpc: 9090, http: 8080 }],
    ]),
  );
  const answer = await front.app.askHttp2({
    url: 'http://10.96.1.20:9090/grpc.health.v1.Health/Check',
    headers: { 'content-type': 'application/grpc', te: 'trailers' },
    body: Buffer.from([0, 0, 0, 0, 0]).toString('base64'),
  });
  expect(answer).toMatchObject({ status: 200, trailers: { 'grpc-status': '0' } });
  expect(await front.app.talk({ url: 'ws://10.96.1.20/chat', text: 'hello' })).toBe('hello');
});

test('a server that speaks first on a port that says nothing is heard at once', async () => {
  const ports = [{ name: '', port: 9000 }];
  await apply(...objectsOf('first', clusterIps('10.96.1.10'), ports, [['IPv4', [endpointOf(cart)], { '': 9000 }]]));
  expect(await bannerAt(front.app, '10.96.1.10', 9000)).toBe('cart\n');
});

test('UDP goes to the address that was asked, also where TCP has the same number', async () => {
  const ports = [
    { name: 'tcp', port: 8098, protocol: 'TCP' },
    { name: 'udp', port: 8098, protocol: 'UDP' },
  ];
  await apply(...objectsOf('udp', clusterIps(shared), ports, [['IPv4', [endpointOf(cart)], { tcp: 9000 }]]));
  const datagram = await front.app.sendDatagram({ host: shared, port: 8098, text: 'ping' });
  expect(JSON.parse(datagram)).toMatchObject({ text: 'ping' });
  expect(await bannerAt(front.app, shared, 8098)).toBe('cart\n');
});

test('the name of a port changes, and nobody loses a request', async () => {
  const objects = (name: string): readonly JsonObject[] =>
    objectsOf(
      'renamed',
      clusterIps('10.96.1.11'),
      [{ name, port: 80 }],
      [['IPv4', [endpointOf(cart)], { [name]: 8080 }]],
    );
  await apply(...objects('http'));
  await front.app.startLoad({ url: 'http://10.96.1.11/', clients: 4 });
  for (const name of ['tcp', 'http', 'any', 'grpc', 'http']) await apply(...objects(name));
  const { failures, answered } = await front.app.stopLoad();
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(50);
});
test('a Service with very many ports is called at each', async () => {
  const numbers = Array.from({ length: 300 }, (_, index) => 20_000 + index);
  const ports = numbers.map((port) => ({ name: `http-${port}`, port, target: 8080 }));
  await apply(...serviceObjects('many', '10.96.1.16', ports, [cart]));
  for (const port of [20_000, 20_150, 20_299])
    expect(podOf(await askAt(front.app, '10.96.1.16', port))).toBe(cart.network.v4);
});

test('no resource is one that Envoy would reject, and no proxy has rejected any', () => {
  expect(scene.controlPlane.complaints()).toEqual([]);
});
