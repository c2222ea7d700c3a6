import { describe, expect, test } from '@jest/globals';
import { objectMember, type JsonObject } from '../../../../src/json/json.ts';
import { explained, type TestCall } from '../../../support/mesh/explained.ts';
import { cart, pod, rule, service, slice } from '../../../support/mesh/cart-objects.ts';

const to = (host: string, more: JsonObject = {}): JsonObject => ({ destination: { host, ...more } });
const subsets = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));
const name = 'outbound|80||cart.shop.svc.cluster.local';
const ofCart = { ref: expect.objectContaining({ kind: 'DestinationRule', name: 'cart' }) };

describe('a call of a Service of which no object speaks', () => {
  const { listener, route, outcome, clusters, remarks } = explained(cart);

  test('is read as HTTP by the listener of its address', () => {
    expect(listener).toEqual({ name: '10.96.0.1_80', filterChain: 'http', reads: 'http' });
    expect(route?.origin).toBeUndefined();
    expect(remarks).toEqual([]);
  });

  test('goes to all ready endpoints, each by what it takes', () => {
    expect(outcome).toMatchObject({ type: 'forward', shares: [{ cluster: name, percent: 100 }], path: '/' });
    expect(clusters).toMatchObject([
      {
        name,
        gets: 'requests',
        endpoints: [
          {
            address: '10.1.0.1',
            port: 8080,
            pod: 'shop/cart-1',
            health: 'healthy',
            protection: {
              type: 'mutual TLS',
              serverName: 'outbound_.80_._.cart.shop.svc.cluster.local',
              names: ['spiffe://cluster.local/ns/shop/sa/cart'],
            },
          },
          { address: '10.1.0.2', pod: 'shop/cart-2', protection: { type: 'plain text', names: [] } },
        ],
        origins: [],
      },
    ]);
    expect(clusters[0]?.limits).toEqual({});
    expect(clusters[0]).not.toHaveProperty('ejection');
  });

  test('is not sent again, but where no server can have got it', () => {
    expect(outcome).toMatchObject({
      retries: { attempts: 2, on: ['connect-failure', 'refused-stream', 'reset-before-request'] },
    });
    expect(outcome).not.toHaveProperty('timeout');
  });
});

test('an endpoint that is not ready gets no requests', () => {
  const objects = [
    ...cart.slice(0, 3),
    slice({ 'cart-1': { ip: '10.1.0.1', ready: false }, 'cart-2': { ip: '10.1.0.2' } }),
  ];
  const [only] = explained(objects).clusters;
  expect(only?.endpoints.map(({ health }) => health)).toEqual(['unhealthy', 'healthy']);
});

describe('a connection', () => {
  const bytes = { route: undefined, outcome: undefined, clusters: [expect.objectContaining({ name })] };

  test.each<[string, object, object]>([
    [
      'TLS on a port of HTTP',
      { speaks: 'tls' },
      { ...bytes, listener: { name: '10.96.0.1_80', filterChain: 'tcp', reads: 'bytes' } },
    ],
    [
      'bytes on a port of HTTP',
      { speaks: 'bytes' },
      {
        listener: { name: '10.96.0.1_80', filterChain: 'http', reads: 'http' },
        route: undefined,
        outcome: { type: 'answer', status: 400, why: 'no HTTP' },
        clusters: [],
      },
    ],
    ['a port of TCP', { port: 81 }, { listener: { name: '10.96.0.1_81', filterChain: 'tcp', reads: 'bytes' } }],
    [
      'another address',
      { host: '192.0.2.1' },
      {
        listener: { name: 'virtualOutbound', filterChain: 'outbound-http', reads: 'http' },
        clusters: [{ name: 'PassthroughCluster', picks: 'the one that the client has dialled' }],
      },
    ],
    [
      'another address, with bytes',
      { host: '192.0.2.1', speaks: 'bytes' },
      { listener: { name: 'virtualOutbound', filterChain: 'outbound-tcp' } },
    ],
    ["the proxy's own port", { host: '192.0.2.1', port: 15_001 }, { listener: { filterChain: 'loop-guard' } }],
  ])('%s', (_, call, expected) => {
    expect(explained(cart, call)).toMatchObject(expected);
  });
});

