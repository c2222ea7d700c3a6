import { describe, expect, test } from '@jest/globals';
import { isObject, objectMember, objectsMember, type Json, type JsonObject } from '../../../src/json/json.ts';
import type {
  Backend,
  Destination,
  PathMatch,
  PathRewrite,
  Redirect,
  RouteRule,
} from '../../../src/mesh/plan/route-plan.ts';
import { routeConfiguration } from '../../../src/mesh/resources/routes/route-configuration.ts';
import { backend, forward, matching, rule } from '../../support/mesh/traffic.ts';

const clusters = {
  nameOf: ({ service, subset = '' }: Backend) => `${service} ${subset}`.trim(),
  isDialled: ({ service }: Backend) => service === 'shop/dialled',
  hasAffinity: ({ service }: Backend) => service === 'shop/sticky',
};

function configurationOf(...rules: readonly RouteRule[]): JsonObject {
  return routeConfiguration('name', { rules }, clusters);
}

function routesOf(...rules: readonly RouteRule[]): readonly JsonObject[] {
  const [host] = objectsMember(configurationOf(...rules), 'virtual_hosts');
  return objectsMember(host, 'routes');
}

const toCart = forward([backend('cart')]);
/** A condition that keeps a rule from being one for everything. */
const some = matching({ path: { type: 'exact', value: '/x' } });

/** The last route of a rule: that of other requests than those of gRPC. */
function plain(...[action, more = {}]: Parameters<typeof rule>): JsonObject {
  const route = routesOf(rule(action, { match: some, ...more })).at(-1);
  if (route === undefined) throw new Error('the rule has no route');
  return route;
}

function actionOf(...given: Parameters<typeof rule>): JsonObject {
  return objectMember(plain(...given), 'route') ?? {};
}

