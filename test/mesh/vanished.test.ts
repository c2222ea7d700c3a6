import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openMesh, port, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { eventually, until } from '../support/waiting.ts';

jest.setTimeout(150_000);

/*
 * A node that dies says nothing. Neither does its connection to another node, on which the keep-alive of the applications
 * counts no more: that of the proxies does. Only bytes that nobody has acknowledged hide the death for longer, because the
 * kernel sends them again for a quarter of an hour (docs/data-plane.md).
 */

const limitMs = 80_000;
const ports = { tcp: 9000, http: 8080, grpc: 8082 };

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

beforeAll(async () => {
  scene = await openMesh('vanished', [{ name: 'front' }, { name: 'cart' }]);
  [front, cart] = ['front', 'cart'].map((name) => scene.pods[name]) as [MeshPod, MeshPod];
  await cart.app.listen({ kind: 'echo', port: ports.tcp });
  await cart.app.listen({ kind: 'http', port: ports.http });
  await cart.app.listen({ kind: 'h2c', port: ports.grpc });
  const named = Object.entries(ports).map(([name, port]) => ({ name, port, target: port }));
  scene.set(...serviceObjects('cart', '10.96.0.5', named, [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

function connections(): Promise<readonly number[]> {
  return Promise.all(Object.values(ports).map((port) => cart.app.connected({ port })));
}

/** Bytes that both pods have sent and nobody has acknowledged. */
async function unacknowledged(): Promise<number> {
  const sockets = [front, cart].map(({ network }) =>
    scene.network.run(network.name, ['ss', '--tcp', '--numeric', '--no-header', 'state', 'established']),
  );
  expect(sockets.map(({ status }) => status)).toEqual([0, 0]);
  const waiting = sockets.flatMap(({ stdout }) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.trim().split(/\s+/)[1])),
  );
  expect(waiting.length).toBeGreaterThan(6);
  return waiting.reduce((sum, one) => sum + one, 0);
}

function leftByControlPlane(): Promise<true> {
  const isLeft = async () => (await scene.controlPlane.inSync()).length === 1 || undefined;
  return until('the control plane to leave the proxy', isLeft, limitMs);
}

/** Whether the proxy of the server has a connection to the control plane. Across a link that is cut it cannot get another one. */
function isConnected(): boolean {
  const words = ['ss', '--tcp', '--no-header', 'state', 'established', 'dst', `${scene.network.hubV4}:${port}`];
  return scene.network.run(cart.network.name, words).stdout.trim() !== '';
}

test('both sides of mutual TLS learn that the other one has vanished, within a minute, and so do a proxy and the control plane', async () => {
  const host = '10.96.0.5';
  const path = `/slow?ms=${2 * limitMs}`;
  const seen = Promise.all([
    front.app.dial({ host, port: ports.tcp, send: '\u0001hello\n', untilClosed: true, keepAliveMs: 2_000, limitMs }),
    front.app.ask({ url: `http://${host}:${ports.http}${path}`, limitMs }),
    front.app.askHttp2({ url: `http://${host}:${ports.grpc}${path}` }),
  ]);
  expect(await eventually(connections, (counts) => counts.every((one) => one === 1))).toEqual([1, 1, 1]);
  expect(await eventually(unacknowledged, (bytes) => bytes === 0)).toBe(0);
  expect(isConnected()).toBe(true);
  const cut = scene.network.run(scene.network.hub, ['ip', 'link', 'set', 'pod1', 'down']);
  expect(cut.status).toBe(0);
  const left = Promise.all([
    leftByControlPlane(),
    until('the proxy to leave the control plane', () => !isConnected() || undefined, limitMs),
  ]);
  expect(await eventually(connections, (counts) => counts.every((one) => one === 0), limitMs)).toEqual([0, 0, 0]);
  const [tcp, http, http2] = await seen;
  expect([tcp.ending, http.status, http2.status]).toEqual(['closed', 503, 503]);
  // Neither side of a stream of the control plane has said anything.
  await left;
});