describe('routes of a VirtualService', () => {
  const http = [
    {
      name: 'canary',
      match: [{ headers: { 'x-canary': { exact: 'yes' } } }, { uri: { prefix: '/new' }, ignoreUriCase: true }],
      route: [to('cart', { subset: 'v2' })],
      timeout: '5s',
      rewrite: { uri: '/' },
    },
    {
      route: [
        { ...to('cart', { subset: 'v1' }), weight: 90 },
        { ...to('cart', { subset: 'v2' }), weight: 10, headers: { request: { set: { 'x-v': '2' } } } },
      ],
      retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx,503' },
      mirrors: [{ destination: { host: 'cart' }, percentage: { value: 5 } }],
    },
  ];
  const objects = [
    ...cart,
    rule('DestinationRule', 'cart', { host: 'cart', subsets }),
    rule('VirtualService', 'cart', { hosts: ['cart'], http }),
  ];
  const v = (subset: string): string => `outbound|80|${subset}|cart.shop.svc.cluster.local`;

  test('the first that matches is taken, with where it is from', () => {
    const { route, passedRoutes, outcome, clusters } = explained(objects, { headers: { 'X-Canary': 'yes' } });
    expect(route).toMatchObject({
      name: 'canary',
      match: 'header x-canary exact "yes"',
      origin: { ref: { kind: 'VirtualService', namespace: 'shop', name: 'cart' }, field: '/spec/http/0/match/0' },
    });
    // The one for gRPC.
    expect(passedRoutes.map(({ because }) => because)).toEqual(['header content-type is absent, wanted: one of gRPC']);
    expect(outcome).toMatchObject({ shares: [{ cluster: v('v2'), percent: 100 }], timeout: '5s' });
    expect(clusters[0]?.origins).toEqual([{ ...ofCart, field: '/spec/subsets/1' }]);
    expect(clusters[0]?.endpoints.map((one) => one.pod)).toEqual(['shop/cart-2']);
  });

  test('the path that the server gets is told', () => {
    const { route, outcome } = explained(objects, { path: '/NEW/x?y=1' });
    expect(route?.origin?.field).toBe('/spec/http/0/match/1');
    expect(outcome).toMatchObject({ path: '//x?y=1' });
  });

  test('all others, with shares, copies and retries', () => {
    const { route, passedRoutes, outcome, clusters } = explained(objects, { path: '/old' });
    expect(route).toMatchObject({ match: 'all requests', origin: { field: '/spec/http/1' } });
    expect(
      passedRoutes
        .filter(({ match }) => !match.includes('gRPC'))
        .map(({ origin, because }) => [origin?.field, because]),
    ).toEqual([
      ['/spec/http/0/match/0', 'header x-canary is absent, wanted: exact "yes"'],
      ['/spec/http/0/match/1', 'path is "/old", wanted: prefix "/new" in any case'],
    ]);
    expect(outcome).toMatchObject({
      shares: [
        { cluster: v('v1'), percent: 90, headers: { request: [] } },
        { cluster: v('v2'), percent: 10, headers: { request: ['set x-v: 2'] } },
      ],
      retries: {
        attempts: 3,
        perTryTimeout: '2s',
        on: ['5xx', 'retriable-status-codes'],
        statusCodes: [503],
        otherEndpointsFirst: true,
      },
      mirrors: [{ cluster: name, percent: 5 }],
    });
    expect(clusters.map(({ name: one, gets, percent }) => [one, gets, percent])).toEqual([
      [v('v1'), 'requests', 90],
      [v('v2'), 'requests', 10],
      [name, 'copies', 5],
    ]);
  });

  test('of gRPC have a route of their own', () => {
    const { route, outcome } = explained(objects, {
      method: 'POST',
      headers: { 'content-type': 'application/grpc+proto', 'x-canary': 'yes' },
    });
    expect(route?.origin?.field).toBe('/spec/http/0/match/0');
    expect(outcome).toMatchObject({ timeout: '5s' });
  });

  test('that none matches are answered with 404', () => {
    const none = rule('VirtualService', 'cart', { hosts: ['cart'], http: http.slice(0, 1) });
    const only = [...objects.slice(0, -1), none];
    expect(explained(only, { path: '/old' })).toMatchObject({
      route: undefined,
      outcome: { type: 'answer', status: 404, why: 'no route' },
    });
    const grpc = { 'content-type': 'application/grpc' };
    expect(explained(only, { path: '/old', headers: grpc }).outcome).toMatchObject({ status: 404, grpcStatus: 12 });
  });

  test('that name a subset that is not there keep the last good ones', () => {
    const missing = objects.filter(({ kind }) => kind !== 'DestinationRule');
    const { keepsLastRoutes, route, remarks } = explained(missing);
    expect([keepsLastRoutes, route?.origin]).toEqual([true, undefined]);
    expect(remarks.map(({ code }) => code)).toContain('NoSuchSubset');
  });
});

