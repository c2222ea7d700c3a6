import { describe, expect, test } from '@jest/globals';
import { quote } from '../../../src/grammar/problem.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { readAuthorizationPolicy } from '../../../src/mesh/rules/security/authorization-policy.ts';

function object(spec: JsonObject, annotations: JsonObject = {}): JsonObject {
  return { kind: 'AuthorizationPolicy', metadata: { namespace: 'shop', name: 'p', annotations }, spec };
}

function told(spec: JsonObject, annotations: JsonObject = {}): readonly string[] {
  const { findings } = readAuthorizationPolicy(object(spec, annotations));
  // What every object of security says that is refused.
  const own = findings.filter(({ code }) => code !== 'StrictestCounts');
  return own.map(({ field, effect, code, sentence }) => `${effect} ${code} ${field}: ${sentence}`);
}

const source = (fields: JsonObject, action = 'ALLOW'): JsonObject => ({
  action,
  rules: [{ from: [{ source: fields }] }],
});
const operation = (fields: JsonObject, action = 'ALLOW'): JsonObject => ({
  action,
  rules: [{ to: [{ operation: fields }] }],
});
const when = (condition: JsonObject): JsonObject => ({ rules: [{ when: [condition] }] });

const everyField: JsonObject = {
  selector: { matchLabels: { app: 'cart' } },
  action: 'DENY',
  rules: [
    {
      from: [
        {
          source: {
            principals: ['cluster.local/ns/shop/sa/front'],
            notPrincipals: ['*/back'],
            namespaces: ['s*p'],
            notNamespaces: ['x'],
            trustDomains: ['*.local'],
            notTrustDomains: ['other'],
            ipBlocks: ['10.1.2.3', 'fd00::/8'],
            notIpBlocks: ['10.0.0.0/8'],
            remoteIpBlocks: ['::1'],
            notRemoteIpBlocks: ['192.168.0.0/16'],
          },
        },
        { source: { serviceAccounts: ['front', 'store/front'], notServiceAccounts: ['back'] } },
      ],
      to: [
        {
          operation: {
            hosts: ['www.example.com', 'www.example.com*'],
            notHosts: ['a'],
            methods: ['GET'],
            notMethods: ['P*'],
            paths: ['/a', '/b/*', '*.html', '/c/{*}/d', '/e/{**}'],
            notPaths: ['/f'],
            ports: ['80'],
            notPorts: ['8080'],
          },
        },
      ],
      when: [
        { key: 'request.headers[x-user]', values: ['a*'], notValues: ['ab'] },
        { key: 'request.headers[:method]', values: ['GET'] },
        { key: 'source.ip', notValues: ['10.0.0.0/8'] },
        { key: 'remote.ip', values: ['10.0.0.1'] },
        { key: 'source.namespace', values: ['shop'] },
        { key: 'source.principal', values: ['*'] },
        { key: 'source.serviceAccount', values: ['front'] },
        { key: 'source.trustDomain', values: ['*'] },
        { key: 'destination.ip', values: ['10.0.0.0/8'] },
        { key: 'destination.port', values: ['80'] },
        { key: 'connection.sni', values: ['*.example.com'] },
      ],
    },
  ],
};

test('a policy with every field is understood', () => {
  expect(told(everyField)).toEqual([]);
});

