import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/json/json.ts';
import { countsForPods, readVirtualService } from '../../../../src/mesh/rules/virtual-service.ts';
import { route, told, virtualService } from '../../../support/mesh/istio-objects.ts';

function ofRoute(more: object): readonly string[] {
  const { findings, spec } = readVirtualService(virtualService([route(more)]));
  expect(spec === undefined).toBe(findings.some(({ effect }) => effect === 'refused'));
  return told(findings);
}

const match = (block: object): object => ({ match: [{ uri: { prefix: '/a' }, ...block }] });

describe('a field that is understood', () => {
  test.each<[string, object]>([
    ['all comparisons', match({ method: { exact: 'GET' }, authority: { prefix: 'a' }, scheme: { regex: 'https?' } })],
    ['an empty prefix of a path', { match: [{ uri: { prefix: '' } }] }],
    [
      'headers',
      match({ headers: { a: {}, b: { regex: '*' }, ':path': { exact: '/' } }, withoutHeaders: { c: { exact: 'd' } } }),
    ],
    ['parameters', match({ queryParams: { q: { exact: '1' }, p: {} } })],
    ['clients', match({ sourceLabels: { app: 'web', 'example.com/a': '' }, sourceNamespace: 'shop', port: 80 })],
    ['gateways of a block', match({ gateways: ['mesh'] })],
    ['names', { name: 'a', ...match({ name: 'b', ignoreUriCase: true }) }],
    ['a timeout', { timeout: '1h2m3.5s' }],
    ['no timeout', { timeout: '0s' }],
    ['retries', { retries: { attempts: 3, perTryTimeout: '2s', retryOn: '5xx, 503,reset', backoff: '25ms' } }],
    [
      'wrappers that are null',
      { retries: { attempts: 1, retryRemoteLocalities: null, retryIgnorePreviousHosts: null } },
    ],
    [
      'faults',
      {
        fault: {
          delay: { fixedDelay: '5s', percentage: { value: 0.0001 } },
          abort: { grpcStatus: 'NOT_FOUND', percentage: { value: 100 } },
        },
      },
    ],
    ['a rewrite', { match: [{ uri: { prefix: '/a/' } }], rewrite: { uri: '/b/', authority: 'c' } }],
    ['a rewrite by expression', { rewrite: { uriRegexRewrite: { match: '/(a)/(b)', rewrite: String.raw`/\2/\1\\` } } }],
    ['mirrors', { mirrors: [{ destination: { host: 'b' }, percentage: { value: 5 } }] }],
    ['one mirror', { mirror: { host: 'b', subset: 'v1', port: { number: 80 } }, mirrorPercentage: {} }],
    [
      'cross-origin requests',
      {
        corsPolicy: {
          allowOrigins: [{ exact: 'https://a' }, { regex: '.*' }],
          allowMethods: ['GET'],
          allowHeaders: ['*'],
          exposeHeaders: ['x'],
          maxAge: '24h',
          allowCredentials: true,
          unmatchedPreflights: 'IGNORE',
        },
      },
    ],
    [
      'headers that are changed',
      {
        headers: {
          request: { set: { a: '%REQ(:path)%', host: 'b' }, add: { c: '5%%' }, remove: ['d'] },
          response: { remove: ['e'] },
        },
      },
    ],
  ])('%s', (_name, more) => {
    expect(ofRoute(more)).toEqual([]);
  });

  test('actions without a destination', () => {
    const { findings } = readVirtualService(
      virtualService([
        {
          match: [{ uri: { prefix: '/a' } }],
          redirect: { prefixRewrite: '/b', redirectCode: 0, derivePort: 'FROM_REQUEST_PORT' },
        },
        { directResponse: { status: 418, body: { bytes: 'dGVh' } } },
      ]),
    );
    expect(findings).toEqual([]);
  });

  test('hosts are in lower case, and nothing else changes', () => {
    const { spec } = readVirtualService(virtualService([route()], { hosts: ['Reviews', '*.Example.com', '10.0.0.1'] }));
    expect(spec?.hosts).toEqual(['reviews', '*.example.com', '10.0.0.1']);
  });
});

