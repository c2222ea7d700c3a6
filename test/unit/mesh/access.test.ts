import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { planAccess } from '../../../src/mesh/plan/access-plan.ts';
import { httpAccess, tcpAccess } from '../../../src/mesh/resources/access.ts';
import { networkOf } from '../../../src/mesh/resources/access/networks.ts';
import { createEncoder } from '../../../src/mesh/wire/encoder.ts';
import { loadEnvoyTypes } from '../../../src/mesh/wire/envoy-types.ts';
import * as fc from '../../support/fast-check.ts';
import { policies as randomPolicies } from '../../support/istio/random-policies.ts';
import { meshListeners } from '../../support/mesh/inbound.ts';
import { envoyIntents } from '../../support/builders/envoy-intents.ts';
import { rulesOf } from '../../support/mesh/rules.ts';

function policy(name: string, spec: JsonObject, namespace = 'shop'): JsonObject {
  return { kind: 'AuthorizationPolicy', metadata: { namespace, name }, spec };
}

const cart = { namespace: 'shop', labels: { app: 'cart' } };

function planOf(objects: readonly JsonObject[], pod = cart) {
  return planAccess(rulesOf(objects), pod, 'istio-system');
}

const allow = (fields: JsonObject): JsonObject => ({ rules: [{ from: [{ source: fields }] }] });

describe('which policies govern a pod', () => {
  const all = [
    policy('mesh', allow({ namespaces: ['a'] }), 'istio-system'),
    policy('namespace', allow({ namespaces: ['b'] })),
    policy('workload', { selector: { matchLabels: { app: 'cart' } }, ...allow({ namespaces: ['c'] }) }),
    policy('other', { selector: { matchLabels: { app: 'other' } }, ...allow({ namespaces: ['d'] }) }),
    policy('elsewhere', allow({ namespaces: ['e'] }), 'store'),
  ];

  test('those of the root namespace, of its own, and of its labels', () => {
    const names = planOf(all).allow.enforced?.map(({ name }) => name);
    expect(names).toEqual([
      'ns[istio-system]-policy[mesh]-rule[0]',
      'ns[shop]-policy[namespace]-rule[0]',
      'ns[shop]-policy[workload]-rule[0]',
    ]);
  });

  test('in whatever order they came', () => {
    expect(planOf(all.toReversed())).toEqual(planOf(all));
  });

  test('pods with the same policies have the same plan', () => {
    expect(planOf(all, { namespace: 'shop', labels: { app: 'cart', version: 'v2' } as never })).toEqual(planOf(all));
  });

  test('ServiceAccounts without a namespace are those of the policy', () => {
    const plan = planOf([policy('p', allow({ serviceAccounts: ['front', 'store/front'] }))]);
    expect(plan.allow.enforced?.[0]?.clients[0]?.[0]?.values).toEqual(['shop/front', 'store/front']);
  });
});

/** The principals of the one rule of a policy. */
function principals(fields: JsonObject, trustDomain = 'cluster.local'): unknown {
  const config = httpAccess(planOf([policy('p', allow(fields))]), trustDomain);
  const text = JSON.stringify(config);
  return (/"principals":(\[.*?\])\}\}/.exec(text)?.[1] ?? text).replaceAll('"', '');
}

describe('clients', () => {
  test.each<[JsonObject, string]>([
    [{ principals: ['cluster.local/ns/a/sa/b'] }, '{exact:spiffe://cluster.local/ns/a/sa/b}'],
    [{ principals: ['cluster.local/ns/a/*'] }, '{prefix:spiffe://cluster.local/ns/a/}'],
    [{ principals: ['*/sa/b.c'] }, String.raw`{safe_regex:{regex:spiffe://.*/sa/b\\.c}}`],
    [{ principals: ['*'] }, '{prefix:spiffe://}'],
    [{ namespaces: ['a'] }, '{contains:/ns/a/}'],
    [{ namespaces: ['a*'] }, '{contains:/ns/a}'],
    [{ namespaces: ['*a'] }, '{safe_regex:{regex:.*/ns/.*a/.*}}'],
    [{ serviceAccounts: ['b'] }, '{suffix:/ns/shop/sa/b}'],
    [{ trustDomains: ['a'] }, '{prefix:spiffe://a/}'],
    [{ trustDomains: ['*.a'] }, String.raw`{safe_regex:{regex:spiffe://[^/]*\\.a/.*}}`],
  ])('%j', (fields, matcher) => {
    expect(principals(fields)).toContain(`{authenticated:{principal_name:${matcher}}`);
  });

  test('cluster.local is the trust domain of the mesh', () => {
    expect(principals({ principals: ['cluster.local/ns/a/sa/b'] }, 'corp')).toContain('spiffe://corp/ns/a/sa/b');
  });
});

test('what denies comes before what allows, and each names its policy', () => {
  const config = httpAccess(planOf([policy('a', { rules: [{}] }), policy('d', { action: 'DENY', rules: [{}] })]), 'x');
  expect(Object.keys(config)).toEqual(['deny', 'allow']);
  const any = { permissions: [{ any: true }], principals: [{ any: true }] };
  expect(config['deny']).toMatchObject({
    rbac: { rules: { action: 'DENY', policies: { 'ns[shop]-policy[d]-rule[0]': any } } },
  });
  expect(config['allow']).toMatchObject({
    rbac: { rules: { action: 'ALLOW', policies: { 'ns[shop]-policy[a]-rule[0]': any } } },
  });
});

test('without policies, nothing is asked', () => {
  expect([httpAccess(planOf([]), 'x'), tcpAccess(planOf([]), 'x')]).toEqual([{}, []]);
});