describe('refused', () => {
  test.each<[string, JsonObject, string]>([
    [
      'an unknown field',
      { rule: [] },
      'refused UnknownField /spec/rule: there is no such field, did you mean "rules"?',
    ],
    [
      'an action with an external authorizer',
      { action: 'CUSTOM' },
      'refused InvalidValue /spec/action: "CUSTOM": allowed: ALLOW, DENY and AUDIT; CUSTOM needs istiod with an external authorizer',
    ],
    [
      'a target other than pods',
      { targetRefs: [] },
      'refused UnsupportedField /spec/targetRefs: is not supported: only pods of the mesh are protected here; use selector',
    ],
    [
      'a provider',
      { provider: { name: 'a' } },
      'refused UnsupportedField /spec/provider: is not supported: it belongs to action CUSTOM, which needs istiod with an external authorizer',
    ],
    [
      'tokens',
      source({ requestPrincipals: ['*'] }),
      'refused UnsupportedField /spec/rules/0/from/0/source/requestPrincipals: is not supported: tokens of requests (JWT) need istiod with RequestAuthentication; use principals',
    ],
    [
      'claims of tokens',
      when({ key: 'request.auth.claims[iss]', values: ['a'] }),
      'refused UnsupportedField /spec/rules/0/when/0/key: "request.auth.claims[iss]": is not supported: tokens of requests (JWT) need istiod with RequestAuthentication',
    ],
    [
      'a source that says nothing',
      source({ principals: [] }),
      'refused MissingField /spec/rules/0/from/0/source: has no values, and does not say which clients; leave the list out for any client',
    ],
    [
      'no sources',
      { rules: [{ from: [] }] },
      'refused InvalidValue /spec/rules/0/from: must not be empty: leave it out for any client',
    ],
    [
      'an empty text',
      source({ principals: [''] }),
      'refused InvalidValue /spec/rules/0/from/0/source/principals/0: "": must not be empty: leave it out, or give a text; "*" is any',
    ],
    [
      'ServiceAccounts beside namespaces',
      source({ serviceAccounts: ['a'], namespaces: ['b'] }),
      'refused Contradiction /spec/rules/0/from/0/source: serviceAccounts is beside namespaces; allowed: serviceAccounts alone, or the others',
    ],
    [
      'a wildcard in a ServiceAccount',
      source({ serviceAccounts: ['shop/*'] }),
      `refused InvalidValue /spec/rules/0/from/0/source/serviceAccounts/0: "shop/*": allowed: the name of a ServiceAccount of the object's namespace, or <namespace>/<name>; no wildcards`,
    ],
    [
      'no address',
      source({ ipBlocks: ['10.0.0.0/33'] }),
      'refused InvalidValue /spec/rules/0/from/0/source/ipBlocks/0: "10.0.0.0/33": allowed: an address such as 10.1.2.3, or a range such as 10.1.0.0/16 or fd00::/8',
    ],
    [
      'the name of a port',
      operation({ ports: ['http'] }),
      'refused InvalidValue /spec/rules/0/to/0/operation/ports/0: "http": allowed: the number of a port from 1 to 65535; names of ports do not count here',
    ],
    [
      'a template that is none',
      operation({ paths: ['/a{*}'] }),
      'refused InvalidValue /spec/rules/0/to/0/operation/paths/0: "/a{*}": allowed: {*} for one segment and {**} for any number, each a segment of its own, and no other * or braces',
    ],
    [
      'a template after the last',
      operation({ paths: ['/{**}/{*}'] }),
      'refused InvalidValue /spec/rules/0/to/0/operation/paths/0: "/{**}/{*}": allowed: {**} as the last of the templates',
    ],
    [
      'a template that Envoy would not take',
      operation({ paths: [`/${'a'.repeat(256)}/{*}`] }),
      `refused InvalidValue /spec/rules/0/to/0/operation/paths/0: ${quote(`/${'a'.repeat(256)}/{*}`)}: allowed: a template of at most 256 characters`,
    ],
    [
      'a condition without values',
      when({ key: 'source.ip' }),
      'refused InvalidValue /spec/rules/0/when/0: "source.ip": has no values; allowed: at least one of values or notValues',
    ],
    [
      'a key that nobody knows',
      when({ key: 'source.labels', values: ['a'] }),
      'refused InvalidValue /spec/rules/0/when/0/key: "source.labels": allowed: request.headers[NAME], source.ip, remote.ip, source.namespace, source.serviceAccount, source.principal, source.trustDomain, destination.ip, destination.port, connection.sni',
    ],
    [
      'the path as a header, which is not compared in all its readings',
      when({ key: 'request.headers[:path]', values: ['/a'] }),
      'refused UnsupportedField /spec/rules/0/when/0/key: ":path": is not supported: compare paths with to.operation.paths',
    ],
    [
      'values that the key does not take',
      when({ key: 'destination.port', values: ['http'] }),
      'refused InvalidValue /spec/rules/0/when/0/values/0: "http": allowed: the number of a port from 1 to 65535; names of ports do not count here',
    ],
  ])('%s', (_, spec, sentence) => {
    expect(told(spec).map((one) => one.replace('"request.headers[:path]"', '":path"'))).toContain(sentence);
  });
});