const duration = 'allowed: a duration such as "5s", "0.5s" or "1m", in whole milliseconds, from';

describe('a field that is refused', () => {
  test.each<[object, string]>([
    [
      { delegate: { name: 'a' } },
      '/delegate: is not supported: routes of other objects are not taken in; write them into this object',
    ],
    [
      { fault: { delay: { exponentialDelay: '1s' } } },
      '/fault/delay/exponentialDelay: "1s": is not supported: neither Istio nor Envoy has it; use fixedDelay',
    ],
    [
      { fault: { abort: { http2Error: 'x' } } },
      '/fault/abort/http2Error: "x": is not supported: neither Istio nor Envoy has it; use httpStatus or grpcStatus',
    ],
    [{ timout: '5s' }, '/timout: there is no such field, did you mean "timeout"?'],
    [match({ url: {} }), '/match/0/url: there is no such field, did you mean "uri"?'],
    [{ timeout: '5' }, `/timeout: "5": ${duration} 0s, or from 1ms to 876000h`],
    [{ timeout: '-5s' }, `/timeout: "-5s": ${duration} 0s, or from 1ms to 876000h`],
    [{ timeout: '1.5ms' }, `/timeout: "1.5ms": ${duration} 0s, or from 1ms to 876000h`],
    [{ retries: { attempts: 1, perTryTimeout: '0s' } }, `/retries/perTryTimeout: "0s": ${duration} 1ms to 876000h`],
    [{ retries: { attempts: -1 } }, '/retries/attempts: -1: allowed: a whole number from 0 to 2147483647'],
    [{ retries: { attempts: 1.5 } }, '/retries/attempts: 1.5: allowed: a whole number from 0 to 2147483647'],
    [
      { retries: { attempts: 1, retryOn: '5xx,6xx' } },
      '/retries/retryOn: "5xx,6xx": "6xx" is no condition of Envoy; allowed: status codes and 5xx, gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, refused-stream, retriable-status-codes, retriable-headers, http3-post-connect-failure, cancelled, deadline-exceeded, internal, resource-exhausted, unavailable',
    ],
    [
      { retries: { perTryTimeout: '2s', retryOn: '5xx' } },
      '/retries: attempts is 0, which means no retries, beside perTryTimeout, retryOn; give the number of retries, or leave the others out',
    ],
    [
      match({ headers: { a: { regex: 'a(?!b)' } } }),
      '/match/0/headers/a/regex: "a(?!b)": is not a regular expression of RE2: a look at what is before or behind, which RE2 does not have, at character 5',
    ],
    [
      match({ headers: { a: { exact: 'a', prefix: 'b' } } }),
      '/match/0/headers/a: has exact and prefix; allowed: one of exact, prefix and regex',
    ],
    [
      match({ method: { prefix: '' } }),
      '/match/0/method/prefix: "": must not be empty: leave the comparison out, or give the beginning',
    ],
    [
      match({ method: { regex: '*' } }),
      '/match/0/method/regex: "*": is not a regular expression of RE2: a repetition of nothing, at character 1',
    ],
    [
      match({ headers: { '@request.auth.claims.a': {} } }),
      '/match/0/headers/@request.auth.claims.a: "@request.auth.claims.a": claims of tokens are not supported: they need istiod and a gateway; compare a header instead',
    ],
    [
      match({ headers: { 'a b': {} } }),
      `/match/0/headers/a b: "a b": allowed: the name of a header: letters, digits and !#$%&'*+-.^_\`|~`,
    ],
    [match({ port: 0 }), '/match/0/port: 0: allowed: a whole number from 1 to 65535'],
    [match({ sourceLabels: { app: '-' } }), '/match/0/sourceLabels/app: "-": allowed: the value of a label'],
    [
      match({ sourceNamespace: 'A' }),
      '/match/0/sourceNamespace: "A": allowed: at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends',
    ],
    [
      { fault: { delay: { fixedDelay: '1s', percentage: { value: 0.00001 } } } },
      '/fault/delay/percentage/value: 0.00001: allowed: 0, or a number from 0.0001 to 100',
    ],
    [
      { fault: { abort: { httpStatus: 600, percentage: { value: 1 } } } },
      '/fault/abort/httpStatus: 600: allowed: a whole number from 200 to 599',
    ],
    [
      { fault: { abort: { httpStatus: 500, grpcStatus: 'OK', percentage: { value: 1 } } } },
      '/fault/abort: has httpStatus and grpcStatus; allowed: one of them',
    ],
    [{ fault: {} }, '/fault: is empty; allowed: delay and abort'],
    [{ mirrorPercentage: { value: 101 } }, '/mirrorPercentage/value: 101: allowed: 0, or a number from 0.0001 to 100'],
    [
      { mirror: { host: 'a' }, mirrors: [{ destination: { host: 'b' } }] },
      '/mirrors: stands beside mirror; allowed: one of them',
    ],
    [{ mirrors: [{}] }, '/mirrors/0: "destination" is missing; allowed: an object'],
    [
      { mirror: { host: '*.b' } },
      '/mirror/host: "*.b": allowed: the name of a Service, such as reviews, or a full name in DNS, such as reviews.shop.svc.cluster.local',
    ],
    [{ rewrite: { uri: 'b' } }, '/rewrite/uri: "b": allowed: a path that begins with /'],
    [{ rewrite: { authority: 'a b' } }, '/rewrite/authority: "a b": allowed: a host name, with or without a port'],
    [
      { redirect: { authority: 'a/b' }, route: undefined },
      '/redirect/authority: "a/b": allowed: a host name, with or without a port',
    ],
    [
      match({ headers: { 'X-User': { exact: 'a' }, 'x-user': { exact: 'b' } } }),
      '/match/0/headers/x-user: "x-user" is the same header as "X-User"; leave one of them out',
    ],
    [
      { headers: { response: { add: { 'x-a': 'a', 'X-A': 'b' } } } },
      '/headers/response/add/X-A: "X-A" is the same header as "x-a"; leave one of them out',
    ],
    [
      { headers: { request: { set: { 'Content-Length': '5' }, remove: ['content-length'] } } },
      '/headers/request/set/Content-Length: "Content-Length": says where the message ends, which is the proxy’s to say; leave it out',
    ],
    [
      { headers: { response: { add: { 'transfer-encoding': 'gzip' } } } },
      '/headers/response/add/transfer-encoding: "transfer-encoding": says where the message ends, which is the proxy’s to say; leave it out',
    ],
    [{ rewrite: {} }, '/rewrite: is empty; allowed: uri or uriRegexRewrite, and authority'],
    [
      { rewrite: { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } } },
      '/rewrite: has uri and uriRegexRewrite; allowed: one of them',
    ],
    [
      { rewrite: { uriRegexRewrite: { match: '(a)', rewrite: String.raw`\2` } } },
      String.raw`/rewrite/uriRegexRewrite/rewrite: "\\2": has \2; allowed: \0 to \1, as the expression has 1 groups, and \\ for a backslash`,
    ],
    [
      { rewrite: { authority: 'a' }, headers: { request: { set: { Host: 'b' } } } },
      ': sets the Host header more than once; leave one of them',
    ],
    [
      { headers: { response: { set: { host: 'a' } } } },
      '/headers/response/set/host: "host": cannot be changed here; allowed: any header but Host; it can be set among headers of requests, or by rewrite.authority',
    ],
    [
      { headers: { request: { remove: [':path'] } } },
      `/headers/request/remove/0: ":path": allowed: the name of a header: letters, digits and !#$%&'*+-.^_\`|~`,
    ],
    [
      { headers: { request: { set: { a: 'b\nc' } } } },
      String.raw`/headers/request/set/a: "b\nc": allowed: text without control characters`,
    ],
    [{ corsPolicy: { allowOrigins: [{}] } }, '/corsPolicy/allowOrigins/0: allowed: one of exact, prefix and regex'],
    [
      { corsPolicy: { maxAge: '1500ms' } },
      '/corsPolicy/maxAge: "1500ms": allowed: a duration such as "5s", "0.5s" or "1m", in whole seconds, from 1000ms to 876000h',
    ],
    [
      { redirect: { uri: '/a' } },
      '/route: stands beside redirect, which answers the request itself; leave one of them out',
    ],
    [
      { directResponse: { status: 200 } },
      '/route: stands beside directResponse, which answers the request itself; leave one of them out',
    ],
    [{ route: [] }, ': has nothing to do; allowed: one of route, redirect and directResponse'],
    [
      { route: [{ destination: {} }] },
      '/route/0/destination: "host" is missing; allowed: the name of a Service, or a full name in DNS',
    ],
    [
      { route: [{ destination: { host: 'a' } }, { destination: { host: 'b' } }] },
      '/route: the weights make 0; allowed: from 1 to 4294967295 together',
    ],
    [
      { route: [{ destination: { host: 'a', subset: 'V 1' } }] },
      '/route/0/destination/subset: "V 1": allowed: at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends',
    ],
    [
      { route: [{ destination: { host: 'a', port: { name: 'http' } } }] },
      '/route/0/destination/port: "number" is missing; allowed: a whole number from 1 to 65535',
    ],
  ])('%j', (more, expected) => {
    expect(ofRoute(more)[0]).toBe(`refused /spec/http/0${expected}`);
  });

  test('reads a command that would read files of the proxy of every client', () => {
    const [told] = ofRoute({
      headers: { request: { set: { a: '%FILE_CONTENT(/var/run/secrets/tokens/mesh-token)%' } } },
    });
    expect(told).toContain(
      'has %FILE_CONTENT, which is not allowed here or is not written like this; allowed: %% for the sign itself',
    );
  });

  test.each<[object, string]>([
    [{ redirect: { redirectCode: 304, uri: '/' } }, '/redirect/redirectCode: 304: allowed: 301, 302, 303, 307 and 308'],
    [
      { redirect: { redirectCode: 301 } },
      '/redirect: leads to the same address; allowed: one of uri, prefixRewrite, authority, scheme, port and derivePort',
    ],
    [{ redirect: { uri: '/a', prefixRewrite: '/b' } }, '/redirect: has uri and prefixRewrite; allowed: one of them'],
    [
      { redirect: { port: 80, derivePort: 'FROM_REQUEST_PORT' } },
      '/redirect: has port and derivePort; allowed: one of them',
    ],
    [
      { redirect: { prefixRewrite: '/b' }, match: [{ uri: { exact: '/a' } }] },
      '/redirect/prefixRewrite: needs match.uri to be a prefix in all blocks of match',
    ],
    [{ redirect: { scheme: 'ftp' } }, '/redirect/scheme: "ftp": allowed: http, https'],
    [{ redirect: { uri: 'a' } }, '/redirect/uri: "a": allowed: a path that begins with /'],
    [
      { redirect: { uri: '/a' }, directResponse: { status: 200 } },
      '/directResponse: stands beside redirect; allowed: one of route, redirect and directResponse',
    ],
    [
      { redirect: { uri: '/a' }, rewrite: { uri: '/' } },
      '/rewrite: stands beside redirect, which answers the request itself; leave one of them out',
    ],
    [
      { directResponse: { status: 200 }, fault: { delay: { fixedDelay: '1s', percentage: { value: 1 } } } },
      '/fault: stands beside directResponse, which answers the request itself; leave one of them out',
    ],
    [{ directResponse: { status: 100 } }, '/directResponse/status: 100: allowed: a whole number from 200 to 599'],
    [
      { directResponse: { status: 200, body: { string: 'a', bytes: 'YQ==' } } },
      '/directResponse/body: has string and bytes; allowed: one of them',
    ],
    [
      { directResponse: { status: 200, body: { string: 'a'.repeat(1024 * 1024 + 1) } } },
      `/directResponse/body/string: "${'a'.repeat(61)}...": must not be larger than 1 MiB: let a Service answer with it`,
    ],
    [{ directResponse: { status: 200, body: { bytes: '?' } } }, '/directResponse/body/bytes: "?": allowed: base64'],
  ])('of an action: %#', (only, expected) => {
    const { spec, findings } = readVirtualService(virtualService([only]));
    expect(spec).toBeUndefined();
    expect(told(findings)[0]).toBe(`refused /spec/http/0${expected}`);
  });

  test.each<[JsonObject, string]>([
    [
      { tls: [] },
      '/tls: is not supported: TLS that the application itself begins passes as it is; take the routes out',
    ],
    [{ tcp: [{}] }, '/tcp: is not supported: only requests of HTTP and gRPC are routed; take the routes out'],
    [
      { hosts: ['*'] },
      '/hosts/0: "*" is only for gateways; allowed: the names of Services, or "*." and the end of full names',
    ],
    [
      { hosts: ['a_b'] },
      '/hosts/0: "a_b": allowed: the name of a Service, a full name in DNS, or one that begins with "*."',
    ],
    [{ hosts: ['a.b.com', '*.b.com'] }, '/hosts/1: "*.b.com" and "a.b.com" overlap: leave one of them out'],
    [{ hosts: ['reviews', 'Reviews'] }, '/hosts/1: "reviews" and "reviews" overlap: leave one of them out'],
    [
      { exportTo: ['~'] },
      '/exportTo/0: "~": allowed: "*" for all, "." for the object\'s own, or the name of a namespace',
    ],
    [{ exportTo: ['.', '.'] }, '/exportTo/1: ".": stands here a second time'],
    [{ exportTo: ['*', 'a'] }, '/exportTo: "*" stands for all namespaces: leave the others out'],
    [{ http: [] }, ': there are no routes; add http'],
    [{ http: {} }, '/http: allowed: a list'],
    [{ gatways: [] }, '/gatways: there is no such field, did you mean "gateways"?'],
  ])('of the object: %j', (more, expected) => {
    const { spec, findings } = readVirtualService(virtualService([route()], more));
    expect(spec).toBeUndefined();
    expect(told(findings)[0]).toBe(`refused /spec${expected}`);
  });

  test('what is allowed does not name what is refused', () => {
    const { findings } = readVirtualService(virtualService([route()], { something: 1 }));
    expect(told(findings)).toEqual([
      'refused /spec/something: there is no such field; allowed: hosts, gateways, http, exportTo',
    ]);
  });
});

