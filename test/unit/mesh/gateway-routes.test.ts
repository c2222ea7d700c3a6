import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import type { RouteRule } from '../../../src/mesh/plan/route-plan.ts';
import { routeObject, translated } from '../../support/mesh/route-objects.ts';

const cart = { service: 'shop/cart', host: 'cart.shop.svc.cluster.local', port: 80 };
const cartV2 = { service: 'shop/cart-v2', host: 'cart-v2.shop.svc.cluster.local', port: 80 };
const toCart = { backendRefs: [{ name: 'cart', port: 80 }] };

function rulesOf(kind: 'HTTPRoute' | 'GRPCRoute', ...rules: readonly JsonObject[]): readonly RouteRule[] {
  return translated([routeObject(kind, rules)]).rules;
}

/** What becomes of an HTTPRoute's rule with one match. */
function ruleOf(rule: JsonObject): RouteRule | undefined {
  return rulesOf('HTTPRoute', { ...toCart, ...rule })[0];
}

describe('matches', () => {
  test.each<[JsonObject, JsonObject]>([
    [{}, { path: { type: 'segments', value: '' }, headers: [], query: [] }],
    [{ path: { value: '/v2/' } }, { path: { type: 'segments', value: '/v2' }, headers: [], query: [] }],
    [{ path: { type: 'Exact', value: '/v2/' } }, { path: { type: 'exact', value: '/v2/' }, headers: [], query: [] }],
    [
      { path: { type: 'RegularExpression', value: '/v[0-9]+' } },
      { path: { type: 'regex', value: '/v[0-9]+' }, headers: [], query: [] },
    ],
    [
      {
        method: 'POST',
        headers: [
          { name: 'X-A', value: '1' },
          { name: 'x-a', value: '2' },
        ],
        queryParams: [{ type: 'RegularExpression', name: 'Q', value: '.+' }],
      },
      {
        path: { type: 'segments', value: '' },
        method: { type: 'exact', value: 'POST' },
        headers: [{ name: 'x-a', match: { type: 'exact', value: '1' } }],
        query: [{ name: 'Q', match: { type: 'regex', value: '.+' } }],
      },
    ],
  ])('of HTTP: %j', (match, expected) => {
    expect(ruleOf({ matches: [match] })?.match).toEqual(expected);
  });

  test.each<[JsonObject | undefined, JsonObject | undefined]>([
    [undefined, undefined],
    [
      { service: 'shop.Cart', method: 'Add' },
      { type: 'exact', value: '/shop.Cart/Add' },
    ],
    [{ service: 'shop.Cart' }, { type: 'prefix', value: '/shop.Cart/' }],
    [{ method: 'Add' }, { type: 'regex', value: '/[^/]+/Add' }],
    [
      { type: 'RegularExpression', service: 'a|b' },
      { type: 'regex', value: '/(?:a|b)/(?:[^/]+)' },
    ],
  ])('of gRPC: %j', (method, path) => {
    const [rule] = rulesOf('GRPCRoute', { ...toCart, matches: [{ ...(method !== undefined && { method }) }] });
    expect(rule?.match).toEqual({ ...(path !== undefined && { path }), headers: [], query: [], isGrpc: true });
  });

  test('each match is a rule of its own', () => {
    const rules = rulesOf('HTTPRoute', { ...toCart, matches: [{ path: { value: '/a' } }, { path: { value: '/b' } }] });
    expect(rules.map(({ match }) => match.path?.value)).toEqual(['/a', '/b']);
  });

  test('rules have the name of the object and their own, or their number', () => {
    expect(rulesOf('HTTPRoute', toCart, { ...toCart, name: 'second' }).map(({ name }) => name)).toEqual([
      'shop/route/0',
      'shop/route/second',
    ]);
  });
});