describe('what is probably not meant', () => {
  test.each<[string, JsonObject, readonly string[]]>([
    [
      'a policy that allows nothing',
      {},
      [
        'warning DeniesEverything /spec: there are no rules, so that nothing is allowed: requests to these pods that no other policy allows are denied',
      ],
    ],
    [
      'a policy that denies nothing',
      { action: 'DENY' },
      ['without-effect NeverMatches /spec: there are no rules, and none matches; rules: [{}] always does'],
    ],
    [
      'two items for one rule',
      { rules: [{ from: [{ source: { namespaces: ['a'] } }] }, { to: [{ operation: { methods: ['GET'] } }] }] },
      [
        'warning SeparateRules /spec/rules/0: names clients only, and rule 1 requests only: each counts for itself, for any request and for any client; for both together put them into one item of the list',
      ],
    ],
    [
      'clients without a name',
      source({ notPrincipals: ['x/ns/a/sa/b'] }),
      [
        "warning TakesPlainText /spec/rules/0/from/0/source/notPrincipals: clients in plain text fit as well, because they have no identity; add principals: ['*'] for clients with one only",
      ],
    ],
    ['which is right to deny', source({ notPrincipals: ['x/ns/a/sa/b'] }, 'DENY'), []],
    [
      'a scheme',
      source({ principals: ['spiffe://cluster.local/ns/a/sa/b'] }),
      [
        'warning NeverMatches /spec/rules/0/from/0/source/principals/0: "spiffe://cluster.local/ns/a/sa/b": leave out spiffe://, which is put in front',
      ],
    ],
    [
      'a star in the middle',
      operation({ paths: ['/a/*/b'] }),
      [
        'warning LiteralStar /spec/rules/0/to/0/operation/paths/0: "/a/*/b": only one * at the beginning or at the end stands for any text; this one is compared as it is',
      ],
    ],
    [
      'a query',
      operation({ paths: ['/a?b'] }),
      [
        'warning NeverMatches /spec/rules/0/to/0/operation/paths/0: "/a?b": a path is compared without its query, and has no "?" or "#"',
      ],
    ],
    [
      'a path that no request has',
      operation({ paths: ['/a/../b', '/%61'] }),
      ['/a/../b', '/%61'].map(
        (path, index) =>
          `warning NotNormal /spec/rules/0/to/0/operation/paths/${index}: "${path}": no request fits: write it without dot segments and backslashes, and letters as they are`,
      ),
    ],
    [
      'a method in lower case',
      operation({ methods: ['get'] }),
      ['warning NeverMatches /spec/rules/0/to/0/operation/methods/0: "get": methods are written in upper case'],
    ],
    [
      'an empty list',
      source({ namespaces: ['a'], ipBlocks: [] }),
      ['without-effect EmptyList /spec/rules/0/from/0/source/ipBlocks: is empty, which says nothing: any value fits'],
    ],
  ])('%s', (_, spec, sentences) => {
    expect(told(spec)).toEqual(sentences);
  });
});

