import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import type { Told, Turn } from '../support/network/agent.ts';
import { farewells, other, shapes } from '../support/network/dialogues.ts';

jest.setTimeout(60_000);

/** A Service that is called by mutual TLS, and one without a proxy on either side. */
const mesh = { host: '10.96.0.5', port: 9000 };

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let legacy: MeshPod;

beforeAll(async () => {
  scene = await openMesh('dialogues', [{ name: 'front' }, { name: 'cart' }, { name: 'legacy', proxy: 'none' }]);
  ({ front, cart, legacy } = scene.pods as Record<'front' | 'cart' | 'legacy', MeshPod>);
  scene.set(...serviceObjects('cart', mesh.host, [{ name: 'tcp', port: mesh.port, target: mesh.port }], [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

type Heard = Record<Turn['by'], readonly Told[]>;

/** What both sides hear of so many dialogues, by mutual TLS. */
async function heard(turns: readonly Turn[], count: number): Promise<Heard> {
  await cart.app.rehearse({ port: mesh.port, turns });
  const client = await front.app.speak({ ...mesh, turns, count });
  return { client, server: await cart.app.recall({ port: mesh.port, count }) };
}

/** The same without proxies. */
async function heardPlainly(turns: readonly Turn[], count: number): Promise<Heard> {
  await legacy.app.rehearse({ port: mesh.port, turns });
  const client = await scene.outside.speak({ host: legacy.network.v4, port: mesh.port, turns, count });
  return { client, server: await legacy.app.recall({ port: mesh.port, count }) };
}

describe('by mutual TLS, as without proxies', () => {
  test.each(shapes)('$name', async ({ turns }) => {
    const secured = await heard(turns, 1);
    expect(secured).toEqual(await heardPlainly(turns, 1));
    expect(secured.client.map(({ ending }) => ending)).toEqual(['end']);
  });

  test.each(farewells)('$name', async ({ by, send, pauseMs }) => {
    const turns: readonly Turn[] = [{ by, send, pauseMs, leave: 'close' }];
    const secured = await heard(turns, 5);
    expect(secured).toEqual(await heardPlainly(turns, 5));
    expect(secured[other[by]].map(({ bytes }) => bytes)).toEqual(Array.from({ length: 5 }, () => send.length));
  });
});
