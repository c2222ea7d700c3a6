import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { accessFilters } from '../../src/envoy/access-filters.ts';
import { planAccess } from '../../src/mesh/plan/access-plan.ts';
import { httpAccess, tcpAccess } from '../../src/mesh/resources/access.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { startAccessEnvoy, type AccessEnvoy, type Caller, type HttpCall } from '../support/mesh/access-envoy.ts';
import * as fc from '../support/fast-check.ts';
import { policies } from '../support/istio/random-policies.ts';
import { rulesOf } from '../support/mesh/rules.ts';

jest.setTimeout(60_000);

/*
 * What AuthorizationPolicies mean to a real Envoy, on routes as pods of the mesh have them.
 */

const trustDomain = 'cluster.local';

function policy(spec: JsonObject, name = 'p', annotations: JsonObject = {}): JsonObject {
  return { kind: 'AuthorizationPolicy', metadata: { namespace: 'shop', name, annotations }, spec };
}

function routeOf(...policies: readonly JsonObject[]): JsonObject {
  const plan = planAccess(rulesOf(policies), { namespace: 'shop', labels: {} }, 'istio-system');
  return httpAccess(plan, trustDomain);
}

const paths = (action: 'ALLOW' | 'DENY', ...list: readonly string[]): JsonObject =>
  routeOf(policy({ action, rules: [{ to: [{ operation: { paths: list } }] }] }));

const routes = {
  'no policy': routeOf(),
  'allows nothing': routeOf(policy({})),
  'denies everything': routeOf(policy({ action: 'DENY', rules: [{}] })),
  'is not understood': routeOf(policy({ rules: [{ who: [] }] })),
  'allows front': routeOf(policy({ rules: [{ from: [{ source: { serviceAccounts: ['front'] } }] }] })),
  'allows all but front': routeOf(policy({ rules: [{ from: [{ source: { notServiceAccounts: ['front'] } }] }] })),
  'denies /admin*': paths('DENY', '/admin*'),
  'denies /admin': paths('DENY', '/admin'),
  'allows /public/*': paths('ALLOW', '/public/*'),
  'allows *.html': paths('ALLOW', '*.html'),
  'allows /a/{*}/b': paths('ALLOW', '/a/{*}/b'),
  'denies admin.example': routeOf(
    policy({ action: 'DENY', rules: [{ to: [{ operation: { hosts: ['admin.example'] } }] }] }),
  ),
  'denies admin.example*': routeOf(
    policy({ action: 'DENY', rules: [{ to: [{ operation: { hosts: ['admin.example*'] } }] }] }),
  ),
  'denies the role admin': routeOf(
    policy({ action: 'DENY', rules: [{ when: [{ key: 'request.headers[X-Role]', values: ['admin'] }] }] }),
  ),
  'denies all but the role user': routeOf(
    policy({ action: 'DENY', rules: [{ when: [{ key: 'request.headers[x-role]', notValues: ['user'] }] }] }),
  ),
} as const;

function chainOf(...policies: readonly JsonObject[]): readonly JsonObject[] {
  const plan = planAccess(rulesOf(policies), { namespace: 'shop', labels: {} }, 'istio-system');
  return tcpAccess(plan, trustDomain);
}

const from = (source: JsonObject): JsonObject => ({ from: [{ source }] });
const to = (operation: JsonObject): JsonObject => ({ to: [{ operation }] });

