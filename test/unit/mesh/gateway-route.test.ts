import { describe, expect, test } from '@jest/globals';
import { describeFinding } from '../../../src/mesh/rules/finding.ts';
import { readGrpcRoute, readHttpRoute } from '../../../src/mesh/rules/gateway-route.ts';
import { readReferenceGrant } from '../../../src/mesh/rules/reference-grant.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const service = { group: '', kind: 'Service', name: 'cart' };
const backend = { name: 'cart', port: 80 };

function object(spec: JsonObject): JsonObject {
  return { metadata: { namespace: 'shop', name: 'r' }, spec: { parentRefs: [service], ...spec } };
}

/** Findings about a rule that is fine but for what is given. */
function findingsOf(rule: JsonObject, read: typeof readHttpRoute | typeof readGrpcRoute = readHttpRoute): string[] {
  return read(object({ rules: [{ backendRefs: [backend], ...rule }] })).findings.map(
    (finding) => `${finding.effect} ${describeFinding(finding)}`,
  );
}

describe('what an HTTPRoute may say', () => {
  test('all fields that are supported', () => {
    const rule = {
      name: 'all',
      matches: [
        {
          path: { type: 'Exact', value: '/a' },
          method: 'GET',
          headers: [{ name: 'X-Version', value: '2' }],
          queryParams: [{ type: 'RegularExpression', name: 'q', value: 'a+' }],
        },
      ],
      filters: [
        {
          type: 'RequestHeaderModifier',
          requestHeaderModifier: { set: [{ name: 'X-A', value: '1' }], remove: ['X-B'] },
        },
        { type: 'ResponseHeaderModifier', responseHeaderModifier: { add: [{ name: 'x-c', value: '1' }] } },
        {
          type: 'URLRewrite',
          urlRewrite: { hostname: 'a.example', path: { type: 'ReplaceFullPath', replaceFullPath: '/' } },
        },
        { type: 'RequestMirror', requestMirror: { backendRef: backend, percent: 10 } },
        { type: 'RequestMirror', requestMirror: { backendRef: backend, fraction: { numerator: 1, denominator: 3 } } },
        { type: 'CORS', cors: { allowOrigins: ['https://*.example.com'], allowMethods: ['*'] } },
      ],
      backendRefs: [{ ...backend, weight: 2, filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: {} }] }],
      timeouts: { request: '1m30s', backendRequest: '500ms' },
      retry: { codes: [503], attempts: 3 },
    };
    const { spec, findings } = readHttpRoute(object({ rules: [rule] }));
    expect(findings).toEqual([]);
    expect(spec?.rules[0]?.timeouts).toEqual({ request: 90_000, backendRequest: 500 });
    expect(spec?.rules[0]?.matches[0]?.headers).toEqual([{ type: 'Exact', name: 'x-version', value: '2' }]);
  });

  test('without rules, all requests have no backend', () => {
    expect(readHttpRoute(object({})).spec?.rules).toHaveLength(1);
  });

  const rewrite = (path: JsonObject) => ({ filters: [{ type: 'URLRewrite', urlRewrite: { path } }] });
  const cors = (fields: JsonObject) => ({ filters: [{ type: 'CORS', cors: fields }] });
  const redirect = { type: 'RequestRedirect', requestRedirect: {} };
  const mirror = { type: 'RequestMirror', requestMirror: { backendRef: backend } };

  test.each<[JsonObject, string]>([
    [{ timeout: '1s' }, 'refused /spec/rules/0/timeout: there is no such field, did you mean "timeouts"?'],
    [
      { sessionPersistence: {} },
      'refused /spec/rules/0/sessionPersistence: is not supported: use a DestinationRule with a consistent hash of a cookie or header',
    ],
    [
      { filters: [{ type: 'ExtensionRef', extensionRef: { group: 'a', kind: 'B', name: 'c' } }] },
      'refused /spec/rules/0/filters/0/extensionRef: is not supported: no extensions of filters are known; remove the filter',
    ],
    [
      { filters: [{ type: 'ExternalAuth', externalAuth: {} }] },
      'refused /spec/rules/0/filters/0/externalAuth: is not supported: requests are not shown to an external authorizer; remove the filter',
    ],
    [
      { backendRefs: [{ ...backend, filters: [mirror] }] },
      'refused /spec/rules/0/backendRefs/0/filters/0/requestMirror: is not supported: Envoy does this for a rule, not for one of its backends; move the filter to the rule',
    ],
    [{ filters: [{ type: 'CORS' }] }, 'refused /spec/rules/0/filters/0/cors: is required by a filter of type CORS'],
    [
      { filters: [{ ...mirror, urlRewrite: {} }] },
      'refused /spec/rules/0/filters/0/urlRewrite: must not be there in a filter of type "RequestMirror"',
    ],
    [
      {
        filters: [
          { type: 'URLRewrite', urlRewrite: {} },
          { type: 'URLRewrite', urlRewrite: {} },
        ],
      },
      'refused /spec/rules/0/filters/1/type: URLRewrite must not be there twice',
    ],
    [
      { filters: [redirect, { type: 'URLRewrite', urlRewrite: {} }], backendRefs: [] },
      'refused /spec/rules/0/filters: RequestRedirect and URLRewrite exclude each other',
    ],
    [
      { filters: [redirect] },
      'refused /spec/rules/0/backendRefs: must be empty beside the filter RequestRedirect, which answers all requests',
    ],
    [
      { filters: [redirect, mirror], backendRefs: [] },
      'refused /spec/rules/0/filters/1/type: RequestMirror has no effect beside RequestRedirect: such requests are sent nowhere',
    ],
    [
      {
        matches: [{ path: { type: 'Exact', value: '/a' } }],
        ...rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/' }),
      },
      'refused /spec/rules/0/filters/0/urlRewrite/path/type: ReplacePrefixMatch needs a path of type PathPrefix in every match of the rule',
    ],
    [
      rewrite({ type: 'ReplaceFullPath' }),
      'refused /spec/rules/0/filters/0/urlRewrite/path/replaceFullPath: is required by type ReplaceFullPath',
    ],
    [
      rewrite({ type: 'ReplaceFullPath', replaceFullPath: 'a' }),
      'refused /spec/rules/0/filters/0/urlRewrite/path/replaceFullPath: "a": must start with /',
    ],
    [
      {
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'Content-Length', value: '5' }] } },
        ],
      },
      'refused /spec/rules/0/filters/0/requestHeaderModifier/add/0/name: "content-length": says where the message ends, which is the proxy’s to say; leave it out',
    ],
    [
      { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'Host', value: 'a' }] } }] },
      'refused /spec/rules/0/filters/0/requestHeaderModifier/set/0/name: "host": is not changed by header filters: use hostname of the filter URLRewrite (of an HTTPRoute)',
    ],
    [
      { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'a', value: 'b\nc' }] } }] },
      String.raw`refused /spec/rules/0/filters/0/requestHeaderModifier/add/0/value: "b\nc": must be a header's value: no line breaks and no NUL`,
    ],
    [
      cors({ allowCredentials: true, allowHeaders: ['*'] }),
      'refused /spec/rules/0/filters/0/cors/allowHeaders: must name the headers where allowCredentials is true: browsers take * as a name there',
    ],
    [cors({ allowMethods: ['*', 'GET'] }), 'refused /spec/rules/0/filters/0/cors/allowMethods: * must stand alone'],
    [
      cors({ allowOrigins: ['a.example'] }),
      'refused /spec/rules/0/filters/0/cors/allowOrigins/0: "a.example": must be *, or scheme and host with an optional port, such as https://*.example.com:8443',
    ],
    [
      { matches: [{ method: 'CONNECT' }] },
      'refused /spec/rules/0/matches/0/method: "CONNECT": must be GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE or PATCH; requests with CONNECT are not routed',
    ],
    [
      { matches: [{ path: { value: '/a//b' } }] },
      'refused /spec/rules/0/matches/0/path/value: "/a//b": must be a path that starts with / and has no //, /./, /../ and %2f',
    ],
    [
      { matches: [{ path: { type: 'RegularExpression', value: '/(' } }] },
      'refused /spec/rules/0/matches/0/path/value: "/(": is not a regular expression of RE2: a closing parenthesis is missing, at character 3',
    ],
    [
      { matches: [{ queryParams: [{ type: 'RegularExpression', name: 'a', value: '(?=b)' }] }] },
      'refused /spec/rules/0/matches/0/queryParams/0/value: "(?=b)": is not a regular expression of RE2: a look at what is before or behind, which RE2 does not have, at character 4',
    ],
    [{ backendRefs: [{ name: 'cart' }] }, 'refused /spec/rules/0/backendRefs/0/port: is required for a Service'],
    [
      { timeouts: { request: '1s', backendRequest: '2s' } },
      'refused /spec/rules/0/timeouts/backendRequest: must not be longer than request',
    ],
    [
      { timeouts: { request: '1.5s' } },
      'refused /spec/rules/0/timeouts/request: "1.5s": must be a duration such as 500ms, 10s or 1m30s',
    ],
    [
      { retry: { backoff: '1s' } },
      'warning /spec/rules/0/retry/backoff: Envoy waits for a random time up to this before the first retry, and for longer ones before others, not at least this',
    ],
    [
      {
        matches: [
          {
            headers: [
              { name: 'A', value: '1' },
              { name: 'a', value: '2' },
            ],
          },
        ],
      },
      'without-effect /spec/rules/0/matches/0/headers/1: a is compared already: only the first entry of a name counts; remove this one',
    ],
    [
      { backendRefs: [{ ...backend, weight: 0 }] },
      'warning /spec/rules/0/backendRefs: no backend gets requests, so all are answered with an error; name one with a weight above 0',
    ],
  ])('%j', (rule, finding) => {
    expect(findingsOf(rule)).toEqual([finding]);
  });

  test('host names have no effect on calls of a Service', () => {
    const { spec, findings } = readHttpRoute(object({ hostnames: ['a'], rules: [{ backendRefs: [backend] }] }));
    expect(spec).toBeDefined();
    expect(findings.map(({ effect, code, field }) => [effect, code, field])).toEqual([
      ['without-effect', 'HostnamesIgnored', '/spec/hostnames'],
    ]);
  });
});

