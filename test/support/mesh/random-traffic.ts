import * as fc from 'fast-check';
import type * as route from '../../../src/mesh/plan/route-plan.ts';
import type { ServicePlan } from '../../../src/mesh/plan/service-plan.ts';
import type * as policy from '../../../src/mesh/plan/traffic-policy.ts';
import { cartPlan, endpointPlan } from './service-plans.ts';

/** An object in which every member may be missing but for those that are required. */
function partly<T extends object>(
  members: { readonly [P in keyof T]-?: fc.Arbitrary<NonNullable<T[P]>> },
  requiredKeys: readonly (keyof T)[],
): fc.Arbitrary<T> {
  return fc.record(members, { requiredKeys: [...requiredKeys] as never }) as fc.Arbitrary<unknown> as fc.Arbitrary<T>;
}

const word = fc.stringMatching(/^[a-z]{1,6}$/);
const text = fc.oneof(
  fc.stringMatching(/^[ -~]{0,12}$/),
  fc.constantFrom('', '%', '%REQ(x)%', '%%', String.raw`\1`, '"', 'ü'),
);
const regex = fc.constantFrom('.*', 'a|b', String.raw`^/v\d+/.*$`, '(?i)x.*', 'x');
const headerName = fc.constantFrom('x-user', 'cookie', 'content-type', 'x-forwarded-proto', 'accept');
const milliseconds = fc.constantFrom(1, 25, 1_000, 86_400_000);
const limit = fc.constantFrom(1, 2, 1_024, 4_294_967_295);
const percent = fc.integer({ min: 0, max: 100 });
const perMillion = fc.integer({ min: 0, max: 1_000_000 });
const path = fc.constantFrom('/', '/v2', '/v2/x', '/a.b(c)', '/ü');
const host = fc.constantFrom('example.com', 'cart.shop.svc.cluster.local', 'example.com:8080');

const textMatch: fc.Arbitrary<route.TextMatch> = fc.oneof(
  fc.record({ type: fc.constantFrom('exact' as const, 'prefix' as const), value: text }),
  fc.record({ type: fc.constant('regex' as const), value: regex }),
  fc.constant({ type: 'present' as const }),
);

const pathMatch: fc.Arbitrary<route.PathMatch> = fc.oneof(
  partly<route.PathMatch>(
    {
      type: fc.constantFrom('exact' as const, 'prefix' as const),
      value: path,
      ignoresCase: fc.boolean(),
    },
    ['type', 'value'],
  ),
  partly<route.PathMatch>(
    {
      type: fc.constant('segments' as const),
      value: fc.constantFrom('', '/v2', '/v2/x', '/a.b(c)'),
      ignoresCase: fc.boolean(),
    },
    ['type', 'value'],
  ),
  fc.record({ type: fc.constant('prefix' as const), value: fc.constant('') }),
  fc.record({ type: fc.constant('regex' as const), value: regex }),
);

const named = partly<route.NamedMatch>({ name: headerName, match: textMatch, isNegated: fc.boolean() }, [
  'name',
  'match',
]);

const requestMatch = partly<route.RequestMatch>(
  {
    path: pathMatch,
    method: fc.oneof(
      textMatch,
      fc.constantFrom('GET', 'POST').map((value) => ({ type: 'exact' as const, value })),
    ),
    authority: textMatch,
    scheme: textMatch,
    headers: fc.array(named, { maxLength: 2 }),
    query: fc.array(fc.record({ name: word, match: textMatch }), { maxLength: 2 }),
    isGrpc: fc.boolean(),
  },
  ['headers', 'query'],
);

const format = fc.oneof(
  text.map((one) => one.replaceAll('%', '%%')),
  fc.constantFrom('%REQ(x)%', '%HOSTNAME%'),
);
const pairs = fc.array(fc.tuple(headerName, format), { maxLength: 2 });
const headerChanges = fc.record({ set: pairs, add: pairs, remove: fc.array(headerName, { maxLength: 2 }) });

const hashKey: fc.Arbitrary<route.HashKey> = fc.oneof(
  fc.record({ type: fc.constantFrom('header' as const, 'query' as const), name: headerName }),
  fc.constant({ type: 'address' as const }),
  partly<Extract<route.HashKey, { type: 'cookie' }>>(
    { type: fc.constant('cookie' as const), name: word, path, ttlMs: fc.constantFrom(0, 1_000) },
    ['type', 'name'],
  ),
);

const backend = fc.constantFrom('cart', 'pay').chain((name) =>
  partly<route.Backend>(
    {
      service: fc.constant(`shop/${name}`),
      host: fc.constant(`${name}.shop.svc.cluster.local`),
      port: fc.constantFrom(80, 8080),
      subset: fc.constantFrom('v1', 'v2'),
    },
    ['service', 'host', 'port'],
  ),
);

