import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(60_000);

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let legacy: MeshPod;

const cartAddress = '10.96.0.5';
const legacyAddress = '10.96.0.6';
const ports = [
  { name: 'http', port: 80, target: 8080 },
  { name: 'tcp-greeting', port: 81, target: 9000 },
  { name: 'any', port: 8082, target: 8081 },
];

beforeAll(async () => {
  scene = await openMesh('silent', [{ name: 'front' }, { name: 'cart' }, { name: 'legacy', proxy: 'none' }]);
  ({ front, cart, legacy } = scene.pods as Record<'front' | 'cart' | 'legacy', MeshPod>);
  for (const pod of [cart, legacy]) {
    await pod.app.listen({ kind: 'http', port: 8080 });
    await pod.app.listen({ kind: 'banner', port: 9000, text: 'hello\n' });
    await pod.app.listen({ kind: 'http', port: 8081 });
  }
  scene.set(
    ...serviceObjects('cart', cartAddress, ports, [cart]),
    ...serviceObjects('legacy', legacyAddress, ports, [legacy]),
  );
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

/** Entries of a pod's access log. */
function entriesOf(pod: MeshPod): Record<string, string | null>[] {
  return pod
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, string | null>);
}

function entryOf(pod: MeshPod, path: string): Promise<Record<string, string | null>> {
  return until(`a line about ${path}`, () => entriesOf(pod).find((entry) => entry['path'] === path));
}

describe('a call by the name of a Service', () => {
  test('arrives over mutual TLS, and both sides know the Service', async () => {
    const { status } = await front.app.ask({ url: `http://${cartAddress}/by-name` });
    expect(status).toBe(200);
    const [sent, received] = await Promise.all([entryOf(front, '/by-name'), entryOf(cart, '/by-name')]);
    expect(sent).toMatchObject({ upstream_cluster: 'outbound|80||cart.shop.svc.cluster.local' });
    expect(received).toMatchObject({ requested_server_name: 'outbound_.80_._.cart.shop.svc.cluster.local' });
  });

  test('of a server that speaks first takes no longer than without a proxy', async () => {
    const { text, ms } = await front.app.dial({ host: cartAddress, port: 81, until: '\n' });
    expect(text).toBe('hello\n');
    expect(ms).toBeLessThan(400);
  });

  test('whose port does not say what it speaks arrives as HTTP where that is usual', async () => {
    expect((await front.app.ask({ url: `http://${cartAddress}:8082/undeclared` })).status).toBe(200);
    expect(await entryOf(cart, '/undeclared')).toMatchObject({
      requested_server_name: 'outbound_.8082_._.cart.shop.svc.cluster.local',
    });
  });

  test('of a pod without a proxy arrives in plain text', async () => {
    expect((await front.app.ask({ url: `http://${legacyAddress}/plain` })).status).toBe(200);
    expect((await front.app.dial({ host: legacyAddress, port: 81, until: '\n' })).text).toBe('hello\n');
  });
});

describe('a headless Service', () => {
  test('is called at the address of a pod, over mutual TLS', async () => {
    const headless = [
      { name: 'http', port: 8080, target: 8080 },
      { name: 'tcp-greeting', port: 9000, target: 9000 },
    ];
    scene.set(...serviceObjects('carts', 'None', headless, [cart, legacy]));
    await scene.controlPlane.untilInSync(2);
    expect((await front.app.ask({ url: `http://${cart.network.v4}:8080/headless` })).status).toBe(200);
    expect(await entryOf(cart, '/headless')).toMatchObject({
      requested_server_name: 'outbound_.8080_._.carts.shop.svc.cluster.local',
    });
    const { text, ms } = await front.app.dial({ host: cart.network.v4, port: 9000, until: '\n' });
    expect(text).toBe('hello\n');
    expect(ms).toBeLessThan(400);
    // A pod without a proxy is reached as before.
    expect((await front.app.ask({ url: `http://${legacy.network.v4}:8080/headless` })).status).toBe(200);
  });

  test('leads to its own pod, too', async () => {
    expect((await cart.app.ask({ url: `http://${cart.network.v4}:8080/myself` })).status).toBe(200);
    expect((await cart.app.ask({ url: `http://${cartAddress}/myself` })).status).toBe(200);
  });
});

test('a client without a proxy reaches a pod of the mesh in plain text', async () => {
  expect((await scene.outside.ask({ url: `http://${cart.network.v4}:8080/from-outside` })).status).toBe(200);
  expect(await entryOf(cart, '/from-outside')).toMatchObject({ requested_server_name: null });
});

test('an address that no Service has is reached as before', async () => {
  await scene.outside.listen({ kind: 'http', port: 8099 });
  expect((await front.app.ask({ url: `http://${scene.network.hubV4}:8099/unknown` })).status).toBe(200);
});

test('a server with another identity is refused, although it has the address', async () => {
  // The endpoints say that the address belongs to somebody else.
  const [service, slice] = serviceObjects('stolen', '10.96.0.7', [{ name: 'http', port: 80, target: 8080 }], [cart]);
  scene.set(service, {
    ...slice,
    endpoints: [
      {
        addresses: [cart.network.v4],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'front' },
      },
    ],
  });
  await scene.controlPlane.untilInSync(2);
  expect((await front.app.ask({ url: 'http://10.96.0.7/stolen' })).status).toBe(503);
});

test('a Service that is removed is an address like any other', async () => {
  const objects = serviceObjects('short', '10.96.0.8', [{ name: 'http', port: 80, target: 8080 }], [cart]);
  scene.set(...objects);
  await scene.controlPlane.untilInSync(2);
  expect((await front.app.ask({ url: 'http://10.96.0.8/there' })).status).toBe(200);
  scene.delete(...objects);
  await scene.controlPlane.untilInSync(2);
  expect(front.admin('/clusters')).not.toContain('short.shop');
  expect(front.admin('/listeners')).not.toContain('10.96.0.8');
});

test('nobody without a known token is served', async () => {
  expect(scene.controlPlane.lines.filter(({ type }) => type === 'turned-away')).toEqual([]);
});

test('no resource is one that Envoy would reject, and no proxy has rejected any', () => {
  expect(scene.controlPlane.complaints()).toEqual([]);
});