describe('a value that nothing fits, so that what denies by it denies nothing', () => {
  test.each<[string, JsonObject, string, readonly string[]]>([
    [
      'an identity without all parts',
      source(
        { principals: ['cart', 'td/ns/shop', 'td/ns/shop/sa/cart/', 'td/ns/shop/sa/cart', 'td/ns/*', '*'] },
        'DENY',
      ),
      'no pod has this identity: theirs are TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT',
      ['cart', 'td/ns/shop', 'td/ns/shop/sa/cart/'],
    ],
    [
      'no namespace',
      source({ notNamespaces: ['Shop', 'shop/cart', ' shop', 'sh*p-1'] }),
      'the name of a namespace has lower-case letters, digits and "-"',
      ['Shop', 'shop/cart', ' shop'],
    ],
    [
      'no ServiceAccount',
      source({ serviceAccounts: ['Cart', 'shop/a b', 'shop/cart.v2'] }),
      'names of namespaces and ServiceAccounts have lower-case letters, digits, "-" and "."',
      ['Cart', 'shop/a b'],
    ],
    [
      'no host',
      operation({
        hosts: ['http://a', 'a/b', 'a b', 'b\u00FCcher.example', 'xn--bcher-kva.example', '[::1]:80', 'A.b'],
      }),
      'a Host header is a name (an international one as xn--) or an address, and a port if there is one',
      ['http://a', 'a/b', 'a b', 'b\u00FCcher.example'],
    ],
    [
      'a method that is not in upper case',
      operation({ notMethods: ['Get', 'P*', 'M-SEARCH'] }),
      'methods are written in upper case',
      ['Get'],
    ],
    ['no method', operation({ methods: ['G ET', 'GET'] }), 'a method has no such characters', ['G ET']],
    [
      'no server name',
      when({ key: 'connection.sni', values: ['A.example', '*.example'] }),
      'server names of TLS are compared in lower case',
      ['A.example'],
    ],
    [
      'no value of a header',
      when({ key: 'request.headers[x-role]', notValues: [' admin', 'a\nb', 'a b', 'b\u00FCcher', 'a *'] }),
      'a header has no spaces at its ends, and no control characters',
      [' admin', 'a\nb'],
    ],
    [
      'an identity of a condition',
      when({ key: 'source.principal', values: ['cart'] }),
      'no pod has this identity: theirs are TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT',
      ['cart'],
    ],
    [
      'a method of a condition',
      when({ key: 'request.headers[:method]', values: ['get'] }),
      'methods are written in upper case',
      ['get'],
    ],
  ])('%s', (_, spec, sentence, values) => {
    const warned = told(spec).filter((one) => one.startsWith('warning NeverMatches'));
    expect(warned.map((one) => one.replace(/^[^:]*: /, ''))).toEqual(
      values.map((value) => `${quote(value)}: ${sentence}`),
    );
  });

  test.each(['::ffff:10.0.0.1', '::FFFF:10.0.0.0/104', '0:0:0:0:0:ffff:a00:1'])(
    'an address of IPv4 in one of IPv6 is refused: %s',
    (block) => {
      const sentence = `${quote(block)}: no client has an address like this: write it as one of IPv4`;
      expect(told(source({ ipBlocks: [block] }, 'DENY'))).toEqual([
        `refused InvalidValue /spec/rules/0/from/0/source/ipBlocks/0: ${sentence}`,
      ]);
      expect(told(when({ key: 'destination.ip', notValues: [block] }))).toEqual([
        `refused InvalidValue /spec/rules/0/when/0/notValues/0: ${sentence}`,
      ]);
    },
  );
});

test.each<[string, (count: number) => JsonObject]>([
  ['/spec/rules', (count) => ({ rules: Array.from({ length: count }, () => ({})) })],
  [
    '/spec/rules/0/from',
    (count) => ({ rules: [{ from: Array.from({ length: count }, () => ({ source: { namespaces: ['a'] } })) }] }),
  ],
  [
    '/spec/rules/0/to',
    (count) => ({ rules: [{ to: Array.from({ length: count }, () => ({ operation: { methods: ['GET'] } })) }] }),
  ],
  [
    '/spec/rules/0/when',
    (count) => ({ rules: [{ when: Array.from({ length: count }, () => ({ key: 'source.ip', values: ['::1'] })) }] }),
  ],
])('%s has 512 items at most', (place, spec) => {
  expect(told(spec(512))).toEqual([]);
  expect(told(spec(513))).toEqual([
    `refused InvalidValue ${place}: allowed: at most 512 items; one may have many values`,
  ]);
});

