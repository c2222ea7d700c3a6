import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { mostPlainClients } from '../../src/envoy/plain-clients.ts';
import { runCommand } from '../support/builders/recorded-io.ts';
import {
  openMesh,
  podObject,
  serviceObjects,
  type MeshPod,
  type MeshPodOptions,
  type MeshScene,
} from '../support/mesh/mesh-scene.ts';
import { replicaPage, startStatusApi, type StatusApi } from '../support/mesh/status-api.ts';
import { selfSigned } from '../support/http/self-signed.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(90_000);

/*
 * `mesh status` with real proxies: who calls a pod in plain text. In the place of the API server stands one that has the pods and passes questions on to them.
 */

const address = '10.96.0.5';
const wanted: readonly MeshPodOptions[] = [
  { name: 'front' },
  { name: 'cart' },
  { name: 'legacy', proxy: 'none' },
  { name: 'silent', settings: { metrics: { istio: false, merge: true } } },
];

let scene: MeshScene;
let api: StatusApi;
let front: MeshPod;
let cart: MeshPod;
let legacy: MeshPod;

beforeAll(async () => {
  scene = await openMesh('plain', wanted);
  ({ front, cart, legacy } = scene.pods as Record<'front' | 'cart' | 'legacy', MeshPod>);
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'echo', port: 9000 });
  await cart.app.listen({ kind: 'http', port: 9443, tls: { ...selfSigned(), ALPNProtocols: ['http/1.1'] } });
  scene.set(...serviceObjects('cart', address, [{ name: 'http', port: 80, target: 8080 }], [cart]));
  await scene.controlPlane.untilInSync(3);
  api = await startStatusApi();
  const pods = wanted.map((options, index) => podObject(options, index, (scene.pods[options.name] as MeshPod).network));
  const replica = { metadata: { namespace: 'sidecar-injector-system', name: 'mesh-1' }, spec: {}, status: {} };
  api.collections.set('/api/v1/pods', [...pods, replica]);
  api.collections.set('/apis/discovery.k8s.io/v1/namespaces/sidecar-injector-system/endpointslices', [
    {
      metadata: { labels: { 'kubernetes.io/service-name': 'sidecar-injector-mesh' } },
      endpoints: [{ targetRef: { name: 'mesh-1' } }],
    },
  ]);
  api.page = async (pod, port, page) => {
    const name = pod.slice('shop/'.length);
    if (port === 9090) return replicaPage(page, 3);
    return scene.outside.ask({ url: `http://${scene.pods[name]?.network.v4}:${port}${page}` });
  };
});
afterAll(async () => {
  await api.server.close();
  await scene.stop();
});

interface Status {
  readonly servers: readonly {
    readonly name: string;
    readonly isFull: boolean;
    readonly countedSince?: string;
    readonly unread: readonly JsonObject[];
    readonly plainText: readonly { readonly address: string; readonly port: number }[];
  }[];
}

async function statusOf(name: string): Promise<Status['servers'][number] | undefined> {
  const { stdout } = await runCommand(['mesh', 'status', '--kubeconfig', api.server.kubeconfig, '-o', 'json']);
  return (JSON.parse(stdout) as Status).servers.find((server) => server.name === name);
}

const callsOf = async (name: string) => (await statusOf(name))?.plainText;

const podCaller = (name: string, hasProxy: boolean): unknown =>
  expect.objectContaining({ type: 'pod', pod: `shop/${name}`, hasProxy });

test('nobody is named who calls by mutual TLS', async () => {
  for (let count = 0; count < 3; count++) await front.app.ask({ url: `http://${address}/` });
  expect(await callsOf('cart')).toEqual([]);
});