describe('order', () => {
  const http = (name: string, match: JsonObject, metadata: JsonObject = {}) =>
    routeObject('HTTPRoute', [{ ...toCart, name, matches: [match] }], metadata);
  const grpc = (name: string, match: JsonObject) => routeObject('GRPCRoute', [{ ...toCart, name, matches: [match] }]);
  const header = (...names: readonly string[]) => names.map((name) => ({ name, value: '1' }));
  const at = (creationTimestamp: string, name = 'route') => ({ creationTimestamp, name });

  test.each<[string, JsonObject, JsonObject]>([
    [
      'an exact path',
      http('first', { path: { type: 'Exact', value: '/a' } }),
      http('other', { path: { value: '/a/b/c' } }),
    ],
    [
      'a longer prefix',
      http('first', { path: { value: '/a/b' } }),
      http('other', { path: { value: '/a' }, method: 'GET' }),
    ],
    [
      'a prefix before a regular expression',
      http('first', { path: { value: '/' } }),
      http('other', { path: { type: 'RegularExpression', value: '/a.*' } }),
    ],
    ['a method', http('first', { method: 'GET' }), http('other', { headers: header('a', 'b') })],
    [
      'more headers',
      http('first', { headers: header('a', 'b') }),
      http('other', { headers: header('a'), queryParams: header('a', 'b', 'c') }),
    ],
    [
      'headers of the same name count once',
      http('first', { headers: header('b', 'c') }),
      http('other', { headers: header('a', 'A', 'A', 'a') }),
    ],
    ['more query parameters', http('first', { queryParams: header('a') }), http('other', {})],
    [
      'the older object',
      http('first', {}, at('2026-01-01T00:00:00Z', 'z')),
      http('other', {}, at('2026-01-02T00:00:00Z', 'a')),
    ],
    [
      'the name',
      http('first', {}, at('2026-01-01T00:00:00Z', 'a')),
      http('other', {}, at('2026-01-01T00:00:00Z', 'b')),
    ],
    ['gRPC before HTTP', grpc('first', {}), http('other', { path: { type: 'Exact', value: '/a' } })],
    [
      'a longer gRPC service',
      grpc('first', { method: { service: 'ab' } }),
      grpc('other', { method: { service: 'a', method: 'bcd' } }),
    ],
    [
      'a longer gRPC method',
      grpc('first', { method: { service: 'a', method: 'b' } }),
      grpc('other', { method: { service: 'a' } }),
    ],
    [
      'an exact gRPC method',
      grpc('first', { method: { method: 'b' } }),
      grpc('other', { method: { type: 'RegularExpression', method: 'b.*' } }),
    ],
    ['more gRPC headers', grpc('first', { headers: header('a') }), grpc('other', {})],
  ])('%s', (_, first, other) => {
    for (const objects of [
      [first, other],
      [other, first],
    ]) {
      expect(translated(objects).rules[0]?.name).toMatch(/first$/);
    }
  });

  test('in an object, the earlier rule', () => {
    const rules = rulesOf('HTTPRoute', { ...toCart, name: 'a' }, { ...toCart, name: 'b' });
    expect(rules.map(({ name }) => name)).toEqual(['shop/route/a', 'shop/route/b']);
  });
});

