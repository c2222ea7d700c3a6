import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { accessFilters } from '../../src/envoy/access-filters.ts';
import { planAccess } from '../../src/mesh/plan/access-plan.ts';
import { httpAccess } from '../../src/mesh/resources/access.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { startAccessEnvoy, type AccessEnvoy, type HttpCall } from '../support/mesh/access-envoy.ts';
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
} as const;

let envoy: AccessEnvoy;
beforeAll(async () => {
  envoy = await startAccessEnvoy({ ours: { filters: accessFilters, routes: Object.values(routes) } });
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