describe('a configuration', () => {
  test('counts for every Host header, and puts the client’s x-forwarded-proto back', () => {
    expect(configurationOf()).toEqual({
      name: 'name',
      most_specific_header_mutations_wins: true,
      request_headers_to_remove: ['x-forwarded-proto'],
      request_headers_to_add: [
        {
          header: { key: 'x-forwarded-proto', value: '%REQ(x-sidecar-injector-proto)%' },
          append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
        },
      ],
      virtual_hosts: [
        { name: 'name', domains: ['*'], request_headers_to_remove: ['x-sidecar-injector-proto'], routes: [] },
      ],
    });
  });

  test('has no other routes than those of its rules, in their order', () => {
    const two = routesOf(
      rule(
        { type: 'answer', status: 204 },
        { name: 'first', match: matching({ method: { type: 'exact', value: 'GET' } }) },
      ),
      rule({ type: 'answer', status: 205 }, { name: 'second', match: some }),
    );
    expect(two.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('makes room for answers that are long', () => {
    const answer = (length: number) => rule({ type: 'answer', status: 200, body: new Uint8Array(length) });
    expect(configurationOf(answer(4096))).not.toHaveProperty('max_direct_response_body_size_bytes');
    expect(configurationOf(answer(4097), answer(1))).toMatchObject({ max_direct_response_body_size_bytes: 4097 });
  });
});

describe('routes of a rule', () => {
  test('for everything: gRPC, which counts messages, other requests, and CONNECT', () => {
    const routes = routesOf(rule(toCart));
    expect(routes.map(({ match }) => match)).toEqual([
      { prefix: '/', grpc: {} },
      { prefix: '/' },
      { connect_matcher: {} },
    ]);
    const counting = routes.map((route) => Object.keys(objectMember(route, 'typed_per_filter_config') ?? {}));
    expect(counting).toEqual([['grpc_messages', 'grpc_stats'], [], []]);
  });

  test.each([
    ['a path', some],
    ['a header', matching({ headers: [{ name: 'a', match: { type: 'present' } }] })],
    ['a query parameter', matching({ query: [{ name: 'a', match: { type: 'present' } }] })],
    ['an authority', matching({ authority: { type: 'exact', value: 'a' } })],
    ['all segments but for gRPC alone', matching({ isGrpc: true })],
  ])('for %s have none of CONNECT', (_, match) => {
    expect(JSON.stringify(routesOf(rule(toCart, { match })))).not.toContain('connect_matcher');
  });

  test('give requests of CONNECT no path, with which Envoy would not send them', () => {
    const path = { type: 'matched', value: '/b' } as const;
    const actions = routesOf(rule({ ...toCart, path })).map(
      (route) => objectMember(route, 'route')?.['prefix_rewrite'],
    );
    expect(actions).toEqual(['/b', '/b', undefined]);
  });

  test.each<PathMatch | undefined>([
    undefined,
    { type: 'prefix', value: '' },
    { type: 'prefix', value: '/' },
    { type: 'segments', value: '' },
    { type: 'regex', value: '.*' },
  ])('with the path %j are for everything', (path) => {
    const match = matching(path === undefined ? {} : { path });
    expect(routesOf(rule(toCart, { match })).map((route) => route['match'])).toContainEqual({ connect_matcher: {} });
  });

  test('of gRPC alone, and of methods that gRPC has not, are one', () => {
    const kinds = [matching({ isGrpc: true }), matching({ method: { type: 'exact', value: 'GET' } })];
    expect(
      kinds.map((match) => routesOf(rule(toCart, { match })).map((one) => objectMember(one, 'match'))),
    ).toMatchObject([[{ grpc: {} }], [{ headers: [{ name: ':method' }] }]]);
  });
});

describe('a match', () => {
  test.each<[string, Parameters<typeof matching>[0], JsonObject]>([
    ['an exact path', { path: { type: 'exact', value: '/x' } }, { path: '/x' }],
    ['a prefix', { path: { type: 'prefix', value: '/x/' } }, { prefix: '/x/' }],
    ['segments', { path: { type: 'segments', value: '/x' } }, { path_separated_prefix: '/x' }],
    ['an expression', { path: { type: 'regex', value: '/v[12]' } }, { safe_regex: { regex: '/v[12]' } }],
    [
      'a path in any case',
      { path: { type: 'exact', value: '/x', ignoresCase: true } },
      { path: '/x', case_sensitive: false },
    ],
    [
      'what comes before headers',
      {
        method: { type: 'exact', value: 'GET' },
        authority: { type: 'prefix', value: 'a' },
        scheme: { type: 'regex', value: 'h.*' },
      },
      {
        prefix: '/',
        headers: [
          { name: ':method', string_match: { exact: 'GET' } },
          { name: ':authority', string_match: { prefix: 'a' } },
          { name: ':scheme', string_match: { safe_regex: { regex: 'h.*' } } },
        ],
      },
    ],
    [
      'a header, there or not, or with another value',
      {
        headers: [
          { name: 'a', match: { type: 'present' } },
          { name: 'b', match: { type: 'present' }, isNegated: true },
          { name: 'c', match: { type: 'exact', value: 'x' }, isNegated: true },
          { name: 'd', match: { type: 'prefix', value: '' } },
          { name: 'e', match: { type: 'regex', value: '.*' } },
          { name: 'f', match: { type: 'regex', value: '.*' }, isNegated: true },
        ],
      },
      {
        prefix: '/',
        headers: [
          { name: 'a', present_match: true },
          { name: 'b', present_match: true, invert_match: true },
          { name: 'c', string_match: { exact: 'x' }, invert_match: true, treat_missing_header_as_empty: true },
          { name: 'd', present_match: true },
          { name: 'e', present_match: true },
          {
            name: 'f',
            string_match: { safe_regex: { regex: '.*' } },
            invert_match: true,
            treat_missing_header_as_empty: true,
          },
        ],
      },
    ],
    [
      'query parameters',
      {
        query: [
          { name: 'a', match: { type: 'present' } },
          { name: 'b', match: { type: 'exact', value: '' } },
        ],
      },
      {
        prefix: '/',
        query_parameters: [
          { name: 'a', present_match: true },
          { name: 'b', string_match: { exact: '' } },
        ],
      },
    ],
  ])('of %s', (_, match, expected) => {
    expect(plain(toCart, { match: matching(match) })['match']).toEqual(expected);
  });
});

describe('a rewritten path', () => {
  const segments: PathMatch = { type: 'segments', value: '/a.b' };

  test.each<[PathMatch | undefined, PathRewrite, JsonObject]>([
    [segments, { type: 'matched', value: '/new' }, { prefix_rewrite: '/new' }],
    [segments, { type: 'segments', value: '/new/' }, { prefix_rewrite: '/new' }],
    [
      segments,
      { type: 'segments', value: '/' },
      { regex_rewrite: { pattern: { regex: String.raw`^/a\.b/?` }, substitution: '/' } },
    ],
    [
      { ...segments, ignoresCase: true },
      { type: 'segments', value: '' },
      { regex_rewrite: { pattern: { regex: String.raw`^(?i)/a\.b/?` }, substitution: '/' } },
    ],
    [undefined, { type: 'segments', value: '/new' }, { prefix_rewrite: '/new/' }],
    [{ type: 'segments', value: '' }, { type: 'segments', value: '/' }, {}],
    [
      segments,
      { type: 'full', value: String.raw`/\1` },
      { regex_rewrite: { pattern: { regex: '^/.*$' }, substitution: String.raw`/\\1` } },
    ],
    [
      segments,
      { type: 'regex', pattern: '/(.*)', substitution: String.raw`/x/\1` },
      { regex_rewrite: { pattern: { regex: '/(.*)' }, substitution: String.raw`/x/\1` } },
    ],
  ])('of %j by %j', (path, rewrite, expected) => {
    const match = matching({ ...(path && { path }), method: { type: 'exact', value: 'GET' } });
    const { cluster: _, timeout: __, retry_policy: ___, ...rest } = actionOf({ ...toCart, path: rewrite }, { match });
    expect(rest).toEqual(expected);
  });
});

describe('a redirection', () => {
  const hasPort = expect.objectContaining({ headers: expect.anything() });

  test.each<[Omit<Redirect, 'type' | 'status'>, readonly JsonObject[]]>([
    [{}, [{}]],
    // A Host header with :80 would stay as it is.
    [{ scheme: 'https' }, [{ scheme_redirect: 'https', port_redirect: 443 }, { scheme_redirect: 'https' }]],
    [{ scheme: 'https', authority: 'example.com' }, [{ scheme_redirect: 'https', host_redirect: 'example.com' }]],
    [{ authority: 'example.com', port: 80 }, [{ host_redirect: 'example.com' }]],
    [{ authority: 'example.com', port: 443 }, [{ host_redirect: 'example.com', port_redirect: 443 }]],
    [
      { scheme: 'https', authority: 'example.com', port: 443 },
      [{ scheme_redirect: 'https', host_redirect: 'example.com' }],
    ],
    [{ port: 8080 }, [{ port_redirect: 8080 }]],
    // The Host header may have another port, and Envoy leaves out a port only with its own hands.
    [{ scheme: 'https', port: 443 }, [{ scheme_redirect: 'https', port_redirect: 443 }, { scheme_redirect: 'https' }]],
    [{ path: { type: 'full', value: '/new' } }, [{ path_redirect: '/new' }]],
    [{ path: { type: 'matched', value: '/new' } }, [{ prefix_rewrite: '/new' }]],
  ])('%j', (redirect, expected) => {
    const routes = routesOf(rule({ type: 'redirect', status: 302, ...redirect }, { match: some }));
    expect(routes.map((route) => route['redirect'])).toEqual(
      expected.map((one) => ({ ...one, response_code: 'FOUND' })),
    );
    expect(routes.map(({ match }) => match)).toEqual(
      routes.length === 1 ? [{ path: '/x' }] : [hasPort, { path: '/x' }],
    );
  });
});

test('an answer', () => {
  expect(plain({ type: 'answer', status: 418 })['direct_response']).toEqual({ status: 418 });
  const body = new TextEncoder().encode('no');
  expect(plain({ type: 'answer', status: 418, body })['direct_response']).toEqual({
    status: 418,
    body: { inline_bytes: 'bm8=' },
  });
});

describe('where requests go', () => {
  test('one destination is a cluster', () => {
    expect(actionOf(toCart)).toMatchObject({ cluster: 'shop/cart' });
  });

  test('several have weights; the share of those that do not exist is answered with 500', () => {
    const destinations: readonly Destination[] = [
      { backend: backend('cart', { subset: 'v1' }), weight: 90 },
      { backend: undefined, weight: 10 },
    ];
    expect(actionOf({ ...toCart, destinations })).toMatchObject({
      weighted_clusters: {
        clusters: [
          { name: 'shop/cart v1', weight: 90 },
          { name: 'nowhere', weight: 10 },
        ],
      },
      cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR',
    });
    const [ofGrpc] = routesOf(rule({ ...toCart, destinations }, { match: some }));
    expect(ofGrpc?.['route']).toMatchObject({ cluster_not_found_response_code: 'SERVICE_UNAVAILABLE' });
    expect(actionOf(forward([backend('a'), backend('b')]))).not.toHaveProperty('cluster_not_found_response_code');
  });

  test.each([[[undefined]], [[undefined, undefined]]])('%j: an answer', (backends) => {
    expect(routesOf(rule(forward(backends))).map((route) => route['direct_response'])).toEqual(
      Array.from({ length: 3 }, () => ({ status: 500 })),
    );
  });

  test('what the only destination sets comes after what its rule sets, then what is added; what is taken out comes first', () => {
    const ofRule = { set: [['a', '50%%']], add: [['b', '']], remove: ['c'] } as const;
    const own = { set: [['a', '2']], add: [], remove: ['c', 'd'] } as const;
    const destinations = [{ backend: backend('cart'), weight: 1, requestHeaders: own, authority: 'inner' }];
    const route = plain({ ...toCart, destinations }, { requestHeaders: ofRule, responseHeaders: ofRule });
    const set = (value: string) => ({ header: { key: 'a', value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' });
    const added = { header: { key: 'b', value: '' }, keep_empty_value: true };
    expect(route).toMatchObject({
      request_headers_to_add: [set('50%%'), set('2'), added],
      request_headers_to_remove: ['c', 'd'],
      response_headers_to_add: [set('50%%'), added],
      response_headers_to_remove: ['c'],
      route: { host_rewrite_literal: 'inner', cluster: 'shop/cart' },
    });
    expect(actionOf({ ...toCart, destinations, authority: 'outer' })).toMatchObject({ host_rewrite_literal: 'outer' });
  });

  test('what one of several destinations changes is said of it, also if it gets all requests at present', () => {
    const changes = { set: [['a', '1']], add: [], remove: [] } as const;
    const destinations = [{ backend: backend('cart'), weight: 1, requestHeaders: changes }];
    const route = plain({ ...toCart, destinations, isShared: true }, { requestHeaders: changes });
    const expected = [{ header: { key: 'a', value: '1' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }];
    expect(route).toMatchObject({
      request_headers_to_add: expected,
      route: { weighted_clusters: { clusters: [{ name: 'shop/cart', weight: 1, request_headers_to_add: expected }] } },
    });
  });

  test('copies leave as they are, but for being traced', () => {
    const mirrors = [{ backend: backend('pay'), perMillion: 250_000 }];
    expect(actionOf({ ...toCart, mirrors })['request_mirror_policies']).toEqual([
      {
        cluster: 'shop/pay',
        runtime_fraction: { default_value: { numerator: 250_000, denominator: 'MILLION' } },
        trace_sampled: false,
        disable_shadow_host_suffix_append: true,
      },
    ]);
  });
});

describe('hashes', () => {
  function policiesOf(...destinations: readonly Omit<Destination, 'weight'>[]): Json | undefined {
    return actionOf({ ...toCart, destinations: destinations.map((one) => ({ ...one, weight: 1 })) })['hash_policy'];
  }

  test('of each kind', () => {
    const to = (name: string, hash: Destination['hash'] & object) => ({ backend: backend(name), hash });
    expect(
      policiesOf(
        to('a', { type: 'header', name: 'x-user' }),
        to('b', { type: 'query', name: 'user' }),
        to('c', { type: 'address' }),
        to('d', { type: 'cookie', name: 'c', path: '/', ttlMs: 0 }),
        to('e', { type: 'header', name: 'x-user' }),
      ),
    ).toEqual([
      { header: { header_name: 'x-user' } },
      { query_parameter: { name: 'user' } },
      { connection_properties: { source_ip: true } },
      { cookie: { name: 'c', ttl: '0s', path: '/' } },
    ]);
  });

  test('of a Service with session affinity, unless a policy has another one', () => {
    expect(policiesOf({ backend: backend('sticky') })).toEqual([{ connection_properties: { source_ip: true } }]);
    expect(policiesOf({ backend: backend('sticky'), hash: { type: 'header', name: 'a' } })).toEqual([
      { header: { header_name: 'a' } },
    ]);
    expect(policiesOf({ backend: backend('cart') })).toBeUndefined();
  });
});

describe('time and retries', () => {
  test('a timeout is none by default; for gRPC it is the most that clients may ask for', () => {
    const timeouts = (timeoutMs?: number) =>
      routesOf(rule({ ...toCart, ...(timeoutMs !== undefined && { timeoutMs }) }, { match: some })).map((route) => {
        const { timeout, max_stream_duration } = objectMember(route, 'route') ?? {};
        return timeout ?? max_stream_duration;
      });
    expect(timeouts()).toEqual(['0s', '0s']);
    expect(timeouts(0)).toEqual(['0s', '0s']);
    expect(timeouts(1_500)).toEqual([{ max_stream_duration: '1.5s', grpc_timeout_header_max: '1.5s' }, '1.5s']);
  });

  test('retries by default only what cannot have been started, elsewhere; what a client dials has no elsewhere', () => {
    const usual = actionOf(toCart)['retry_policy'];
    expect(usual).toMatchObject({
      retry_on: 'connect-failure,refused-stream,reset-before-request',
      num_retries: 2,
      retry_host_predicate: [{ name: 'previous_hosts' }],
    });
    expect(actionOf(forward([backend('dialled')]))['retry_policy']).toEqual({ retry_on: 'refused-stream' });
    expect(actionOf(forward([backend('dialled'), backend('cart')]))['retry_policy']).toEqual(usual);
  });

  test('none, if there are to be none', () => {
    expect(actionOf({ ...toCart, retry: { attempts: 0, statusCodes: [503] } })).not.toHaveProperty('retry_policy');
  });

  test('as many as wanted, when wanted', () => {
    const retry = {
      attempts: 3,
      conditions: ['5xx', 'reset'],
      statusCodes: [429],
      perTryMs: 2_000,
      backoffMs: 250,
      mayRepeatEndpoint: true,
    };
    expect(actionOf({ ...toCart, retry })['retry_policy']).toEqual({
      retry_on: '5xx,reset,retriable-status-codes',
      num_retries: 3,
      retriable_status_codes: [429],
      per_try_timeout: '2s',
      retry_back_off: { base_interval: '0.25s' },
    });
    expect(actionOf({ ...toCart, retry: { attempts: 1, statusCodes: [503] } })['retry_policy']).toMatchObject({
      retry_on: 'connect-failure,refused-stream,reset-before-request,retriable-status-codes',
      retry_host_predicate: [{ name: 'previous_hosts' }],
    });
  });
});

describe('filters of a rule', () => {
  function filtersOf(more: Partial<RouteRule>): readonly JsonObject[] {
    return routesOf(rule(toCart, { match: some, ...more })).map(
      (route) => objectMember(route, 'typed_per_filter_config') ?? {},
    );
  }

  test('faults, for gRPC and others', () => {
    const fault = {
      delay: { ms: 5_000, perMillion: 1_000 },
      abort: { status: { type: 'grpc' as const, code: 14 }, perMillion: 1_000_000 },
    };
    const expected = {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
      delay: { fixed_delay: '5s', percentage: { numerator: 1_000, denominator: 'MILLION' } },
      abort: { grpc_status: 14, percentage: { numerator: 1_000_000, denominator: 'MILLION' } },
      disable_downstream_cluster_stats: true,
    };
    const [ofGrpc, others] = filtersOf({ fault });
    expect(others).toEqual({ fault: expected });
    expect(isObject(ofGrpc) && Object.keys(ofGrpc)).toEqual(['grpc_messages', 'grpc_stats', 'fault']);
  });

  test('sharing between origins', () => {
    const cors = {
      origins: [
        { type: 'exact' as const, value: 'https://a' },
        { type: 'regex' as const, value: '.*' },
      ],
      methods: ['GET', 'PUT'],
      headers: [],
      exposed: ['x-a'],
      maxAgeMs: 90_500,
      allowsCredentials: true,
      forwardsOthers: false,
    };
    expect(filtersOf({ cors })[1]).toEqual({
      cors: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
        allow_origin_string_match: [{ exact: 'https://a' }, { safe_regex: { regex: '.*' } }],
        allow_methods: 'GET,PUT',
        expose_headers: 'x-a',
        max_age: '90',
        allow_credentials: true,
        forward_not_matching_preflights: false,
      },
    });
  });
});