describe('a field that may not do what is expected', () => {
  test.each<[object, string]>([
    [
      { fault: { delay: { fixedDelay: '1s' } } },
      '/fault/delay: has no percentage, which means 0: nothing happens; add percentage: {value: 100} for all requests',
    ],
    [{ fault: { delay: { percentage: { value: 1 } } } }, '/fault/delay: has no fixedDelay: nothing happens; add it'],
    [
      { fault: { abort: { httpStatus: 500, percentage: {} } } },
      '/fault/abort: has no percentage, which means 0: nothing happens; add percentage: {value: 100} for all requests',
    ],
    [
      { fault: { abort: { percentage: { value: 1 } } } },
      '/fault/abort: has no status: nothing happens; add httpStatus or grpcStatus',
    ],
    [
      { fault: { delay: { fixedDelay: '1s', percent: 10 } } },
      '/fault/delay/percent: is old; use percentage: {value: …}',
    ],
    [{ mirror: { host: 'a' }, mirrorPercent: 10 }, '/mirrorPercent: is old; use mirrorPercentage: {value: …}'],
    [
      { timeout: '2s', retries: { attempts: 2, perTryTimeout: '2s' } },
      '/retries/perTryTimeout: is not shorter than the timeout of the route: a try that is slow is the last one; make it shorter',
    ],
    [{ mirrorPercentage: { value: 10 } }, '/mirrorPercentage: has no effect without mirror'],
    [{ corsPolicy: { allowOrigin: ['a'] } }, '/corsPolicy/allowOrigin: is old; use allowOrigins: [{exact: …}]'],
    [
      { match: [{ uri: { prefix: '/a' } }], rewrite: { uri: '/' } },
      '/rewrite/uri: "/" takes the place of "/a" letter by letter: /a/b becomes //b; add a match of "/a/" before it',
    ],
    [
      { rewrite: { uri: '/v1' } },
      '/rewrite/uri: "/v1" takes the place of "/" letter by letter: /b becomes /v1b; let both or none of them end with /',
    ],
    [
      { route: [{ destination: { host: 'a' }, weight: 0 }] },
      '/route/0/weight: 0 has no effect: the only destination of a route gets all requests',
    ],
    [
      { match: [{ uri: { regex: '/a' }, ignoreUriCase: true }] },
      '/match/0/ignoreUriCase: has no effect on a regular expression; begin it with (?i)',
    ],
    [match({ statPrefix: 'a' }), '/match/0/statPrefix: has no effect: proxies keep no statistics of single routes'],
    [
      match({ gateways: ['mesh'], sourceNamespace: 'a' }),
      '/match/0/gateways: sourceLabels and sourceNamespace are not looked at beside gateways; leave gateways out',
    ],
  ])('%j', (more, expected) => {
    expect(ofRoute(more)).toEqual([`warning /spec/http/0${expected}`]);
  });

  test('beside a redirect', () => {
    const { findings } = readVirtualService(virtualService([{ redirect: { uri: '/a' }, timeout: '1s' }]));
    expect(told(findings)).toEqual([
      'warning /spec/http/0/timeout: has no effect beside redirect, which answers the request itself',
    ]);
  });

  test.each([
    ['a route without match', {}],
    ['the prefix /', { match: [{ uri: { exact: '/x' } }, { uri: { prefix: '/' } }] }],
    ['the expression .*', { match: [{ uri: { regex: '.*' }, name: 'all' }] }],
  ])('nothing gets behind %s', (_name, first) => {
    const { findings } = readVirtualService(virtualService([route(first), route(match({}))]));
    expect(told(findings)).toEqual([
      'warning /spec/http/1: no request gets here: /spec/http/0 takes all requests; put it at the end',
    ]);
  });

  test('routes of one port, or of some clients, do not take all', () => {
    const some = [
      { match: [{ port: 80 }] },
      { match: [{ sourceNamespace: 'a' }] },
      { match: [{ sourceLabels: { a: 'b' } }] },
    ];
    expect(readVirtualService(virtualService([...some.map((match) => route(match)), route()])).findings).toEqual([]);
  });

  test('the same block again', () => {
    const block = { headers: { a: { exact: '1' }, b: {} } };
    const again = { name: 'again', headers: { b: {}, a: { exact: '1' } } };
    const { findings } = readVirtualService(
      virtualService([route({ match: [block] }), route({ match: [again] }), route()]),
    );
    expect(told(findings)).toEqual([
      'warning /spec/http/1/match/0: no request gets here: /spec/http/0/match/0 matches the same requests; leave one of them out',
    ]);
  });

  test.each<[readonly string[], boolean, readonly string[]]>([
    [['mesh'], true, []],
    [['mesh', 'a/b'], true, ['warning /spec/gateways: only "mesh" counts; gateways are not served here: a/b']],
    [
      ['a/b'],
      false,
      ['without-effect /spec/gateways: gateways are not served here: a/b; add "mesh" for the requests between pods'],
    ],
  ])('gateways %j', (gateways, counts, expected) => {
    const { findings, spec } = readVirtualService(virtualService([route()], { gateways: [...gateways] }));
    expect(told(findings)).toEqual(expected);
    expect(spec && countsForPods(spec)).toBe(counts);
  });

  test('the host * is for gateways', () => {
    expect(told(readVirtualService(virtualService([route()], { hosts: ['*'], gateways: ['a'] })).findings)).toEqual([
      'without-effect /spec/gateways: gateways are not served here: a; add "mesh" for the requests between pods',
    ]);
  });
});