const destination = partly<route.Destination>(
  {
    backend: fc.option(backend, { nil: undefined }) as fc.Arbitrary<route.Backend>,
    weight: fc.constantFrom(1, 10, 1_000_000),
    requestHeaders: headerChanges,
    responseHeaders: headerChanges,
    authority: host,
    hash: hashKey,
  },
  ['backend', 'weight'],
);

const pathRewrite: fc.Arbitrary<route.PathRewrite> = fc.oneof(
  fc.record({
    type: fc.constantFrom('full' as const, 'matched' as const, 'segments' as const),
    value: fc.constantFrom('/', '/x', '/x/', String.raw`/a\1`, '/%'),
  }),
  fc.record({ type: fc.constant('regex' as const), pattern: regex, substitution: fc.constantFrom('', '/x', 'y') }),
);

const retryPlan = partly<route.RetryPlan>(
  {
    attempts: fc.constantFrom(0, 1, 10),
    conditions: fc.subarray(['connect-failure', '5xx', 'reset', 'unavailable', 'retriable-status-codes']),
    statusCodes: fc.subarray([503, 429]),
    perTryMs: milliseconds,
    backoffMs: milliseconds,
    mayRepeatEndpoint: fc.boolean(),
  },
  ['attempts', 'statusCodes'],
);

const forward = partly<route.Forward>(
  {
    type: fc.constant('forward' as const),
    destinations: fc.array(destination, { minLength: 1, maxLength: 3 }),
    isShared: fc.boolean(),
    path: pathRewrite,
    authority: host,
    timeoutMs: milliseconds,
    retry: retryPlan,
    mirrors: fc.array(fc.record({ backend, perMillion }), { maxLength: 2 }),
  },
  ['type', 'destinations', 'mirrors'],
);

const redirect = partly<route.Redirect>(
  {
    type: fc.constant('redirect' as const),
    status: fc.constantFrom(301 as const, 302 as const, 303 as const, 307 as const, 308 as const),
    scheme: fc.constantFrom('http', 'https'),
    authority: host,
    port: fc.constantFrom(80, 443, 8443),
    path: pathRewrite,
  },
  ['type', 'status'],
);

const answer = partly<route.Answer>(
  {
    type: fc.constant('answer' as const),
    status: fc.integer({ min: 200, max: 599 }),
    body: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(new Uint8Array(5_000))),
  },
  ['type', 'status'],
);

const fault = partly<route.Fault>(
  {
    delay: fc.record({ ms: milliseconds, perMillion }),
    abort: fc.record({
      status: fc.oneof(
        fc.record({ type: fc.constant('http' as const), code: fc.integer({ min: 200, max: 599 }) }),
        fc.record({ type: fc.constant('grpc' as const), code: fc.integer({ min: 0, max: 16 }) }),
      ),
      perMillion,
    }),
  },
  [],
);

const cors = partly<route.Cors>(
  {
    origins: fc.array(textMatch as fc.Arbitrary<route.Cors['origins'][number]>, { maxLength: 2 }),
    methods: fc.subarray(['GET', 'POST', '*']),
    headers: fc.array(headerName, { maxLength: 2 }),
    exposed: fc.array(headerName, { maxLength: 2 }),
    maxAgeMs: milliseconds,
    allowsCredentials: fc.boolean(),
    forwardsOthers: fc.boolean(),
  },
  ['origins', 'methods', 'headers', 'exposed', 'forwardsOthers'],
);

const rule = partly<Omit<route.RouteRule, 'origin'>>(
  {
    name: text,
    match: requestMatch,
    action: fc.oneof({ weight: 3, arbitrary: forward }, redirect, answer),
    requestHeaders: headerChanges,
    responseHeaders: headerChanges,
    fault,
    cors,
  },
  ['name', 'match', 'action'],
);

const routePlan: fc.Arbitrary<route.RoutePlan> = fc.record({
  rules: fc.array(rule, { maxLength: 4 }),
  origins: fc.constant([]),
});

const loadBalancer: fc.Arbitrary<policy.LoadBalancer> = fc.oneof(
  fc.record({
    type: fc.constantFrom('least-request' as const, 'round-robin' as const, 'random' as const, 'dialled' as const),
  }),
  fc.record({ type: fc.constant('ring' as const), key: hashKey, minimumSize: fc.constantFrom(1, 1_024, 8_388_608) }),
  partly<Extract<policy.LoadBalancer, { type: 'maglev' }>>(
    { type: fc.constant('maglev' as const), key: hashKey, tableSize: fc.constantFrom(251, 65_537) },
    ['type', 'key'],
  ),
);

