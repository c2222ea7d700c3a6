import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';

jest.setTimeout(120_000);

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

const address = '10.96.0.5';

beforeAll(async () => {
  // Streams of half a second instead of half an hour.
  scene = await openMesh('age', [{ name: 'front' }, { name: 'cart' }], { ageMs: 500, perSecond: 1_000 });
  [front, cart] = ['front', 'cart'].map((name) => scene.pods[name]) as [MeshPod, MeshPod];
  for (const pod of [front, cart]) await pod.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, [{ name: 'http', port: 80, target: 8080 }], [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

test('streams that reach their age come back, are sent nothing but a certificate, and no request fails', async () => {
  const { lines } = scene.controlPlane;
  const before = lines.length;
  const { answered, failures } = await underLoad(front.app, `http://${address}/`, async () => {
    await pause(1_000);
    await scene.controlPlane.untilInSync(2);
  });
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
  const accepted = lines.slice(before).filter(({ type }) => type === 'accepted');
  expect(new Set(accepted.map(({ kind }) => kind))).toEqual(new Set(['secret']));
  // Each of the two has a new certificate and roots with each stream.
  expect(accepted.reduce((sum, { count }) => sum + Number(count), 0)).toBeGreaterThan(8);
  expect(lines.filter(({ type }) => type === 'declined' || type === 'cut')).toEqual([]);
});
