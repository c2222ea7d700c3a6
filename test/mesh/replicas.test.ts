import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { ControlPlaneProcess } from '../support/mesh/control-plane-process.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

// Two replicas of the control plane, of which proxies come to either.

let scene: MeshScene;
let front: MeshPod;
let one: MeshPod;
let other: MeshPod;
let replicas: readonly [ControlPlaneProcess, ControlPlaneProcess];

const address = '10.96.0.5';
const url = `http://${address}/`;
const ports = [{ name: 'http', port: 80, target: 8080 }];

beforeAll(async () => {
  scene = await openMesh('replicas', [
    { name: 'front' },
    { name: 'cart-1', serviceAccount: 'cart' },
    { name: 'cart-2', serviceAccount: 'cart' },
  ]);
  [front, one, other] = ['front', 'cart-1', 'cart-2'].map((name) => scene.pods[name]) as [MeshPod, MeshPod, MeshPod];
  for (const pod of [one, other]) await pod.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, ports, [one, other]));
  await scene.controlPlane.untilInSync(3);
  replicas = [scene.controlPlane, await scene.startReplica()];
});

afterAll(() => scene.stop());

/** How often a replica has not taken a stream. */
function declined({ lines }: ControlPlaneProcess): number {
  return lines.filter(({ type }) => type === 'declined').length;
}

test(`none of ${manyRequests} requests fails while both replicas are replaced, and endpoints change meanwhile`, async () => {
  scene.steer(replicas);
  const { answered, failures } = await underLoad(front.app, url, async () => {
    for (const endpoints of [[one], [one, other]]) {
      const [old, next] = replicas;
      replicas = [next, await scene.startReplica()];
      scene.steer(replicas);
      await old.stop();
      scene.set(...serviceObjects('cart', address, ports, endpoints));
      await scene.untilInSync(replicas, 3);
    }
  });
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
  expect(replicas.flatMap((replica) => replica.complaints())).toEqual([]);
});

test(`none of ${manyRequests} requests fails while the only replica is one with an old world, which takes nobody`, async () => {
  scene.set(...serviceObjects('cart', address, ports, [one]));
  const old = await scene.startReplica();
  scene.isolate(old);
  old.say({ type: 'pause', reason: 'its world is old' });
  const [fresh, ...others] = replicas;
  scene.steer([fresh]);
  for (const replica of others) await replica.stop();
  await fresh.untilInSync(3);
  scene.set(...serviceObjects('cart', address, ports, [other]));
  await fresh.untilInSync(3);
  await one.app.close({ port: 8080 });
  await one.stopProxy();
  const { answered, failures } = await underLoad(front.app, url, async () => {
    if (fresh.isRunning()) {
      await fresh.stop('SIGKILL');
      scene.steer([old]);
    }
    const before = declined(old);
    await until('proxies to be declined', () => declined(old) > before || undefined);
  });
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
});
