import { describe, expect, test } from '@jest/globals';
import type { RouteContext } from '../../../../src/mesh/plan/route-context.ts';
import type { Forward, RouteRule } from '../../../../src/mesh/plan/route-plan.ts';
import { translateVirtualService } from '../../../../src/mesh/plan/virtual-service-routes.ts';
import { readVirtualService } from '../../../../src/mesh/rules/virtual-service.ts';
import { route, told, virtualService } from '../../../support/mesh/istio-objects.ts';
import { contextOf, serviceWith } from '../../../support/mesh/route-contexts.ts';

const services = [
  serviceWith('shop', 'reviews', [80]),
  serviceWith('shop', 'ratings', [80, 8080]),
  serviceWith('other', 'details', [9080]),
];
const context = contextOf({ services, subsets: { 'shop/reviews': ['v1', 'v2'] } });

function translated(http: readonly unknown[], within: RouteContext = context) {
  const { spec, ref, findings } = readVirtualService(virtualService(http));
  if (spec === undefined) throw new Error(told(findings).join('\n'));
  return translateVirtualService(spec, ref, within);
}

function rules(http: readonly unknown[], within?: RouteContext): readonly RouteRule[] {
  const { rules: made, findings } = translated(http, within);
  if (made === undefined) throw new Error(told(findings).join('\n'));
  return made;
}

function only(more: object): RouteRule {
  const [rule] = rules([route(more)]);
  if (rule === undefined) throw new Error('there is no rule');
  return rule;
}

const forward = (more: object): Forward => only(more).action as Forward;

const reviews = { service: 'shop/reviews', host: 'reviews.shop.svc.cluster.local', port: 80 };
const to = (host: string, more: object = {}): object => ({ destination: { host, ...more } });

describe('what a request is compared with', () => {
  test.each<[object, object]>([
    [{ uri: { exact: '/a' } }, { path: { type: 'exact', value: '/a' } }],
    [{ uri: { prefix: '/a' }, ignoreUriCase: true }, { path: { type: 'prefix', value: '/a', ignoresCase: true } }],
    [{ uri: { regex: '/a.*' }, ignoreUriCase: true }, { path: { type: 'regex', value: '/a.*' } }],
    [{ uri: {} }, {}],
    [
      { method: { exact: 'GET' }, authority: { prefix: 'a' }, scheme: { regex: 'h.*' } },
      {
        method: { type: 'exact', value: 'GET' },
        authority: { type: 'prefix', value: 'a' },
        scheme: { type: 'regex', value: 'h.*' },
      },
    ],
    [
      { headers: { b: { regex: '*' }, A: { exact: '' } } },
      {
        headers: [
          { name: 'a', match: { type: 'exact', value: '' } },
          { name: 'b', match: { type: 'present' } },
        ],
      },
    ],
    [
      { withoutHeaders: { a: {}, b: { prefix: 'c' } } },
      {
        headers: [
          { name: 'a', match: { type: 'present' }, isNegated: true },
          { name: 'b', match: { type: 'prefix', value: 'c' }, isNegated: true },
        ],
      },
    ],
    [
      { queryParams: { Q: { regex: '[0-9]+' }, p: {} } },
      {
        query: [
          { name: 'Q', match: { type: 'regex', value: '[0-9]+' } },
          { name: 'p', match: { type: 'present' } },
        ],
      },
    ],
  ])('%j', (block, expected) => {
    expect(only({ match: [block] }).match).toEqual({ headers: [], query: [], ...expected });
  });

  test('one rule for each block, in order, up to one that takes all', () => {
    const made = rules([
      route({ name: 'first', match: [{ name: 'a', uri: { prefix: '/a' } }, { uri: { prefix: '/b' } }] }),
      route({
        match: [{ name: 'c', headers: { c: {} } }, { name: 'all', uri: { prefix: '/' } }, { uri: { prefix: '/d' } }],
      }),
      route(),
    ]);
    expect(made.map(({ name }) => name)).toEqual(['first.a', 'first', '.c', '.all']);
  });

  test.each<[object, boolean]>([
    [{ port: 80 }, true],
    [{ port: 8080 }, false],
    [{ sourceNamespace: 'web' }, true],
    [{ sourceNamespace: 'shop' }, false],
    [{ sourceLabels: { app: 'front' } }, true],
    [{ sourceLabels: { app: 'front', version: 'v2' } }, false],
    [{ gateways: ['mesh'], sourceNamespace: 'shop' }, true],
    [{ gateways: ['shop/ingress'] }, false],
    [{ port: 8080, gateways: ['mesh'] }, false],
  ])('%j counts: %p', (block, counts) => {
    const view = { namespace: 'web', labels: { app: 'front', version: 'v1' } };
    expect(rules([route({ match: [block] })], contextOf({ services, view }))).toHaveLength(counts ? 1 : 0);
  });

  test('a block that does not count does not end the list', () => {
    expect(rules([route({ match: [{ port: 8080 }] }), route({ name: 'rest' })]).map(({ name }) => name)).toEqual([
      'rest',
    ]);
  });
});