test('routes of Gateway API are told in the order in which they are asked, with their places', () => {
  const backendRefs = [{ name: 'cart', port: 80 }];
  const parentRefs = [{ group: '', kind: 'Service', name: 'cart' }];
  const path = (type: string, value: string): JsonObject => ({ path: { type, value } });
  const rules = [
    { backendRefs },
    { matches: [path('PathPrefix', '/a'), path('Exact', '/a/b')], backendRefs: [{ name: 'nobody', port: 80 }] },
  ];
  const objects = [...cart, rule('HTTPRoute', 'cart', { parentRefs, rules })];
  const fieldsOf = (wanted: string) => {
    const { route, passedRoutes, outcome } = explained(objects, { path: wanted });
    return [route?.origin?.field, outcome, new Set(passedRoutes.map(({ origin }) => origin?.field))];
  };
  expect(fieldsOf('/a/b')).toEqual([
    '/spec/rules/1/matches/1',
    { type: 'answer', status: 500, why: 'direct response' },
    new Set(),
  ]);
  expect(fieldsOf('/c')).toEqual([
    '/spec/rules/0/matches/0',
    expect.objectContaining({ type: 'forward' }),
    new Set(['/spec/rules/1/matches/1', '/spec/rules/1/matches/0', '/spec/rules/0/matches/0']),
  ]);
});

describe('what a proxy answers by itself', () => {
  const answered = (http: JsonObject, call = {}) =>
    explained([...cart, rule('VirtualService', 'cart', { hosts: ['cart'], http: [http] })], call).outcome;

  test('redirections', () => {
    const redirect = { uri: '/b', scheme: 'https' };
    expect(answered({ redirect }, { path: '/a?q' })).toEqual({
      type: 'redirect',
      status: 301,
      location: 'https://cart/b?q',
    });
  });

  test('answers of a route', () => {
    expect(answered({ directResponse: { status: 418 } })).toEqual({
      type: 'answer',
      status: 418,
      why: 'direct response',
    });
  });

  test('questions of CORS', () => {
    const http = { corsPolicy: { allowOrigins: [{ exact: 'https://a' }] }, route: [to('cart')] };
    const asking = (origin: string) => ({
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT' },
    });
    expect(answered(http, asking('https://a'))).toEqual({ type: 'answer', status: 200, why: 'preflight' });
    expect(answered(http, asking('https://b'))).toMatchObject({ type: 'forward' });
  });

  test('faults', () => {
    const fault = {
      delay: { fixedDelay: '2s', percentage: { value: 50 } },
      abort: { httpStatus: 503, percentage: { value: 0.5 } },
    };
    expect(answered({ fault, route: [to('cart')] })).toMatchObject({
      faults: { delay: { duration: '2s', percent: 50 }, abort: { status: 503, percent: 0.5 } },
    });
  });
});

describe('what a DestinationRule says', () => {
  const policy = {
    connectionPool: { tcp: { maxConnections: 10, connectTimeout: '3s' }, http: { http1MaxPendingRequests: 5 } },
    outlierDetection: { consecutive5xxErrors: 3, baseEjectionTime: '60s' },
    loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } },
    tls: { mode: 'ISTIO_MUTUAL', subjectAltNames: ['spiffe://other/ns/a/sa/b'] },
  };
  const clusterOf = (spec: JsonObject) =>
    explained([...cart, rule('DestinationRule', 'cart', { host: 'cart', ...spec })]).clusters[0];

  test('of all ports, with its field', () => {
    const cluster = clusterOf({ trafficPolicy: policy });
    expect(cluster).toMatchObject({
      picks: 'by a consistent hash',
      connectTimeout: '3s',
      limits: { max_connections: 10, max_pending_requests: 5 },
      ejection: { endpoints: 2, most: 1, isOneAlways: true, baseTime: '60s' },
      origins: [{ ...ofCart, field: '/spec/trafficPolicy' }],
    });
    expect(cluster?.endpoints.map(({ protection }) => protection.names)).toEqual([
      ['spiffe://other/ns/a/sa/b'],
      ['spiffe://other/ns/a/sa/b'],
    ]);
  });

  test('of the port, and of another one', () => {
    const portLevelSettings = [
      { port: { number: 81 }, tls: { mode: 'DISABLE' } },
      { port: { number: 80 }, tls: { mode: 'DISABLE' } },
    ];
    const cluster = clusterOf({ trafficPolicy: { ...policy, portLevelSettings } });
    expect(cluster?.origins).toEqual([{ ...ofCart, field: '/spec/trafficPolicy/portLevelSettings/1' }]);
    expect(cluster?.endpoints[0]?.protection.type).toBe('plain text');
    expect(cluster?.limits).toEqual({});
  });
});

