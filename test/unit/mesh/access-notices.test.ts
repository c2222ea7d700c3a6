import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { analyze } from '../../../src/mesh/report/analysis.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { objectsOf } from '../../support/mesh/service-objects.ts';
import { rulesOf } from '../../support/mesh/rules.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'corp', rootNamespace: 'istio-system' };

const cart: JsonObject = {
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name: 'cart',
    uid: 'cart',
    labels: { app: 'cart', 'security.istio.io/tlsMode': 'istio' },
  },
  spec: { serviceAccountName: 'cart', ...injectedParts() },
  status: { phase: 'Running', podIPs: [{ ip: '10.1.2.3' }] },
};

function told(
  spec: JsonObject,
  ports: readonly JsonObject[] = [],
  targets: Readonly<Record<string, number>> = {},
): readonly string[] {
  const endpoint = { addresses: ['10.1.2.3'], targetRef: { kind: 'Pod', namespace: 'shop', name: 'cart' } };
  const services = objectsOf('cart', { clusterIP: '10.96.0.5' }, ports, [['IPv4', [endpoint], targets]]);
  const metadata = { namespace: 'shop', name: 'p' };
  const rules = rulesOf([{ kind: 'AuthorizationPolicy', metadata, spec }]);
  const verdicts = analyze({ ...worldOf([cart, ...services]), rules }, domains);
  return verdicts.flatMap(({ findings }) =>
    findings.map(({ field, code, sentence }) => `${code} ${field}: ${sentence}`),
  );
}

const database = [{ name: 'mysql', port: 3306 }];

describe('identities of other trust domains', () => {
  const source = (principal: string): JsonObject => ({ rules: [{ from: [{ source: { principals: [principal] } }] }] });

  test.each(['cluster.local/ns/a/sa/b', 'corp/ns/a/sa/b', '*/ns/a/sa/b', '*', 'corp/*'])('%s is known', (principal) => {
    expect(told(source(principal))).toEqual([]);
  });

  test.each(['other/ns/a/sa/b', 'cluster.local/ns/a/*'])('%s is not', (principal) => {
    const [domain] = principal.split('/');
    expect(told(source(principal))).toEqual([
      `OtherTrustDomain /spec/rules/0/from/0/source/principals/0: "${principal}": no certificate of this mesh has the trust domain "${domain}"; it is corp`,
    ]);
  });

  test('in a condition', () => {
    const spec = { rules: [{ when: [{ key: 'source.principal', notValues: ['other/ns/a/sa/b'] }] }] };
    expect(told(spec)[0]).toMatch(/^OtherTrustDomain \/spec\/rules\/0\/when\/0\/notValues\/0: /);
  });
});

describe('fields of HTTP on a port without', () => {
  const get = { operation: { methods: ['GET'] } };

  test('are told, and what becomes of the rule', () => {
    expect(told({ rules: [{ to: [get] }] }, database)).toEqual([
      'HttpFieldOnBytes /spec/rules/0/to/0/operation/methods: port 3306 of Service shop/cart has no HTTP: the rule allows nothing there; say with "ports" which other ports of the pods the rule is about',
    ]);
    expect(told({ action: 'DENY', rules: [{ to: [get] }] }, database)).toEqual([
      'HttpFieldOnBytes /spec/rules/0/to/0/operation/methods: port 3306 of Service shop/cart has no HTTP: the rule counts there without that condition, and denies more; say with "ports" which other ports of the pods the rule is about',
    ]);
  });

  test('also if the rule is about that port alone', () => {
    const targets = { mysql: 3307 };
    const rule = (port: string): JsonObject => ({
      action: 'DENY',
      rules: [{ to: [{ operation: { ports: [port], paths: ['/x'] } }] }],
    });
    expect(told(rule('3307'), database, targets)).toEqual([
      'HttpFieldOnBytes /spec/rules/0/to/0/operation/paths: port 3306 of Service shop/cart has no HTTP: the rule counts there without that condition, and denies more; say with "ports" which other ports of the pods the rule is about',
    ]);
    expect(told(rule('80'), database, targets)).toEqual([]);
    const headers = { when: [{ key: 'request.headers[x]', values: ['a'] }], to: [{ operation: { ports: ['3307'] } }] };
    expect(told({ rules: [headers] }, database, targets)[0]).toMatch(
      /^HttpFieldOnBytes \/spec\/rules\/0\/when\/0\/key: /,
    );
  });

  test('also a header', () => {
    const spec = { rules: [{ when: [{ key: 'request.headers[x]', values: ['a'] }] }] };
    expect(told(spec, database)[0]).toMatch(/^HttpFieldOnBytes \/spec\/rules\/0\/when\/0\/key: /);
  });

  test.each<[string, JsonObject, readonly JsonObject[]]>([
    [
      'which the rule is not about',
      { rules: [{ to: [{ operation: { methods: ['GET'], ports: ['80'] } }] }] },
      database,
    ],
    ['of which there is none', { rules: [{ to: [get] }] }, [{ name: 'http', port: 80 }]],
    ['but none in the rule', { rules: [{ from: [{ source: { namespaces: ['a'] } }] }] }, database],
    ['which is only marked', { action: 'AUDIT', rules: [{ to: [get] }] }, database],
  ])('%s, are not', (_, spec, ports) => {
    expect(told(spec, ports)).toEqual([]);
  });
});

describe('ports of Services instead of those of containers', () => {
  const web = [
    { name: 'http', port: 80 },
    { name: 'admin', port: 9000 },
  ];
  const sentence = '80 is a port of Service shop/cart, and its pods listen on 8080: ports are those of containers';
  const [a, b] = ['to/0/operation/ports/0', 'to/0/operation/notPorts/0'];

  test.each<[string, JsonObject, readonly string[]]>([
    ['ports', { to: [{ operation: { ports: ['80', '8080', '9000'], notPorts: ['80'] } }] }, [a, b]],
    ['conditions', { when: [{ key: 'destination.port', values: ['80'], notValues: ['8080'] }] }, ['when/0/values/0']],
    ['a port that pods and Services have', { to: [{ operation: { ports: ['9000'] } }] }, []],
    ['a port of nobody', { to: [{ operation: { ports: ['7'] } }] }, []],
  ])('%s', (_, rule, places) => {
    expect(told({ rules: [rule] }, web, { http: 8080, admin: 9000 })).toEqual(
      places.map((place) => `PortOfService /spec/rules/0/${place}: ${sentence}`),
    );
  });

  test('nothing is said where nobody knows on what pods listen', () => {
    expect(told({ rules: [{ to: [{ operation: { ports: ['80'] } }] }] }, web)).toEqual([]);
  });
});

describe('long lists', () => {
  const values = (count: number): string[] => Array.from({ length: count }, (_, index) => `corp/ns/a/sa/b-${index}`);

  test.each<[string, JsonObject]>([
    ['from/0/source/principals', { from: [{ source: { principals: values(1_001) } }] }],
    ['to/0/operation/paths', { to: [{ operation: { paths: values(1_001).map((value) => `/${value}`) } }] }],
    ['when/0/values', { when: [{ key: 'source.principal', values: values(1_001) }] }],
  ])('%s', (at, rule) => {
    expect(told({ rules: [rule] })).toEqual([
      `LongList /spec/rules/0/${at}: 1001 values, which each proxy keeps and compares with one after another; more than 1000 cost milliseconds a request and, as paths that are denied, megabytes: use patterns, or namespaces in the place of identities`,
    ]);
  });

  test('that are not so long', () => {
    expect(told({ rules: [{ from: [{ source: { principals: values(1_000) } }] }] })).toEqual([]);
  });
});