describe('hosts that are kept out', () => {
  const passing = (spec: JsonObject): readonly string[] => told(spec).filter((one) => one.includes('PortPasses'));

  test('are told if a client gets past them by a port', () => {
    const hosts = ['a.example', '*.b.example', 'c.example:80', 'd.example', 'D.example*', 'e.example', 'e.example:*'];
    const sentences = [
      'PortPasses /spec/rules/0/to/0/operation/hosts/0: "a.example": a client passes that writes a port or a dot behind it; add "a.example*", or allow hosts instead',
      'PortPasses /spec/rules/0/to/0/operation/hosts/1: "*.b.example": a client passes that writes a port or a dot behind it; allow hosts instead',
    ];
    expect(passing(operation({ hosts }, 'DENY'))).toEqual(sentences.map((one) => `warning ${one}`));
    expect(passing(operation({ notHosts: hosts }, 'ALLOW'))).toHaveLength(2);
    expect(passing(operation({ hosts }, 'ALLOW'))).toEqual([]);
    expect(passing(operation({ notHosts: hosts }, 'DENY'))).toEqual([]);
  });

  test.each(['request.headers[host]', 'request.headers[:authority]', 'request.headers[Host]'])(
    '%s is compared with case, which is told',
    (key) => {
      expect(told(when({ key, values: ['a.example'] }))).toEqual([
        'warning CaseCounts /spec/rules/0/when/0/key: case counts here: use to.operation.hosts, where it does not',
      ]);
    },
  );
});

describe('what is not understood', () => {
  const strictest = (spec: JsonObject, annotations: JsonObject = {}) =>
    readAuthorizationPolicy(object(spec, annotations)).spec;

  test('denies everything for the pods of its selector', () => {
    const selector = { matchLabels: { app: 'cart' } };
    expect(strictest({ selector, rules: [{ what: 1 }] })).toEqual({
      selector,
      action: 'DENY',
      rules: [{}],
      isDryRun: false,
    });
  });

  test('denies everything in the namespace if the selector is not understood either', () => {
    expect(strictest({ selector: { labels: {} } })).toEqual({ action: 'DENY', rules: [{}], isDryRun: false });
  });

  test('would deny everything if it is only tried', () => {
    expect(strictest({ rule: [] }, { 'istio.io/dry-run': 'true' })).toMatchObject({ action: 'DENY', isDryRun: true });
  });

  test('marks everything if it only marks', () => {
    expect(strictest({ action: 'AUDIT', rule: [] })).toMatchObject({ action: 'AUDIT', rules: [{}] });
  });
});

describe('policies on trial', () => {
  test.each([
    ['true', true],
    ['T', true],
    ['false', false],
    ['0', false],
  ])('%s', (text, isDryRun) => {
    const rule = readAuthorizationPolicy(object({ rules: [{}] }, { 'istio.io/dry-run': text }));
    expect(rule).toMatchObject({ findings: [], spec: { isDryRun } });
  });

  test('another word is refused, and then the policy denies', () => {
    expect(told({ rules: [{}] }, { 'istio.io/dry-run': 'yes' })).toEqual([
      'refused InvalidValue /metadata/annotations/istio.io~1dry-run: "yes": allowed: "true" and "false"',
    ]);
    expect(readAuthorizationPolicy(object({ rules: [{}] }, { 'istio.io/dry-run': 'yes' })).spec).toMatchObject({
      action: 'DENY',
      isDryRun: false,
    });
  });

  test('marks cannot be tried', () => {
    expect(told({ action: 'AUDIT', rules: [{}] }, { 'istio.io/dry-run': 'true' })).toEqual([
      'refused InvalidValue /metadata/annotations/istio.io~1dry-run: a policy that only marks requests cannot be tried; leave the annotation out',
    ]);
  });
});
