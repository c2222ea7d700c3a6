import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';
import type { LoadReport } from '../support/network/agent.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * Whatever happens to the control plane, to certificates and to what is configured, requests under way and those that follow are
 * answered.
 */

let scene: MeshScene;
let front: MeshPod;
let one: MeshPod;
let other: MeshPod;

const address = '10.96.0.5';
const ports = [{ name: 'http', port: 80, target: 8080 }];

beforeAll(async () => {
  scene = await openMesh('steady', [
    { name: 'front' },
    { name: 'cart-1', serviceAccount: 'cart' },
    { name: 'cart-2', serviceAccount: 'cart' },
  ]);
  [front, one, other] = ['front', 'cart-1', 'cart-2'].map((name) => scene.pods[name]) as [MeshPod, MeshPod, MeshPod];
  for (const pod of [front, one, other]) await pod.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, ports, [one, other]));
  await scene.controlPlane.untilInSync(3);
});

afterAll(() => scene.stop());

const url = `http://${address}/`;

/** Expects that a load has lost nothing, and that it was one. */
function expectAll({ answered, failures }: LoadReport): void {
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
}

describe(`none of ${manyRequests} requests fails`, () => {
  test('while the control plane is away, and when it comes back', async () => {
    const report = await underLoad(front.app, url, async () => {
      await scene.controlPlane.stop('SIGKILL');
      await pause(2_000);
      await scene.restartControlPlane();
      await scene.controlPlane.untilInSync(3);
    });
    expectAll(report);
  });

  test('while certificates are renewed all the time', async () => {
    const report = await underLoad(front.app, url, async () => {
      scene.controlPlane.say({ type: 'renew' });
      await scene.controlPlane.untilInSync(3);
    });
    expectAll(report);
  });

  test('while endpoints come and go', async () => {
    const report = await underLoad(front.app, url, async () => {
      for (const endpoints of [[one], [one, other], [other], [other, one]]) {
        scene.set(...serviceObjects('cart', address, ports, endpoints));
        await scene.controlPlane.untilInSync(3);
      }
    });
    expectAll(report);
  });

  test('while Services come and go, and change', async () => {
    let times = 0;
    const report = await underLoad(front.app, url, async () => {
      times += 1;
      const more = serviceObjects(`more-${times % 3}`, `10.96.1.${times % 3}`, ports, [one]);
      scene.set(...more);
      await scene.controlPlane.untilInSync(3);
      // Another service account changes the clusters of the Service, which are then warmed again.
      scene.set(...serviceObjects('cart', address, ports, times % 2 === 0 ? [one, other, front] : [one, other]));
      await scene.controlPlane.untilInSync(3);
      scene.delete(...more);
      await scene.controlPlane.untilInSync(3);
    });
    expectAll(report);
  });
});

test('open connections go on while other Services come to lead to their pod, and go', async () => {
  await one.app.listen({ kind: 'echo', port: 9000 });
  scene.set(...serviceObjects('lasting', '10.96.2.1', [{ name: 'tcp', port: 90, target: 9000 }], [one]));
  await scene.controlPlane.untilInSync(3);
  const call = { host: '10.96.2.1', port: 90, send: 'hello', until: 'never', limitMs: 3_000 };
  const dialling = [front, other].map(({ app }) => app.dial(call));
  await eventually(
    () => one.app.connected({ port: 9000 }),
    (count) => count === 2,
  );
  const more = serviceObjects('more', '10.96.2.2', ports, [one]);
  scene.set(...more);
  await scene.controlPlane.untilInSync(3);
  scene.delete(...more);
  await scene.controlPlane.untilInSync(3);
  expect((await Promise.all(dialling)).map(({ ending }) => ending)).toEqual(['silent', 'silent']);
});

test('an endpoint that nobody has any more costs no request', async () => {
  // The pod has gone, and its endpoint is still there: connections are refused.
  await other.app.close({ port: 8080 });
  await other.stopProxy();
  try {
    scene.set(...serviceObjects('cart', address, ports, [one, other]));
    await scene.controlPlane.untilInSync(2);
    expectAll(await underLoad(front.app, url, () => pause(1_500)));
  } finally {
    await other.app.listen({ kind: 'http', port: 8080 });
    await other.startProxy();
    await scene.controlPlane.untilInSync(3);
  }
});

test('a proxy that starts while the control plane is away waits, and says so; then it serves', async () => {
  await scene.controlPlane.stop('SIGKILL');
  await front.stopProxy();
  const started = front.startProxy();
  await pause(1_500);
  const health = scene.network.run(front.network.name, [
    'curl',
    '--silent',
    '--output',
    '/dev/null',
    '--write-out',
    '%{http_code}',
    'http://127.0.0.1:15000/ready',
  ]);
  expect(health.stdout).toBe('503');
  await scene.restartControlPlane();
  await started;
  await scene.controlPlane.untilInSync(3);
  expect((await front.app.ask({ url: `http://${address}/again` })).status).toBe(200);
});