const chainsAt = (ports: readonly number[]) => ({
  'no policy': chainOf(),
  'allows nothing': chainOf(policy({})),
  'denies everything': chainOf(policy({ action: 'DENY', rules: [{}] })),
  'allows front': chainOf(policy({ rules: [from({ serviceAccounts: ['front'] })] })),
  'allows shop*': chainOf(policy({ rules: [from({ namespaces: ['shop*'] })] })),
  'allows *front': chainOf(policy({ rules: [from({ principals: ['*front'] })] })),
  'allows anybody with a name': chainOf(policy({ rules: [from({ principals: ['*'] })] })),
  'denies all but front': chainOf(policy({ action: 'DENY', rules: [from({ notServiceAccounts: ['front'] })] })),
  'denies 127.1.0.0/16': chainOf(policy({ action: 'DENY', rules: [from({ ipBlocks: ['127.1.2.3/16', 'fd00::/8'] })] })),
  'allows all but 127.1.2.3': chainOf(policy({ rules: [from({ notIpBlocks: ['127.1.2.3'] })] })),
  'allows the database': chainOf(policy({ rules: [to({ ports: [String(ports[1] ?? 1)] })] })),
  'denies the database, allows front': chainOf(
    policy({ action: 'DENY', rules: [to({ ports: [String(ports[1] ?? 1)] })] }, 'a'),
    policy({ rules: [from({ serviceAccounts: ['front'] })] }, 'b'),
  ),
  'allows GET': chainOf(policy({ rules: [to({ methods: ['GET'] })] })),
  'denies GET at the database': chainOf(
    policy({ action: 'DENY', rules: [to({ methods: ['GET'], ports: [String(ports[1] ?? 1)] })] }),
  ),
  'allows a name of TLS': chainOf(
    policy({ rules: [{ when: [{ key: 'connection.sni', values: ['*.example.com'] }] }] }),
  ),
  'allows 127.8.0.0/16': chainOf(policy({ rules: [{ when: [{ key: 'destination.ip', values: ['127.8.0.1/16'] }] }] })),
  'denies one of many': chainOf(
    ...Array.from({ length: 50 }, (_, index) =>
      policy(
        {
          action: 'DENY',
          rules: [from({ principals: Array.from({ length: 40 }, (_, at) => `td/ns/${at}/sa/${index}`) })],
        },
        `p${index}`,
      ),
    ),
  ),
});

let envoy: AccessEnvoy;
beforeAll(async () => {
  envoy = await startAccessEnvoy({ ours: { filters: accessFilters, routes: Object.values(routes) } }, (ports) =>
    Object.values(chainsAt(ports)),
  );
});
afterAll(() => envoy.stop());

async function ask(route: keyof typeof routes, call: Partial<HttpCall>) {
  const index = Object.keys(routes).indexOf(route);
  return envoy.ask('ours', index, { method: 'GET', path: '/', host: 'cart', ...call });
}

test.each([
  ['no policy', {}, 200],
  ['allows nothing', {}, 403],
  ['denies everything', {}, 403],
  ['is not understood', {}, 403],
  ['allows front', { identity: 'spiffe://cluster.local/ns/shop/sa/front' }, 200],
  ['allows front', { identity: 'spiffe://cluster.local/ns/shop/sa/front2' }, 403],
  ['allows front', {}, 403],
  ['allows all but front', { identity: 'spiffe://cluster.local/ns/shop/sa/front' }, 403],
  ['allows all but front', {}, 200],
] as const)('%s: %j is answered %i', async (route, call, status) => {
  expect(await ask(route, call)).toMatchObject({ status });
});

test('the access log names the policy', async () => {
  expect(await ask('denies everything', {})).toMatchObject({
    details: 'rbac_access_denied_matched_policy[ns[shop]-policy[p]-rule[0]]',
  });
});

