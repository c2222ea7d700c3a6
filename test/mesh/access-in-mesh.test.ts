import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { url } from '../support/network/scene.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * AuthorizationPolicies in pods of the mesh, from the object to the answer.
 */

const address = '10.96.0.5';

let scene: MeshScene;
let front: MeshPod;
let back: MeshPod;
let cart: MeshPod;

beforeAll(async () => {
  scene = await openMesh('access', [
    { name: 'front' },
    { name: 'back' },
    { name: 'cart', settings: { accessLog: 'stdout' } },
  ]);
  [front, back, cart] = ['front', 'back', 'cart'].map((name) => scene.pods[name] as MeshPod) as [
    MeshPod,
    MeshPod,
    MeshPod,
  ];
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'banner', port: 3306 });
  const ports = [
    { name: 'http', port: 80, target: 8080 },
    { name: 'mysql', port: 3306, target: 3306 },
  ];
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(3);
});

afterAll(() => scene.stop());

const policy = (spec: JsonObject, name = 'p'): JsonObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { namespace: 'shop', name, uid: name, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
});

const ofCart = { selector: { matchLabels: { app: 'cart' } } };

async function statuses(): Promise<readonly number[]> {
  return Promise.all([front, back].map(async ({ app }) => (await app.ask({ url: url(address, 80) })).status));
}

async function greetings(): Promise<readonly string[]> {
  return Promise.all(
    [front, back].map(async ({ app }) => (await app.dial({ host: address, port: 3306, until: '\n' })).text),
  );
}

const asText = (value: unknown): string => JSON.stringify(value);

test('who may call is what the ServiceAccount is, for HTTP and for a server that speaks first', async () => {
  expect(await statuses()).toEqual([200, 200]);
  const before = await greetings();
  expect(before[0]).not.toBe('');
  expect(before[1]).toBe(before[0]);
  scene.set(policy({ ...ofCart, rules: [{ from: [{ source: { serviceAccounts: ['front'] } }] }] }));
  expect(await eventually(statuses, (found) => asText(found) === '[200,403]')).toEqual([200, 403]);
  expect(await eventually(greetings, (found) => found[1] === '')).toEqual([before[0], '']);
});

test('the access log names the policy that denies', async () => {
  scene.set(policy({ ...ofCart, action: 'DENY', rules: [{ to: [{ operation: { paths: ['/secret'] } }] }] }, 'secrets'));
  const ask = async () => (await front.app.ask({ url: url(address, 80, '/a/../secret') })).status;
  expect(await eventually(ask, (status) => status === 403)).toBe(403);
  const told = await eventually(
    async () => cart.log(),
    (text) => text.includes('rule[0]'),
  );
  expect(told).toContain('rbac_access_denied_matched_policy[ns[shop]-policy[secrets]-rule[0]]');
});