describe('where requests go', () => {
  test.each<[string, object, object]>([
    ['a short name is of the namespace of the object', to('reviews'), reviews],
    [
      'a full name',
      to('details.other.svc.cluster.local'),
      { service: 'other/details', host: 'details.other.svc.cluster.local', port: 9080 },
    ],
    ['a subset', to('reviews', { subset: 'v1' }), { ...reviews, subset: 'v1' }],
    [
      'one of several ports',
      to('ratings', { port: { number: 8080 } }),
      { service: 'shop/ratings', host: 'ratings.shop.svc.cluster.local', port: 8080 },
    ],
    [
      'the port that was called',
      to('ratings'),
      { service: 'shop/ratings', host: 'ratings.shop.svc.cluster.local', port: 80 },
    ],
  ])('%s', (_name, destination, backend) => {
    expect(forward({ route: [destination] }).destinations).toEqual([{ backend, weight: 1 }]);
  });

  test('by weight, without those that have none', () => {
    const shares = [
      ['v1', 90],
      ['v2', 10],
      ['v1', 0],
    ].map(([subset, weight]) => ({ ...to('reviews', { subset }), weight }));
    expect(forward({ route: shares }).destinations).toEqual([
      { backend: { ...reviews, subset: 'v1' }, weight: 90 },
      { backend: { ...reviews, subset: 'v2' }, weight: 10 },
    ]);
  });

  test.each<[object, string]>([
    [
      to('reviewz'),
      '/host: there is no Service "reviewz" in the namespace shop; the last good routes stay, if there are any',
    ],
    [
      to('details.other'),
      '/host: there is no Service with the full name "details.other"; a host with a dot is a full name: write details.other.svc.cluster.local; the last good routes stay, if there are any',
    ],
    [
      to('a.b.example.com'),
      '/host: there is no Service with the full name "a.b.example.com"; the last good routes stay, if there are any',
    ],
    [
      to('reviews', { subset: 'v3' }),
      '/subset: no DestinationRule of "reviews" has a subset "v3"; add it there; the last good routes stay, if there are any',
    ],
    [
      to('reviews', { port: { number: 81 } }),
      '/port/number: the Service "reviews" has no port 81; it has 80; the last good routes stay, if there are any',
    ],
  ])('%j is not there', (destination, sentence) => {
    const { rules: made, findings } = translated([route({ route: [destination] })]);
    expect(made).toBeUndefined();
    expect(told(findings)).toEqual([`warning /spec/http/0/route/0/destination${sentence}`]);
  });

  test('a port that the other Service does not have', () => {
    const called = contextOf({ services: [serviceWith('shop', 'reviews', [81]), ...services.slice(1)] }, 81);
    const { rules: made, findings } = translated([route({}, 'ratings')], called);
    expect(made).toBeUndefined();
    expect(told(findings)).toEqual([
      'warning /spec/http/0/route/0/destination: the Service "ratings" has no port 81, which was called; add port: {number: …}; it has 80, 8080; the last good routes stay, if there are any',
    ]);
  });

  test('what does not count for the client may name what is not there', () => {
    expect(rules([route({ match: [{ port: 8080 }] }, 'reviewz'), route()])).toHaveLength(1);
  });

  test('mirrors', () => {
    expect(forward({ mirror: { host: 'ratings' } }).mirrors).toEqual([
      { backend: { service: 'shop/ratings', host: 'ratings.shop.svc.cluster.local', port: 80 }, perMillion: 1_000_000 },
    ]);
    const several = [
      { destination: { host: 'reviews' }, percentage: { value: 0.5 } },
      { destination: { host: 'reviews' }, percentage: {} },
    ];
    expect(forward({ mirrors: several }).mirrors).toEqual([{ backend: reviews, perMillion: 5000 }]);
    expect(forward({ mirror: { host: 'reviews' }, mirrorPercent: 50 }).mirrors).toEqual([
      { backend: reviews, perMillion: 500_000 },
    ]);
    expect(told(translated([route({ mirror: { host: 'x' } })]).findings)[0]).toContain(
      '/spec/http/0/mirror/host: there is no',
    );
  });
});

