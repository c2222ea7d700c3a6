import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringMember, type JsonObject } from '../../src/json/json.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { url } from '../support/network/scene.ts';
import { eventually, until } from '../support/waiting.ts';

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

const policy = (spec: JsonObject, name = 'p', annotations: JsonObject = {}): JsonObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: {
    namespace: 'shop',
    name,
    uid: name,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations,
  },
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

/** Lines of the server's access log that match. */
function lines(matches: (line: JsonObject) => boolean): readonly JsonObject[] {
  const all = cart
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as JsonObject);
  return all.filter(matches);
}

const named = (name: string): string => `ns[shop]-policy[${name}]-rule[0]`;

test('the access log names the policy that denies, and those that only mark or are tried', async () => {
  const paths = (...list: string[]): JsonObject => ({ ...ofCart, rules: [{ to: [{ operation: { paths: list } }] }] });
  scene.set(
    policy({ ...paths('/secret'), action: 'DENY' }, 'secrets'),
    policy({ ...paths('/seen'), action: 'AUDIT' }, 'seen'),
    policy({ ...paths('/old/*'), action: 'DENY' }, 'old', { 'istio.io/dry-run': 'true' }),
    policy(paths('/new/*'), 'new', { 'istio.io/dry-run': 'true' }),
  );
  const ask = async (path: string) => (await front.app.ask({ url: url(address, 80, path) })).status;
  expect(
    await eventually(
      async () => ask('/secret'),
      (status) => status === 403,
    ),
  ).toBe(403);
  expect([await ask('/seen'), await ask('/old/a'), await ask('/new/a')]).toEqual([200, 200, 200]);
  const last = (path: string, status: number) =>
    until(`a line of ${path}`, () => lines((line) => line['path'] === path && line['response_code'] === status).at(-1));
  expect(await last('/secret', 403)).toMatchObject({
    response_code_details: `rbac_access_denied_matched_policy[${named('secrets')}]`,
  });
  const none = { authz_audit: null, authz_dry_run_deny: null, authz_dry_run_allow: 'denied' };
  expect(await last('/seen', 200)).toMatchObject({ ...none, authz_audit: named('seen') });
  expect(await last('/old/a', 200)).toMatchObject({ ...none, authz_dry_run_deny: named('old') });
  expect(await last('/new/a', 200)).toMatchObject({ ...none, authz_dry_run_allow: 'allowed' });
});

test('and the one that keeps a connection from the application', async () => {
  await greetings();
  const denied = (name: string) => lines((line) => (stringMember(line, 'authz_denied') ?? '').includes(name));
  expect(await until('a line', () => denied('none').at(-1))).toMatchObject({
    authz_denied: 'rbac_access_denied_matched_policy[none]',
    downstream_peer_uri_san: 'spiffe://cluster.local/ns/shop/sa/back',
  });
});

test('addresses and ports are those that the pod sees', async () => {
  scene.delete(policy({}, 'secrets'), policy({}, 'seen'), policy({}, 'old'), policy({}, 'new'));
  scene.set(policy({ ...ofCart, rules: [{ from: [{ source: { ipBlocks: [`${back.network.v4}/32`] } }] }] }));
  expect(await eventually(statuses, (found) => asText(found) === '[403,200]')).toEqual([403, 200]);
  expect(await eventually(greetings, (found) => found[0] === '')).toEqual(['', 'hello\n']);
  scene.set(policy({ ...ofCart, action: 'DENY', rules: [{ to: [{ operation: { ports: ['3306'] } }] }] }));
  expect(await eventually(statuses, (found) => asText(found) === '[200,200]')).toEqual([200, 200]);
  expect(await eventually(greetings, (found) => found.join('') === '')).toEqual(['', '']);
});

test.each(['v4', 'v6'] as const)(
  'a client without a proxy, by %s, is let in or not before it hears anything',
  async (family) => {
    const heard = async () => (await scene.outside.dial({ host: cart.network[family], port: 3306, until: '\n' })).text;
    scene.set(policy({ ...ofCart, rules: [{ from: [{ source: { ipBlocks: ['0.0.0.0/0', '::/0'] } }] }] }));
    expect(await eventually(heard, (text) => text !== '')).toBe('hello\n');
    scene.set(policy({ ...ofCart, rules: [{ from: [{ source: { ipBlocks: ['192.0.2.0/24', '2001:db8::/32'] } }] }] }));
    expect(await eventually(heard, (text) => text === '')).toBe('');
  },
);

test('one that is not understood denies everything, and what is asked on a connection that is open', async () => {
  scene.delete(policy({}), policy({}, 'secrets'), policy({}, 'seen'), policy({}, 'old'), policy({}, 'new'));
  expect(await eventually(statuses, (found) => asText(found) === '[200,200]')).toEqual([200, 200]);
  await front.app.startLoad({ url: url(address, 80), clients: 1 });
  scene.set(policy({ ...ofCart, rule: [{}] }));
  expect(await eventually(statuses, (found) => asText(found) === '[403,403]')).toEqual([403, 403]);
  const { failures } = await front.app.stopLoad();
  // The load keeps its connections: what fails is answered, and no connection is.
  expect(new Set(failures)).toEqual(new Set(['status 403']));
  expect(await greetings()).toEqual(['', '']);
});