describe('parents', () => {
  test('nothing is said of a route of Gateways, whatever is in it', () => {
    const spec = { parentRefs: [{ name: 'edge' }], hostnames: ['a'], rules: [{ unknown: 1 }] };
    const { spec: read, findings } = readHttpRoute({ metadata: {}, spec });
    expect([read?.parentRefs, read?.rules, findings]).toEqual([[], [], []]);
  });

  test('a route of a Gateway and a Service is read', () => {
    const spec = { parentRefs: [{ name: 'edge' }, service], rules: [{ unknown: 1 }] };
    expect(readHttpRoute({ metadata: {}, spec }).spec).toBeUndefined();
  });

  test.each([[{ kind: 'Service', name: 'cart' }], [{ group: 'core', kind: 'Service', name: 'cart' }]])(
    '%j is no Service',
    (parent) => {
      const { findings } = readGrpcRoute({ metadata: {}, spec: { parentRefs: [parent] } });
      expect(findings).toEqual([
        {
          field: '/spec/parentRefs/0/group',
          effect: 'without-effect',
          code: 'WrongGroup',
          sentence: 'a Service is of the core group: write group: ""',
        },
      ]);
    },
  );
});

describe('what a GRPCRoute may say', () => {
  test('all fields that are supported', () => {
    const rule = {
      name: 'all',
      matches: [{ method: { service: 'shop.Cart', method: 'Add' }, headers: [{ name: 'A', value: '1' }] }],
      filters: [{ type: 'RequestMirror', requestMirror: { backendRef: backend } }],
    };
    expect(findingsOf(rule, readGrpcRoute)).toEqual([]);
  });

  test.each<[JsonObject, string]>([
    [
      { timeouts: {} },
      'refused /spec/rules/0/timeouts: there is no such field; allowed: name, matches, filters, backendRefs',
    ],
    [
      { matches: [{ method: {} }] },
      'refused /spec/rules/0/matches/0/method/method: "": is required where service is not given',
    ],
    [
      { matches: [{ method: { service: 'a/b' } }] },
      'refused /spec/rules/0/matches/0/method/service: "a/b": must be the full name of a gRPC service, such as shop.v1.Cart',
    ],
    [
      { matches: [{ method: { type: 'RegularExpression', service: '*' } }] },
      'refused /spec/rules/0/matches/0/method/service: "*": is not a regular expression of RE2: a repetition of nothing, at character 1',
    ],
    [
      { filters: [{ type: 'ExtensionRef', extensionRef: {} }] },
      'refused /spec/rules/0/filters/0/extensionRef: is not supported: no extensions of filters are known; remove the filter',
    ],
  ])('%j', (rule, finding) => {
    expect(findingsOf(rule, readGrpcRoute)).toEqual([finding]);
  });
});

test('a ReferenceGrant is read', () => {
  const spec = {
    from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop' }],
    to: [{ group: '', kind: 'Service' }],
  };
  expect(readReferenceGrant({ metadata: {}, spec }).spec).toEqual(spec);
  expect(readReferenceGrant({ metadata: {}, spec: { from: [], to: [], only: 1 } }).spec).toBeUndefined();
});
