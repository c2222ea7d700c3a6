import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import type { Answer } from '../support/network/agent.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(60_000);

/*
 * RateLimits in a pod of the mesh, from the object to the answer. Times are an hour, so that nothing comes back while a test runs.
 */

const address = '10.96.0.5';

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

beforeAll(async () => {
  scene = await openMesh('limits', [{ name: 'front' }, { name: 'cart', settings: { accessLog: 'stdout' } }]);
  [front, cart] = [scene.pods['front'] as MeshPod, scene.pods['cart'] as MeshPod];
  await cart.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, [{ name: 'http', port: 80, target: 8080 }], [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

let generation = 0;

async function limit(...limits: readonly JsonObject[]): Promise<void> {
  generation += 1;
  const metadata = {
    namespace: 'shop',
    name: 'cart',
    uid: 'cart',
    generation,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const spec = { selector: { matchLabels: { app: 'cart' } }, limits: [...limits] };
  scene.set({ apiVersion: 'mesh.sidecar-injector.io/v1alpha1', kind: 'RateLimit', metadata, spec });
  await scene.controlPlane.untilInSync(2);
}

function ask(path = '/', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return front.app.ask({ url: `http://${address}${path}`, headers });
}

async function statuses(...paths: readonly string[]): Promise<readonly number[]> {
  const all: number[] = [];
  for (const path of paths) all.push((await ask(path)).status);
  return all;
}

test('so many are let in, and no more: the answer says when to try again, and the log why', async () => {
  await limit({ requests: 3, per: 'Hour' });
  expect(await statuses('/', '/', '/', '/', '/')).toEqual([200, 200, 200, 429, 429]);
  const send = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';
  const { text } = await front.app.dial({ host: address, port: 80, send, until: '\r\n\r\n' });
  expect(text).toMatch(/^HTTP\/1.1 429 [^]*\r\nretry-after: 1200\r\n/);
  await eventually(
    () => Promise.resolve(cart.log()),
    (log) => log.includes('"response_flags":"RL"'),
  );
});

test('a burst is let in at once, and the limit of a change counts from its beginning', async () => {
  await limit({ requests: 1, per: 'Hour', burst: 4 });
  expect(await statuses('/', '/', '/', '/', '/')).toEqual([200, 200, 200, 200, 429]);
});

test('only requests that fit count, however their path is written; and every limit that one fits', async () => {
  await limit(
    { match: { paths: ['/api/*'], methods: ['GET'] }, requests: 2, per: 'Hour' },
    { match: { headers: { 'x-user': 'ann' } }, requests: 1, per: 'Hour' },
  );
  expect(await statuses('/', '/', '/other', '/api/a?b', '/%61pi/b', '/api/c', '/')).toEqual([
    200, 200, 200, 200, 200, 429, 200,
  ]);
  expect((await ask('/', { 'x-user': 'ann' })).status).toBe(200);
  expect((await ask('/', { 'x-user': 'ann' })).status).toBe(429);
  expect((await ask('/', { 'x-user': 'bob' })).status).toBe(200);
});

test('connections that are open are limited at once, and again not when the object is gone', async () => {
  await limit({ requests: 1_000_000, per: 'Second' });
  await front.app.startLoad({ url: `http://${address}/`, clients: 2 });
  await limit({ requests: 1, per: 'Hour' });
  await eventually(ask, ({ status }) => status === 429);
  const { failures } = await front.app.stopLoad();
  expect(failures.length).toBeGreaterThan(0);
  scene.delete({ kind: 'RateLimit', metadata: { namespace: 'shop', name: 'cart' } });
  await eventually(ask, ({ status }) => status === 200);
});