test('a pod of a headless Service is called by its own address', () => {
  const [first, ...rest] = cart;
  const headless = { ...first, spec: { ...objectMember(first, 'spec'), clusterIP: 'None', clusterIPs: ['None'] } };
  const { listener, clusters } = explained([headless, ...rest], { port: 8080 });
  expect(listener.name).toBe('10.1.0.1_8080');
  expect(clusters).toMatchObject([
    {
      name,
      picks: 'the one that the client has dialled',
      endpoints: [
        {
          address: '10.1.0.1',
          port: 8080,
          pod: 'shop/cart-1',
          health: 'dialled',
          protection: { type: 'mutual TLS', names: ['spiffe://cluster.local/ns/shop/sa/cart'] },
        },
      ],
    },
  ]);
});

test('clients with other labels may be told another route', () => {
  const http = [
    { match: [{ sourceLabels: { app: 'test' } }], directResponse: { status: 500 } },
    { route: [to('pay')] },
  ];
  const objects = [
    ...cart,
    service('pay', '10.96.0.2'),
    pod('web', '10.1.0.9', 'v1'),
    rule('VirtualService', 'cart', { hosts: ['cart'], http }),
  ];
  expect(explained(objects, { labels: { app: 'test' } }).route?.origin?.field).toBe('/spec/http/0/match/0');
  expect(explained(objects, { labels: { app: 'web' } }).route?.origin?.field).toBe('/spec/http/1');
});