const limits = partly<policy.ConnectionLimits>(
  {
    maxConnections: limit,
    connectTimeoutMs: milliseconds,
    tcpKeepalive: partly({ probes: fc.constantFrom(1, 9), timeMs: milliseconds, intervalMs: milliseconds }, []),
    tcpIdleTimeoutMs: milliseconds,
    maxConnectionDurationMs: milliseconds,
    maxPendingRequests: limit,
    maxRequests: limit,
    maxRequestsPerConnection: fc.constantFrom(1, 100),
    maxRetries: limit,
    httpIdleTimeoutMs: milliseconds,
    maxConcurrentStreams: fc.constantFrom(1, 2_147_483_647),
  },
  [],
);

const ejection = partly<policy.Ejection>(
  {
    consecutive5xx: fc.constantFrom(0, 1, 5),
    consecutiveGatewayErrors: fc.constantFrom(0, 3),
    consecutiveLocalFailures: fc.constantFrom(0, 3),
    intervalMs: milliseconds,
    baseMs: milliseconds,
    maxPercent: percent,
    ejectsOneAlways: fc.boolean(),
    panicPercent: percent,
  },
  [
    'consecutive5xx',
    'consecutiveGatewayErrors',
    'intervalMs',
    'baseMs',
    'maxPercent',
    'ejectsOneAlways',
    'panicPercent',
  ],
);

const name = fc.constantFrom('example.com', 'spiffe://cluster.local/ns/shop/sa/cart');
const names = fc.array(name, { maxLength: 2 });
const transport: fc.Arbitrary<policy.Transport> = fc.oneof(
  fc.record({ type: fc.constantFrom('automatic' as const, 'plain' as const) }),
  partly<Extract<policy.Transport, { type: 'mutual' }>>({ type: fc.constant('mutual' as const), names, sni: host }, [
    'type',
  ]),
  partly<Extract<policy.Transport, { type: 'simple' }>>(
    {
      type: fc.constant('simple' as const),
      sni: fc.constant('example.com'),
      names,
      caFile: fc.constant('/etc/ssl/certs/ca-certificates.crt'),
      isUnverified: fc.boolean(),
    },
    ['type'],
  ),
);

const trafficPolicy = partly<policy.TrafficPolicy>(
  { loadBalancer, limits, protocol: fc.constantFrom('as-client' as const, 'http2' as const), ejection, transport },
  [],
);

function byPort<T>(value: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<number, T>> {
  return fc.array(fc.tuple(fc.constantFrom(80, 8080), value), { maxLength: 2 }).map((entries) => new Map(entries));
}

/** What objects may say about a Service with the ports 80 and 8080, whose pods have the labels `app` and `version`. */
export const serviceTraffic: fc.Arbitrary<policy.ServiceTraffic> = fc.record({
  routes: byPort(routePlan),
  policies: byPort(trafficPolicy),
  subsets: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('v1', 'v2'),
      labels: fc.constantFrom({}, { version: 'v1' }, { version: 'v2', app: 'cart' }, { no: 'pod' }),
      policies: byPort(trafficPolicy),
    }),
    { selector: ({ name: subset }) => subset, maxLength: 2 },
  ),
  isDestination: fc.constant(true),
  origins: fc.constant([]),
});

const endpoints = fc.array(
  fc
    .record({
      last: fc.integer({ min: 1, max: 200 }),
      version: fc.constantFrom('v1', 'v2'),
      isMesh: fc.boolean(),
      hasPod: fc.boolean(),
      health: fc.constantFrom('healthy' as const, 'unhealthy' as const, 'draining' as const),
    })
    .map(({ last, version, isMesh, hasPod, health }) =>
      endpointPlan(last, version, {
        health,
        ...(!hasPod && { pod: undefined }),
        ...(!(isMesh && hasPod) && { identity: undefined }),
      }),
    ),
  { maxLength: 4 },
);

const protocol = fc.constantFrom('http' as const, 'detect' as const, 'tcp' as const);

/** A Service with the ports 80 and 8080, at one address or two, or headless. */
export const servicePlan: fc.Arbitrary<ServicePlan> = fc
  .record({
    isHeadless: fc.boolean(),
    hasAffinity: fc.boolean(),
    families: fc.constantFrom(1, 2),
    ports: fc.array(fc.record({ protocol, endpoints }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ isHeadless, hasAffinity, families, ports }) =>
    cartPlan([], {
      isHeadless,
      hasAffinity,
      ports: ports.flatMap((one, index) => {
        const number = [80, 8080][index] ?? 80;
        const first = { ...one, number, address: isHeadless ? undefined : '10.96.0.5', secondFamily: undefined };
        const second = { ...one, number, address: 'fd96::5', secondFamily: 'IPv6' as const };
        return families === 2 && !isHeadless ? [first, second] : [first];
      }),
    }),
  );
