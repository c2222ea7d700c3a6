import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';

jest.setTimeout(120_000);

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

// The listeners of so many are one message of more than 4 MiB, which is all that a gRPC client takes by default.
const count = 700;
const addressOf = (index: number): string => `10.96.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;

beforeAll(async () => {
  scene = await openMesh('many', [{ name: 'front' }, { name: 'cart' }]);
  [front, cart] = ['front', 'cart'].map((name) => scene.pods[name]) as [MeshPod, MeshPod];
  await cart.app.listen({ kind: 'http', port: 8080 });
  const ports = [{ name: 'http', port: 80, target: 8080 }];
  const services = Array.from({ length: count }, (_, index) =>
    serviceObjects(`cart-${index}`, addressOf(index), ports, [cart]),
  );
  scene.set(...services.flat());
});

afterAll(() => scene.stop());

test('a proxy starts among hundreds of Services, and reaches the last of them', async () => {
  await front.stopProxy();
  await front.startProxy();
  await scene.controlPlane.untilInSync(2);
  const { status } = await front.app.ask({ url: `http://${addressOf(count - 1)}/` });
  expect(status).toBe(200);
  const listeners = front.admin('/stats?filter=listener_manager.total_listeners_active');
  expect(Number(/: (\d+)/.exec(listeners)?.[1])).toBeGreaterThan(count);
});