test('requests and connections are counted by the address of their client, and by the port', async () => {
  const { v4 } = cart.network;
  for (let count = 0; count < 3; count++) await legacy.app.ask({ url: `http://${v4}:8080/` });
  await legacy.app.ask({ url: `http://${v4}:8080/`, headers: { 'X-Forwarded-For': '10.1.2.3' } });
  await legacy.app.dial({ host: v4, port: 9000, send: 'hello', until: 'hello' });
  // TLS of the application is not that of the mesh, and would be refused as well.
  const tls = { ALPNProtocols: ['http/1.1'] };
  await scene.outside.dial({
    host: v4,
    port: 9443,
    send: 'GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n',
    untilClosed: true,
    tls,
  });
  // A pod of the mesh that dials the address of a pod.
  await front.app.ask({ url: `http://${v4}:8080/` });
  await scene.outside.ask({ url: `http://${v4}:8080/` });
  const none = { requests: 0, connections: 0, open: 0, refused: 0, mode: 'PERMISSIVE' };
  const expected = [
    { ...none, port: 8080, address: legacy.network.v4, client: podCaller('legacy', false), requests: 4 },
    { ...none, port: 8080, address: front.network.v4, client: podCaller('front', true), requests: 1 },
    { ...none, port: 8080, client: { type: 'unknown' }, requests: 1 },
    { ...none, port: 9000, address: legacy.network.v4, client: podCaller('legacy', false), connections: 1 },
    { ...none, port: 9443, client: { type: 'unknown' }, connections: 1 },
  ];
  const found = await eventually(
    () => callsOf('cart'),
    (calls) =>
      (calls ?? []).filter(
        (one) => 'connections' in one && one['connections'] === 1 && 'open' in one && one['open'] === 0,
      ).length === 2,
  );
  expect(found).toHaveLength(expected.length);
  expect(found).toEqual(expect.arrayContaining(expected.map((one) => expect.objectContaining(one as object))));
});

test('a proxy that counts nothing, and one that does not answer, are named', async () => {
  expect(await statusOf('silent')).toMatchObject({
    plainText: [],
    unread: [{ pod: 'silent', problem: 'its proxy counts nothing (proxy.metrics.istio is false)' }],
  });
  await front.stopProxy();
  expect(await statusOf('front')).toMatchObject({
    plainText: [],
    unread: [{ pod: 'front', problem: expect.stringContaining('503') as unknown }],
  });
  await front.startProxy();
});

test('with more clients than are counted, it says so', async () => {
  const dialled = Array.from({ length: mostPlainClients + 20 }, (_, index) => 20_000 + index);
  await Promise.all(
    dialled.map((port) => legacy.app.dial({ host: cart.network.v4, port, send: 'x', untilClosed: true })),
  );
  const { plainText = [], isFull } = (await statusOf('cart')) ?? {};
  expect(isFull).toBe(true);
  expect(new Set(plainText.map(({ port }) => port)).size).toBe(mostPlainClients + 1);
});

test('with STRICT, those who are refused are named; counting has begun anew', async () => {
  const metadata = { namespace: 'shop', name: 'default', uid: 'default', generation: 1 };
  const strict = {
    kind: 'PeerAuthentication',
    apiVersion: 'security.istio.io/v1',
    metadata,
    spec: { mtls: { mode: 'STRICT' } },
  };
  const before = (await statusOf('cart'))?.countedSince ?? '';
  scene.set(strict);
  api.collections.set('/apis/security.istio.io/v1/peerauthentications', [strict]);
  const peer = { host: cart.network.v4, port: 8080 };
  await eventually(
    () => legacy.app.dial({ ...peer, send: 'GET / HTTP/1.1\r\nhost: cart\r\n\r\n', limitMs: 1_000 }),
    ({ text }) => text === '',
  );
  await legacy.app.dial({ ...peer, port: 9000, send: 'hello', untilClosed: true });
  const found = await eventually(
    () => statusOf('cart'),
    (one) => one?.plainText.length === 2,
  );
  expect(found).toMatchObject({
    isFull: false,
    plainText: [8080, 9000].map((port) => ({
      port,
      client: podCaller('legacy', false),
      mode: 'STRICT',
      requests: 0,
      connections: 0,
      open: 0,
    })),
  });
  expect(found?.plainText[0]).toHaveProperty('refused', expect.any(Number));
  expect((found?.countedSince ?? '') > before).toBe(true);
});