describe('paths that can be read in several ways', () => {
  const table: readonly (readonly [path: string, Partial<Record<keyof typeof routes, number>>])[] = [
    ['/admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/admin/x', { 'denies /admin*': 403, 'denies /admin': 200 }],
    ['/admin?x', { 'denies /admin': 403 }],
    ['//admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/x/../admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/x/%2e%2E/admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/x/..;/admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/./admin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/%61dmin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    ['/%2Fadmin', { 'denies /admin*': 403, 'denies /admin': 403 }],
    [String.raw`/x\..\admin`, { 'denies /admin*': 403, 'denies /admin': 403 }],
    [String.raw`/\admin`, { 'denies /admin*': 403, 'denies /admin': 403 }],
    // As in Istio: servers that cut parameters, or ignore case, need a pattern that says so.
    ['/admin;x', { 'denies /admin*': 403, 'denies /admin': 200 }],
    ['/ADMIN', { 'denies /admin*': 200, 'denies /admin': 200 }],
    ['/administrator', { 'denies /admin*': 403, 'denies /admin': 200 }],
    ['/public/x', { 'allows /public/*': 200, 'denies /admin*': 200 }],
    ['/public/a%20b%2Fc//d', { 'allows /public/*': 200, 'denies /admin*': 200 }],
    ['/public/../admin', { 'allows /public/*': 403 }],
    ['/public/..%2Fadmin', { 'allows /public/*': 403 }],
    ['/public/..;/admin', { 'allows /public/*': 403 }],
    ['/public%2Fx', { 'allows /public/*': 403 }],
    ['/%70ublic/x', { 'allows /public/*': 403 }],
    ['/x/index.html', { 'allows *.html': 200 }],
    ['/secret%00.html', { 'allows *.html': 403 }],
    ['/secret%2ehtml', { 'allows *.html': 403 }],
    ['/a/x/b', { 'allows /a/{*}/b': 200 }],
    ['/a/x/y/b', { 'allows /a/{*}/b': 403 }],
    ['/a/../b', { 'allows /a/{*}/b': 403 }],
  ];

  test.each(table.flatMap(([path, by]) => Object.entries(by).map(([route, status]) => [route, path, status] as const)))(
    '%s: %s is answered %i',
    async (route, path, status) => {
      expect(await ask(route as keyof typeof routes, { path })).toMatchObject({ status });
    },
  );
});

describe('hosts that are kept out', () => {
  test.each([
    ['admin.example', 403, 403],
    ['ADMIN.Example', 403, 403],
    // As in Istio, which a warning tells.
    ['admin.example:80', 200, 403],
    ['admin.example.', 200, 403],
    ['other.example', 200, 200],
  ])('%s is answered %i, and %i if more may follow', async (host, exact, more) => {
    expect(await ask('denies admin.example', { host })).toMatchObject({ status: exact });
    expect(await ask('denies admin.example*', { host })).toMatchObject({ status: more });
  });

  test.each([
    ['in the target of the request', 'GET http://admin.example/ HTTP/1.1\r\nHost: other.example\r\n', 403],
    ['in the Host header alone', 'GET http://other.example/ HTTP/1.1\r\nHost: admin.example\r\n', 200],
  ])('%s', async (_, head, status) => {
    const socket = await envoy.open('ours', {});
    const index = Object.keys(routes).indexOf('denies admin.example');
    socket.write(`${head}x-policy: ${index}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

test.each([
  ['admin', 403, 403],
  [['x', 'admin'], 403, 403],
  ['admin, admin', 200, 403],
  [' admin ', 403, 403],
  ['user', 200, 200],
  [['user', 'admin'], 403, 200],
  [undefined, 200, 403],
] as const)(
  'the header %j is answered %i if a value is denied, and %i if all others are',
  async (role, denied, others) => {
    const headers: Readonly<Record<string, string | readonly string[]>> = role === undefined ? {} : { 'x-role': role };
    expect(await ask('denies the role admin', { headers })).toMatchObject({ status: denied });
    expect(await ask('denies all but the role user', { headers })).toMatchObject({ status: others });
  },
);

describe('characters beyond ASCII in a path, which HTTP/2 lets through', () => {
  async function statusOf(path: string): Promise<unknown> {
    const socket = await envoy.open('ours', {});
    const client = connect('http://cart', { createConnection: () => socket });
    const policy = Object.keys(routes).indexOf('denies /admin*');
    const stream = client.request({ ':path': path, 'x-policy': policy });
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    client.destroy();
    return headers[':status'];
  }

  test.each([
    ['/x\u00FF/y', 200],
    ['/x\u00FF/../admin', 403],
    ['/../admin\u00FF', 403],
    ['/admin\u00FF', 403],
  ])('%j is answered %i', async (path, status) => {
    expect(await statusOf(path)).toBe(status);
  });
});

test(`Envoy takes what is made of random policies (seed ${fc.seed})`, async () => {
  const cases = fc.sample(policies, { numRuns: 100 });
  const plans = cases.map((one) => planAccess(rulesOf(one), { namespace: 'shop', labels: {} }, 'istio-system'));
  const ours = { filters: accessFilters, routes: plans.map((plan) => httpAccess(plan, trustDomain)) };
  const another = await startAccessEnvoy({ ours }, () => plans.map((plan) => tcpAccess(plan, trustDomain)));
  try {
    expect(await another.ask('ours', 0, { method: 'GET', path: '/', host: 'cart' })).toHaveProperty('status');
  } finally {
    await another.stop();
  }
});

describe('connections without HTTP to a server that speaks first', () => {
  const front = 'spiffe://cluster.local/ns/shop/sa/front';
  const back = 'spiffe://cluster.local/ns/shop2/sa/back';
  const table: Readonly<
    Record<
      keyof ReturnType<typeof chainsAt>,
      readonly (readonly [caller: Caller & { isDatabase?: boolean }, isLetIn: boolean])[]
    >
  > = {
    'no policy': [
      [{}, true],
      [{ identity: front }, true],
    ],
    'allows nothing': [
      [{}, false],
      [{ identity: front }, false],
    ],
    'denies everything': [
      [{}, false],
      [{ identity: front }, false],
    ],
    'allows front': [
      [{ identity: front }, true],
      [{ identity: back }, false],
      [{ identity: `${front}2` }, false],
      [{}, false],
    ],
    'allows shop*': [
      [{ identity: back }, true],
      [{ identity: 'spiffe://cluster.local/ns/store/sa/shop' }, false],
      [{}, false],
    ],
    'allows *front': [
      [{ identity: front }, true],
      [{ identity: back }, false],
    ],
    'allows anybody with a name': [
      [{ identity: back }, true],
      [{}, false],
    ],
    'denies all but front': [
      [{ identity: front }, true],
      [{ identity: back }, false],
      [{}, false],
    ],
    'denies 127.1.0.0/16': [
      [{ source: '127.1.9.9' }, false],
      [{ source: '127.2.0.1' }, true],
      [{ source: '127.1.9.9', identity: front }, false],
    ],
    'allows all but 127.1.2.3': [
      [{ source: '127.1.2.3' }, false],
      [{ source: '127.1.2.4' }, true],
    ],
    'allows the database': [
      [{ isDatabase: true }, true],
      [{ identity: front }, false],
    ],
    'denies the database, allows front': [
      [{ isDatabase: true, identity: front }, false],
      [{ identity: front }, true],
      [{ identity: back }, false],
    ],
    'allows GET': [[{ identity: front }, false]],
    'denies GET at the database': [
      [{ isDatabase: true }, false],
      [{}, true],
    ],
    'allows a name of TLS': [
      [{ identity: front, serverName: 'a.example.com' }, true],
      [{ identity: front, serverName: 'A.Example.COM' }, true],
      [{ identity: front, serverName: 'example.com' }, false],
      [{ identity: front }, false],
      [{}, false],
    ],
    'denies one of many': [
      [{ identity: front }, true],
      [{ identity: 'spiffe://td/ns/39/sa/49' }, false],
    ],
    'allows 127.8.0.0/16': [
      [{ destination: '127.8.9.77' }, true],
      [{ destination: '127.9.1.77' }, false],
    ],
  };

  test.each(
    Object.entries(table).flatMap(([chain, cases]) =>
      cases.map(([caller, isLetIn]) => [chain as keyof ReturnType<typeof chainsAt>, caller, isLetIn] as const),
    ),
  )('%s: %j is heard: %s', async (chain, caller, isLetIn) => {
    const index = Object.keys(chainsAt([])).indexOf(chain);
    const { isDatabase, ...who } = caller;
    const before = envoy.accepted();
    const port = isDatabase === true ? envoy.ports[1] : undefined;
    expect(await envoy.dial(index, { ...who, port })).toBe(isLetIn ? 'greeting\nhello\n' : '');
    expect(await envoy.dial(index, { ...who, port }, true)).toBe(isLetIn ? 'greeting\n' : '');
    // Whoever is denied has not even made the application see a connection. One that is let in comes behind all of before.
    await envoy.dial(0, {});
    expect(envoy.accepted() - before).toBe(isLetIn ? 3 : 1);
  });
});
