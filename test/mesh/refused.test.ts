import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import type { Line } from '../support/mesh/control-plane-process.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * Configuration that Envoy rejects although it keeps all rules of Envoy's API: an address that is none. One proxy sees it, and a
 * proxy that starts afterwards comes up with what was good before.
 */

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let late: MeshPod;

const address = '10.96.0.5';
const noAddress = '10.96.0.999';
const ports = [{ name: 'http', port: 80, target: 8080 }];

beforeAll(async () => {
  scene = await openMesh('refused', [{ name: 'front' }, { name: 'cart' }, { name: 'late' }]);
  [front, cart, late] = ['front', 'cart', 'late'].map((name) => scene.pods[name]) as [MeshPod, MeshPod, MeshPod];
  await cart.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(3);
});

afterAll(() => scene.stop());

const rejections = (): readonly Line[] => scene.controlPlane.lines.filter(({ type }) => type === 'rejected');

/** The Service with these addresses. */
function called(addresses: readonly string[], more: JsonObject = {}): JsonObject {
  const [service] = serviceObjects('cart', address, ports, [cart]);
  const [port] = ports;
  return {
    ...service,
    spec: { clusterIP: address, clusterIPs: addresses, ports: [{ ...port, protocol: 'TCP', ...more }] },
  };
}

/** The same, now for a protocol that is not looked into: its listeners and clusters change, its routes go. */
const changed = (addresses: readonly string[]): JsonObject => called(addresses, { appProtocol: 'tcp' });

async function restart(pod: MeshPod): Promise<void> {
  await pod.stopProxy();
  await scene.controlPlane.untilInSync(2);
  await pod.startProxy();
  await scene.controlPlane.untilInSync(3);
}

test('a listener that Envoy rejects is seen by one proxy, and the Service stays as it was for all', async () => {
  await late.stopProxy();
  await scene.controlPlane.untilInSync(2);
  scene.set(changed([address, noAddress]));
  await until('a rejection', () => rejections()[0]);
  await scene.controlPlane.untilInSync(2);
  expect(rejections()).toEqual([
    expect.objectContaining({
      kind: 'listener',
      name: `${noAddress}_80`,
      owner: 'shop/cart',
      isWithheld: true,
      text: expect.stringContaining(noAddress),
    }),
  ]);
  expect((await front.app.ask({ url: `http://${address}/front` })).status).toBe(200);

  await late.startProxy();
  await scene.controlPlane.untilInSync(3);
  expect((await late.app.ask({ url: `http://${address}/late` })).status).toBe(200);
  // It was an HTTP request, as before the change.
  await until('the request in the log', () => late.log().includes('"path":"/late"') || undefined);
  expect(rejections()).toHaveLength(1);
});

test('once its owner has mended it, all proxies have it', async () => {
  scene.set(changed([address, '10.96.0.6']));
  await scene.controlPlane.untilInSync(3);
  for (const pod of [front, late]) {
    expect((await pod.app.ask({ url: 'http://10.96.0.6/mended' })).status).toBe(200);
    expect(pod.admin('/listeners')).not.toContain(noAddress);
    // Nothing looks into the connection now.
    expect(pod.log()).not.toContain('"path":"/mended"');
  }
  expect(rejections()).toHaveLength(1);
});

test('endpoints that Envoy rejects do not take the good ones from a proxy that starts', async () => {
  const [, slice] = serviceObjects('cart', address, ports, [cart]);
  scene.set({ ...slice, endpoints: [...(slice['endpoints'] as JsonObject[]), { addresses: [noAddress] }] });
  await until('a rejection of endpoints', () => rejections().find(({ kind }) => kind === 'endpoints'));
  await scene.controlPlane.untilInSync(3);
  const before = rejections().length;
  await restart(late);
  expect((await late.app.ask({ url: `http://${address}/with-old-endpoints` })).status).toBe(200);
  expect(rejections()).toHaveLength(before);
  scene.set(slice);
  await scene.controlPlane.untilInSync(3);
});

test('a new Service that Envoy rejects keeps nobody from starting', async () => {
  const [service, slice] = serviceObjects('odd', noAddress, ports, [cart]);
  const before = rejections().length;
  scene.set(service, slice);
  await until('a rejection', () => rejections()[before]);
  await scene.controlPlane.untilInSync(3);
  await restart(late);
  expect((await late.app.ask({ url: `http://${address}/beside-it` })).status).toBe(200);
  expect(rejections()).toHaveLength(before + 1);
});

// The API server takes both: zeros in front, and any number as a slice's port.
test.each<[string, JsonObject]>([
  ['rejected', { endpoints: [{ addresses: ['010.0.0.1'] }] }],
  ['refused', { ports: [{ name: 'http', port: -1, protocol: 'TCP' }] }],
])('a new Service whose endpoints are %s keeps nobody from starting', async (type, odd) => {
  const [service, slice] = serviceObjects(type, '10.96.0.8', ports, [cart]);
  scene.set(service, { ...slice, ...odd });
  const name = `outbound|80||${type}.shop.svc.cluster.local`;
  await until('a word about it', () =>
    scene.controlPlane.lines.find((one) => one.type === type && one['name'] === name),
  );
  await scene.controlPlane.untilInSync(3);
  await restart(late);
  expect((await late.app.ask({ url: `http://${address}/beside-${type}` })).status).toBe(200);
  scene.delete(service, slice);
  await scene.controlPlane.untilInSync(3);
});

test(`none of ${manyRequests} requests fails while what Envoy rejects comes and goes, and a proxy starts meanwhile`, async () => {
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(3);
  let times = 0;
  const { answered, failures } = await underLoad(front.app, `http://${address}/`, async () => {
    times += 1;
    const before = rejections().length;
    scene.set(called([address, `10.96.0.${300 + times}`]));
    await until('a rejection', () => rejections()[before]);
    await restart(late);
    expect((await late.app.ask({ url: `http://${address}/beside-${times}` })).status).toBe(200);
    scene.set(...serviceObjects('cart', address, ports, [cart]));
    await scene.controlPlane.untilInSync(3);
    expect(rejections()).toHaveLength(before + 1);
  });
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
});