describe('what becomes of a request', () => {
  test.each<[object, object]>([
    [{ timeout: '5s' }, { timeoutMs: 5000 }],
    [{ timeout: '0s' }, {}],
    [{ retries: { attempts: 0 } }, { retry: { attempts: 0, statusCodes: [] } }],
    [{ retries: {} }, { retry: { attempts: 0, statusCodes: [] } }],
    [
      { retries: { attempts: 3, perTryTimeout: '2s', backoff: '0.05s' } },
      { retry: { attempts: 3, statusCodes: [], perTryMs: 2000, backoffMs: 50 } },
    ],
    [
      { retries: { attempts: 1, retryOn: '5xx,reset' } },
      { retry: { attempts: 1, conditions: ['5xx', 'reset'], statusCodes: [] } },
    ],
    [
      { retries: { attempts: 1, retryOn: '503, 429' } },
      { retry: { attempts: 1, conditions: ['retriable-status-codes'], statusCodes: [503, 429] } },
    ],
    [
      { retries: { attempts: 1, retryOn: 'retriable-status-codes,503' } },
      { retry: { attempts: 1, conditions: ['retriable-status-codes'], statusCodes: [503] } },
    ],
    [{ retries: { attempts: 1, retryOn: '' } }, { retry: { attempts: 1, statusCodes: [] } }],
    [
      { retries: { attempts: 1, retryIgnorePreviousHosts: false } },
      { retry: { attempts: 1, statusCodes: [], mayRepeatEndpoint: true } },
    ],
    [{ rewrite: { uri: '/b/' }, match: [{ uri: { prefix: '/a/' } }] }, { path: { type: 'matched', value: '/b/' } }],
    [
      { rewrite: { uriRegexRewrite: { match: '(a)', rewrite: String.raw`\1b` } } },
      { path: { type: 'regex', pattern: '(a)', substitution: String.raw`\1b` } },
    ],
    [{ rewrite: { authority: 'a' } }, { authority: 'a' }],
    [{ headers: { request: { set: { ':authority': 'a' } } } }, { authority: 'a' }],
    [{ headers: { request: { add: { Host: 'a' } } } }, { authority: 'a' }],
  ])('%j', (more, expected) => {
    expect(forward(more)).toEqual({
      type: 'forward',
      destinations: [{ backend: reviews, weight: 1 }],
      mirrors: [],
      ...expected,
    });
  });

  test.each<[object | undefined, object]>([
    [undefined, { attempts: 2, statusCodes: [], mayRepeatEndpoint: true }],
    [{ attempts: 1 }, { attempts: 1, statusCodes: [], mayRepeatEndpoint: true }],
    [
      { attempts: 1, retryIgnorePreviousHosts: true },
      { attempts: 1, statusCodes: [] },
    ],
  ])('behind a hash, %j tries the same endpoint again', (retries, expected) => {
    const hashed = contextOf({ services, hash: { type: 'address' } });
    expect(rules([route({ retries })], hashed)[0]?.action).toEqual({
      type: 'forward',
      mirrors: [],
      destinations: [{ backend: reviews, weight: 1, hash: { type: 'address' } }],
      retry: expected,
    });
  });

  test('headers of the route, and of a share', () => {
    const share = {
      ...to('reviews'),
      weight: 1,
      headers: { request: { set: { host: 'x', b: '1' }, remove: ['c'] }, response: { add: { d: '2' } } },
    };
    const rule = only({
      route: [share, { ...share, headers: {} }],
      headers: { request: { set: { z: '1', a: '2' }, add: { a: '3' } } },
    });
    expect(rule.requestHeaders).toEqual({
      set: [
        ['a', '2'],
        ['z', '1'],
      ],
      add: [['a', '3']],
      remove: [],
    });
    expect(rule.responseHeaders).toBeUndefined();
    expect((rule.action as Forward).destinations).toEqual([
      {
        backend: reviews,
        weight: 1,
        requestHeaders: { set: [['b', '1']], add: [], remove: ['c'] },
        responseHeaders: { set: [], add: [['d', '2']], remove: [] },
        authority: 'x',
      },
      { backend: reviews, weight: 1 },
    ]);
  });

  test('the Host header of the route stands above that of a share', () => {
    const share = { ...to('reviews'), headers: { request: { set: { host: 'x' } } } };
    expect(forward({ route: [share], rewrite: { authority: 'y' } })).toMatchObject({
      authority: 'y',
      destinations: [{ weight: 1 }],
    });
    expect(forward({ route: [share], rewrite: { authority: 'y' } }).destinations[0]).not.toHaveProperty('authority');
  });

  test.each<[object, object]>([
    [{ uri: '/a' }, { status: 301, path: { type: 'full', value: '/a' } }],
    [
      { prefixRewrite: '/a', redirectCode: 308 },
      { status: 308, path: { type: 'matched', value: '/a' } },
    ],
    [
      { authority: 'b', scheme: 'https', redirectCode: 302 },
      { status: 302, authority: 'b', scheme: 'https' },
    ],
    [
      { port: 8443, redirectCode: 0 },
      { status: 301, port: 8443 },
    ],
    [{ derivePort: 'FROM_REQUEST_PORT' }, { status: 301, port: 80 }],
    [{ derivePort: 'FROM_PROTOCOL_DEFAULT' }, { status: 301 }],
  ])('redirect %j', (redirect, expected) => {
    expect(rules([{ redirect }])[0]?.action).toEqual({ type: 'redirect', ...expected });
  });

  test.each<[object, object]>([
    [{ status: 503 }, { status: 503 }],
    [
      { status: 200, body: { string: 'ö' } },
      { status: 200, body: Uint8Array.of(0xc3, 0xb6) },
    ],
    [
      { status: 200, body: { bytes: '/w==' } },
      { status: 200, body: Uint8Array.of(0xff) },
    ],
  ])('answer %j', (directResponse, expected) => {
    expect(rules([{ directResponse }])[0]?.action).toEqual({ type: 'answer', ...expected });
  });

  test.each<[object, object | undefined]>([
    [{ delay: { fixedDelay: '5s', percentage: { value: 0.1 } } }, { delay: { ms: 5000, perMillion: 1000 } }],
    [{ delay: { fixedDelay: '5s', percent: 10 } }, { delay: { ms: 5000, perMillion: 100_000 } }],
    [{ delay: { fixedDelay: '5s' } }, undefined],
    [
      { abort: { httpStatus: 500, percentage: { value: 100 } } },
      { abort: { status: { type: 'http', code: 500 }, perMillion: 1_000_000 } },
    ],
    [
      { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 1 } } },
      { abort: { status: { type: 'grpc', code: 14 }, perMillion: 10_000 } },
    ],
    [{ abort: { httpStatus: 500 } }, undefined],
  ])('fault %j', (fault, expected) => {
    expect(only({ fault }).fault).toEqual(expected);
  });

  test.each<[object, object]>([
    [{}, { origins: [], methods: [], headers: [], exposed: [], forwardsOthers: true }],
    [
      { allowOrigin: ['a'] },
      { origins: [{ type: 'exact', value: 'a' }], methods: [], headers: [], exposed: [], forwardsOthers: true },
    ],
    [
      {
        allowOrigins: [{ prefix: 'a' }],
        allowMethods: ['GET'],
        allowHeaders: ['b'],
        exposeHeaders: ['c'],
        maxAge: '1m',
        allowCredentials: false,
        unmatchedPreflights: 'IGNORE',
      },
      {
        origins: [{ type: 'prefix', value: 'a' }],
        methods: ['GET'],
        headers: ['b'],
        exposed: ['c'],
        maxAgeMs: 60_000,
        allowsCredentials: false,
        forwardsOthers: false,
      },
    ],
  ])('cross-origin requests: %j', (corsPolicy, expected) => {
    expect(only({ corsPolicy }).cors).toEqual(expected);
  });
});