describe('backends', () => {
  test('weights; none is left out', () => {
    const backendRefs = [
      { name: 'cart', port: 80, weight: 9 },
      { name: 'cart-v2', port: 80 },
      { name: 'cart', port: 8080, weight: 0 },
    ];
    expect(ruleOf({ backendRefs })?.action).toEqual({
      type: 'forward',
      destinations: [
        { backend: cart, weight: 9 },
        { backend: cartV2, weight: 1 },
      ],
      isShared: true,
      mirrors: [],
    });
  });

  const grant = (from: JsonObject, to: JsonObject = {}) => ({
    metadata: { namespace: 'other', name: 'grant' },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop', ...from }],
      to: [{ group: '', kind: 'Service', ...to }],
    },
  });
  const elsewhere = { name: 'cart', namespace: 'other', port: 80 };

  test.each<[string, JsonObject, readonly JsonObject[], string]>([
    ['of another kind', { name: 'a', kind: 'Bucket', group: 'b.example' }, [], 'InvalidKind'],
    ['not there', { name: 'nobody', port: 80 }, [], 'BackendNotFound'],
    ['without the port', { name: 'cart', port: 81 }, [], 'BackendNotFound'],
    ['of another namespace without a grant', elsewhere, [], 'RefNotPermitted'],
    ['with a grant for another kind', elsewhere, [grant({ kind: 'GRPCRoute' })], 'RefNotPermitted'],
    ['with a grant for another group', elsewhere, [grant({ group: '' })], 'RefNotPermitted'],
    ['with a grant for another namespace', elsewhere, [grant({ namespace: 'third' })], 'RefNotPermitted'],
    ['with a grant of another Service', elsewhere, [grant({}, { name: 'cart-v2' })], 'RefNotPermitted'],
    ['with a grant of something else', elsewhere, [grant({}, { kind: 'Secret' })], 'RefNotPermitted'],
    [
      'with a grant elsewhere',
      elsewhere,
      [{ ...grant({}), metadata: { namespace: 'shop', name: 'grant' } }],
      'RefNotPermitted',
    ],
  ])('%s: its share is answered with 500', (_, backendRef, grants, code) => {
    const backendRefs = [{ name: 'cart', port: 80 }, backendRef];
    const { rules, findings } = translated([routeObject('HTTPRoute', [{ backendRefs }])], grants);
    expect(rules[0]?.action).toEqual({
      type: 'forward',
      destinations: [
        { backend: cart, weight: 1 },
        { backend: undefined, weight: 1 },
      ],
      isShared: true,
      mirrors: [],
    });
    expect(findings.get('HTTPRoute shop/route')).toEqual([
      expect.objectContaining({ field: '/spec/rules/0/backendRefs/1', effect: 'warning', code }),
    ]);
  });

  test.each([[{}], [{ name: 'cart' }]])('of another namespace with a grant for %j', (to) => {
    const { rules, findings } = translated([routeObject('HTTPRoute', [{ backendRefs: [elsewhere] }])], [grant({}, to)]);
    expect(rules[0]?.action).toEqual(
      expect.objectContaining({
        destinations: [
          { backend: { service: 'other/cart', host: 'cart.other.svc.cluster.local', port: 80 }, weight: 1 },
        ],
      }),
    );
    expect(findings).toEqual(new Map());
  });

  test('of another namespace, which the clients have called themselves', () => {
    const own = routeObject('HTTPRoute', [{ backendRefs: [{ name: 'cart', namespace: 'shop', port: 80 }] }]);
    const parentRefs = [{ group: '', kind: 'Service', name: 'cart', namespace: 'shop' }];
    const consumer = { ...own, metadata: { namespace: 'other', name: 'route' }, spec: { ...own.spec, parentRefs } };
    expect(translated([consumer]).findings).toEqual(new Map());
  });

  test('of another namespace, which clients of another parent have called', () => {
    const object = routeObject('HTTPRoute', [{ backendRefs: [elsewhere] }]);
    const parentRefs = [...object.spec.parentRefs, { group: '', kind: 'Service', name: 'cart', namespace: 'other' }];
    const { findings } = translated([{ ...object, spec: { ...object.spec, parentRefs } }]);
    expect([...findings.values()].flat().map(({ code }) => code)).toEqual(['RefNotPermitted']);
  });

  test.each([
    ['HTTPRoute', [], 500],
    ['HTTPRoute', [{ name: 'nobody', port: 80 }], 500],
    ['HTTPRoute', [{ name: 'cart', port: 80, weight: 0 }], 500],
    ['GRPCRoute', [{ name: 'nobody', port: 80 }], 503],
  ] as const)('%s: without any that can be used (%j), everything is answered with %d', (kind, backendRefs, status) => {
    expect(rulesOf(kind, { backendRefs: [...backendRefs] })[0]?.action).toEqual({ type: 'answer', status });
  });
});