test('text of a policy cannot leave its place in an expression', () => {
  const [gate] = tcpAccess(planOf([policy('p', allow({ principals: [`a' || true)% '\\x"`] }))]), 'x');
  const texts = JSON.stringify(gate);
  expect(texts).not.toContain('|| true');
  expect(texts.match(/%CEL\(/g)?.length).toBe(texts.match(/\)%/g)?.length);
});

test.each([
  ['10.1.2.3', '10.1.2.3/32'],
  ['10.1.2.3/12', '10.0.0.0/12'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['FD00:0:0:1::5/63', 'fd00::/63'],
  ['::1', '::1/128'],
  ['2001:db8:1:2:3:4:5:6/100', '2001:db8:1:2:3:4::/100'],
])('%s is the range %s', (block, text) => {
  expect(networkOf(block).text).toBe(text);
});

test(`all that is made of random policies has the form that Envoy asks for (seed ${fc.seed})`, () => {
  const encoder = createEncoder(loadEnvoyTypes());
  const [intent] = Object.values(envoyIntents);
  const traffic = {
    ...(intent as NonNullable<typeof intent>),
    self: { address: '10.1.2.3', name: 'web', namespace: 'shop' },
  };
  fc.assert(
    fc.property(randomPolicies, (policies) => {
      const plan = planOf(policies);
      const routes = {
        name: 'r',
        virtual_hosts: [{ name: 'v', domains: ['*'], typed_per_filter_config: httpAccess(plan, 'x') }],
      };
      expect(encoder.encode({ kind: 'routes', name: 'r', json: routes })).not.toHaveProperty('violations');
      const json = meshListeners(traffic, { access: tcpAccess(plan, 'x') })[1] ?? {};
      expect(encoder.encode({ kind: 'listener', name: 'l', json })).not.toHaveProperty('violations');
    }),
    { numRuns: 100 },
  );
});

test('what denies every path denies requests without one, such as CONNECT', () => {
  for (const path of ['*', '/*']) {
    const spec = { action: 'DENY', rules: [{ to: [{ operation: { paths: [path] } }] }] };
    const config = JSON.stringify(httpAccess(planOf([policy('p', spec)]), 'x'));
    expect(config).toContain('"permissions":[{"any":true}]');
  }
});

test.each<[string, JsonObject]>([
  ['clients', { from: Array.from({ length: 512 }, (_, index) => ({ source: { namespaces: [`n${index}`] } })) }],
  ['requests', { to: Array.from({ length: 512 }, (_, index) => ({ operation: { ports: [`${index + 1}`] } })) }],
])('conditions beside many %s are said once', (_, items) => {
  const conditions = Array.from({ length: 512 }, (_one, index) => [
    { key: 'source.principal', values: [`td/ns/a/sa/s${index}`] },
    { key: 'destination.port', values: [`${index + 1}`] },
  ]);
  for (const action of ['ALLOW', 'DENY']) {
    const spec = { action, rules: [{ ...items, when: conditions.flat().slice(0, 512) }] };
    const plan = planOf([policy('p', spec)]);
    const written = JSON.stringify([httpAccess(plan, 'x'), tcpAccess(plan, 'x')]);
    expect(written.length).toBeLessThan(20 * JSON.stringify(spec).length);
    // Of requests, of connections, and of connections before the application is dialled.
    expect(written.match(/\/sa\/s7\b/g)).toHaveLength(3);
  }
});

describe('expressions are no longer than Envoy takes them', () => {
  const many = Array.from({ length: 3_000 }, (_, index) => `cluster.local/ns/namespace-${index}/sa/account-${index}`);
  const long = 'x'.repeat(60);
  const from = many.slice(0, 512).map((principal) => ({ source: { principals: [`${principal}-${long}`] } }));
  const when = { key: 'source.principal', values: many.slice(0, 400) };

  test.each<[string, JsonObject]>([
    ['values', allow({ principals: many })],
    ['values that are none', { action: 'DENY', ...allow({ notPrincipals: many }) }],
    ['items', { rules: [{ from }] }],
    ['items, values and conditions', { action: 'DENY', rules: [{ from, when: [when, when, when] }] }],
    ['rules', { rules: from.map((one) => ({ from: [one] })) }],
    ['rules that deny', { action: 'DENY', rules: from.map((one) => ({ from: [one] })) }],
  ])('with many %s', (_, spec) => {
    const all = ['p', 'q', 'r', 's', 't', 'u'].map((name) => policy(name, spec));
    const [gate] = tcpAccess(planOf(all), 'cluster.local');
    expect([...rulesOf(all).AuthorizationPolicy.values()].flatMap(({ findings }) => findings)).toEqual([]);
    const expressions = JSON.stringify(gate).match(/%CEL\(.*?\)%/g) ?? [];
    const lengths = expressions.map(({ length }) => length);
    expect(lengths.length).toBeGreaterThan(3);
    expect(Math.max(...lengths)).toBeLessThan(100_000);
  });

  test('a part that fails is neither, so that what it denies stays denied', () => {
    const [gate] = tcpAccess(
      planOf([policy('p', { action: 'DENY', ...allow({ principals: many }) })]),
      'cluster.local',
    );
    const keys = [...JSON.stringify(gate).matchAll(/"object_key":"(access\.[a-z]+\.\d+)"/g)].map(([, key]) => key);
    const parts = keys.filter((key) => key?.startsWith('access.part.'));
    expect(keys).toEqual([...parts, 'access.deny.0']);
    const says = (answer: string, sign: string): string =>
      parts.map((key) => `filter_state['${key}'] == b'${answer}'`).join(sign);
    expect(JSON.stringify(gate)).toContain(
      `((${says('y', ' || ')}) || (!(${says('n', ' && ')}) && filter_state['access.nowhere'] == b''))`,
    );
  });
});