describe('what the server’s proxy makes of it', () => {
  const security = (kind: string, name: string, spec: JsonObject, age = 1): JsonObject => ({
    ...rule(kind, name, spec, 'shop', age),
    apiVersion: 'security.istio.io/v1',
  });
  const strict = security('PeerAuthentication', 'strict', { mtls: { mode: 'STRICT' } });
  const serverOf = (objects: readonly JsonObject[], call: TestCall = {}) =>
    explained([...cart, ...objects], call).clusters[0]?.endpoints[0]?.server;

  test('it takes both where no object says anything', () => {
    expect(serverOf([])).toEqual({
      filterChain: 'mtls-http',
      reads: 'http',
      mode: 'PERMISSIVE',
      modeFrom: [],
      isTaken: true,
      isAllowed: true,
      rule: undefined,
      limits: [],
      allowing: [],
    });
    expect(explained(cart).clusters[0]?.endpoints[1]?.server).toBeUndefined();
  });

  test('plain text is closed where only mutual TLS is taken', () => {
    const plain = rule('DestinationRule', 'cart', { host: 'cart', trafficPolicy: { tls: { mode: 'DISABLE' } } });
    expect(serverOf([strict, plain])).toMatchObject({ mode: 'STRICT', isTaken: false });
    expect(serverOf([strict])).toMatchObject({
      mode: 'STRICT',
      isTaken: true,
      modeFrom: [{ kind: 'PeerAuthentication', namespace: 'shop', name: 'strict' }],
    });
  });

  test('the mode of the container’s port counts', () => {
    const spec = { selector: { matchLabels: { app: 'cart' } }, portLevelMtls: { 8080: { mode: 'DISABLE' } } };
    const objects = [strict, security('PeerAuthentication', 'port', spec)];
    expect(serverOf(objects)).toMatchObject({ mode: 'DISABLE', isTaken: true });
    expect(serverOf(objects, { port: 81 })).toMatchObject({ mode: 'STRICT', isTaken: true, reads: 'bytes' });
  });

  test('a policy that denies is named with its rule', () => {
    const rules = [{ to: [{ operation: { paths: ['/b'] } }] }, { to: [{ operation: { paths: ['/admin*'] } }] }];
    const deny = security('AuthorizationPolicy', 'deny', { action: 'DENY', rules });
    expect(serverOf([deny], { path: '/admin/x' })).toMatchObject({
      isAllowed: false,
      rule: { ref: { kind: 'AuthorizationPolicy', name: 'deny' }, field: '/spec/rules/1' },
    });
    expect(serverOf([deny], { path: '/x' })).toMatchObject({ isAllowed: true, rule: undefined });
  });

  test('what no policy allows is not let in; the identity of the client counts', () => {
    const rules = [{ from: [{ source: { serviceAccounts: ['web'] } }] }];
    const allow = security('AuthorizationPolicy', 'allow', { rules });
    const web = (serviceAccountName: string): JsonObject => {
      const [object] = [pod('web', '10.0.0.9', 'v1')];
      return { ...object, spec: { ...objectMember(object, 'spec'), serviceAccountName } };
    };
    const rest = { allowing: [expect.objectContaining({ name: 'allow' })] };
    expect(serverOf([allow, web('web')])).toMatchObject({ ...rest, isAllowed: true, rule: { field: '/spec/rules/0' } });
    expect(serverOf([allow, web('other')])).toMatchObject({ ...rest, isAllowed: false, rule: undefined });
    // A client in plain text has no identity.
    const plain = rule('DestinationRule', 'cart', { host: 'cart', trafficPolicy: { tls: { mode: 'DISABLE' } } });
    expect(serverOf([allow, plain, web('web')])).toMatchObject({ isAllowed: false });
  });

  test('the path that the route has made counts', () => {
    const http = [{ rewrite: { uri: '/admin' }, route: [to('cart')] }];
    const deny = security('AuthorizationPolicy', 'deny', {
      action: 'DENY',
      rules: [{ to: [{ operation: { paths: ['/admin'] } }] }],
    });
    const objects = [deny, rule('VirtualService', 'cart', { hosts: ['cart'], http })];
    expect(serverOf(objects, { path: '/' })).toMatchObject({ isAllowed: false });
  });

  describe('RateLimits', () => {
    const limit = (name: string, limits: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
      ...rule('RateLimit', name, { limits: [...limits], ...more }, 'shop'),
      apiVersion: 'mesh.sidecar-injector.io/v1alpha1',
    });
    const limits = [
      { requests: 9, per: 'Second', burst: 20 },
      { match: { paths: ['/api/*'], methods: ['GET'] }, requests: 5, per: 'Minute' },
      { match: { headers: { 'x-user': 'ann' } }, requests: 1, per: 'Hour' },
    ];
    const of = (objects: readonly JsonObject[], call?: TestCall) =>
      serverOf(objects, call)?.limits.map(({ origin: { ref, field }, requests, seconds, burst }) => [
        `${ref.kind} ${ref.name} ${field}`,
        requests,
        seconds,
        burst,
      ]);
    const [all, api, ann] = [
      ['RateLimit cart /spec/limits/0', 9, 1, 20],
      ['RateLimit cart /spec/limits/1', 5, 60, 5],
      ['RateLimit cart /spec/limits/2', 1, 3_600, 1],
    ];

    test.each<[TestCall, readonly unknown[]]>([
      [{}, [all]],
      [{ path: '/api/a?b' }, [all, api]],
      [{ path: '/%61pi/a' }, [all, api]],
      [{ path: '/api/a', method: 'PUT' }, [all]],
      [{ path: '/api/a', headers: { 'x-user': 'ann' } }, [all, api, ann]],
      [{ headers: { 'x-user': 'bob' } }, [all]],
    ])('those that %j counts in', (call, expected) => {
      expect(of([limit('cart', limits)], call)).toEqual(expected);
    });

    test('none of another pod, nor of bytes', () => {
      expect(of([limit('cart', limits, { selector: { matchLabels: { app: 'other' } } })])).toEqual([]);
      expect(of([limit('cart', limits)], { port: 81, speaks: 'bytes' })).toEqual([]);
    });

    test('what is said of them is told, and nothing of other objects', () => {
      const { remarks } = explained([...cart, strict, limit('cart', limits)]);
      const found = remarks.filter(({ ref }) => ref.kind === 'RateLimit');
      expect(found.map(({ code, effect }) => [code, effect])).toEqual([['PodsWithoutProxy', 'warning']]);
      const refused = explained([...cart, limit('cart', [])]).remarks;
      expect(refused.map(({ ref, effect }) => [ref.kind, effect])).toEqual([['RateLimit', 'refused']]);
    });
  });

  test('an older object for the same pods is named', () => {
    const { remarks } = explained([...cart, strict, security('PeerAuthentication', 'old', {}, 9)]);
    expect(remarks.map(({ ref, code }) => [ref.name, code])).toEqual(
      expect.arrayContaining([['strict', 'OlderObjectCounts']]),
    );
  });
});