describe('filters', () => {
  const headers = { set: [{ name: 'X-A', value: '1 %' }], add: [{ name: 'X-B', value: '2' }], remove: ['X-C'] };
  const changes = { set: [['x-a', '1 %%']], add: [['x-b', '2']], remove: ['x-c'] };
  const request = { type: 'RequestHeaderModifier', requestHeaderModifier: headers };
  const response = { type: 'ResponseHeaderModifier', responseHeaderModifier: headers };

  test('a percent sign in a value is no command of Envoy', () => {
    const set = [{ name: 'X-A', value: '%REQ(authorization)%' }];
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set } }];
    expect(ruleOf({ filters })?.requestHeaders?.set).toEqual([['x-a', '%%REQ(authorization)%%']]);
  });

  test('headers of a rule', () => {
    expect(ruleOf({ filters: [request, response] })).toEqual(
      expect.objectContaining({ requestHeaders: changes, responseHeaders: changes }),
    );
  });

  test('headers of a backend', () => {
    expect(ruleOf({ backendRefs: [{ name: 'cart', port: 80, filters: [request, response] }] })).toEqual(
      expect.objectContaining({
        action: expect.objectContaining({
          destinations: [{ backend: cart, weight: 1, requestHeaders: changes, responseHeaders: changes }],
        }),
      }),
    );
  });

  test.each<[JsonObject, JsonObject]>([
    [{}, { status: 302, port: 80 }],
    [{ scheme: 'https' }, { status: 302, scheme: 'https', port: 443 }],
    [
      { scheme: 'http', port: 8080, statusCode: 308 },
      { status: 308, scheme: 'http', port: 8080 },
    ],
    [
      { hostname: 'a.example', path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } },
      { status: 302, authority: 'a.example', port: 80, path: { type: 'full', value: '/x' } },
    ],
    [
      { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x/' } },
      { status: 302, port: 80, path: { type: 'segments', value: '/x' } },
    ],
  ])('RequestRedirect %j', (requestRedirect, action) => {
    const filters = [{ type: 'RequestRedirect', requestRedirect }];
    expect(ruleOf({ filters, backendRefs: [] })?.action).toEqual({ type: 'redirect', ...action });
  });

  test.each<[JsonObject, JsonObject]>([
    [{ hostname: 'a.example' }, { authority: 'a.example' }],
    [{ path: { type: 'ReplaceFullPath', replaceFullPath: '/x' } }, { path: { type: 'full', value: '/x' } }],
    [{ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } }, { path: { type: 'segments', value: '' } }],
    [{ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '' } }, { path: { type: 'segments', value: '' } }],
  ])('URLRewrite %j', (urlRewrite, expected) => {
    expect(ruleOf({ filters: [{ type: 'URLRewrite', urlRewrite }] })?.action).toEqual({
      type: 'forward',
      destinations: [{ backend: cart, weight: 1 }],
      mirrors: [],
      ...expected,
    });
  });

  test.each<[JsonObject, readonly JsonObject[]]>([
    [{}, [{ backend: cartV2, perMillion: 1_000_000 }]],
    [{ percent: 10 }, [{ backend: cartV2, perMillion: 100_000 }]],
    [{ percent: 0 }, []],
    [{ fraction: { numerator: 1, denominator: 3 } }, [{ backend: cartV2, perMillion: 333_333 }]],
    [{ fraction: { numerator: 5 } }, [{ backend: cartV2, perMillion: 50_000 }]],
    [{ backendRef: { name: 'nobody', port: 80 } }, []],
  ])('RequestMirror %j', (more, mirrors) => {
    const filters = [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'cart-v2', port: 80 }, ...more } }];
    expect(ruleOf({ filters })?.action).toEqual(expect.objectContaining({ mirrors }));
  });

  test.each<[JsonObject, JsonObject]>([
    [
      { allowOrigins: ['*'] },
      {
        origins: [{ type: 'regex', value: '.*' }],
        methods: [],
        headers: [],
        exposed: [],
        maxAgeMs: 5000,
        allowsCredentials: false,
        forwardsOthers: false,
      },
    ],
    [
      {
        allowOrigins: ['https://*.a.example', 'http://b.example:80', 'https://b.example:80', 'http://*'],
        allowMethods: ['*'],
        allowHeaders: ['X-A'],
        exposeHeaders: ['X-B'],
        allowCredentials: true,
        maxAge: 60,
      },
      {
        origins: [
          { type: 'regex', value: String.raw`https://[^/:]+\.a\.example` },
          { type: 'exact', value: 'http://b.example' },
          { type: 'exact', value: 'https://b.example:80' },
          { type: 'regex', value: 'http://[^/:]+' },
        ],
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'],
        headers: ['x-a'],
        exposed: ['x-b'],
        maxAgeMs: 60_000,
        allowsCredentials: true,
        forwardsOthers: false,
      },
    ],
  ])('CORS %j', (cors, expected) => {
    expect(ruleOf({ filters: [{ type: 'CORS', cors }] })?.cors).toEqual(expected);
  });
});

test.each<[JsonObject, JsonObject]>([
  [{ timeouts: { request: '0s', backendRequest: '0s' } }, {}],
  [{ timeouts: { request: '10s' } }, { timeoutMs: 10_000 }],
  [
    { timeouts: { request: '10s', backendRequest: '1s' } },
    { timeoutMs: 10_000, retry: { attempts: 2, statusCodes: [], perTryMs: 1000 } },
  ],
  [
    { retry: { codes: [503], attempts: 3, backoff: '100ms' } },
    {
      retry: {
        attempts: 3,
        conditions: ['connect-failure', 'refused-stream', 'reset'],
        statusCodes: [503],
        backoffMs: 100,
      },
    },
  ],
  [
    { retry: {}, timeouts: { backendRequest: '1s' } },
    {
      retry: {
        attempts: 2,
        conditions: ['connect-failure', 'refused-stream', 'reset'],
        statusCodes: [],
        perTryMs: 1000,
      },
    },
  ],
])('limits of time and retries: %j', (rule, expected) => {
  expect(ruleOf(rule)?.action).toEqual({
    type: 'forward',
    destinations: [{ backend: cart, weight: 1 }],
    mirrors: [],
    ...expected,
  });
});
