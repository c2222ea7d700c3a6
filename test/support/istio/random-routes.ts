import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import type { CalledService } from './routes.ts';

/*
 * Random VirtualServices and DestinationRules for the Services `reviews` and `ratings` of the namespace `shop`, and calls that may meet them: what rules
 * compare and what requests have is drawn from the same few values.
 */

function endpoints(from: number, ...versions: readonly string[]): CalledService['endpoints'] {
  return versions.map((version, index) => ({ address: `10.1.0.${from + index}`, labels: { version } }));
}

/** `audit` gets copies of requests only. */
export const services: readonly CalledService[] = [
  {
    name: 'reviews',
    namespace: 'shop',
    address: '10.96.0.5',
    ports: [80, 81],
    endpoints: endpoints(1, 'v1', 'v1', 'v2', 'v2'),
  },
  { name: 'ratings', namespace: 'shop', address: '10.96.0.6', ports: [80], endpoints: endpoints(11, 'v1', 'v2') },
  { name: 'audit', namespace: 'shop', address: '10.96.0.7', ports: [80], endpoints: endpoints(21, 'v1') },
];

/** Members of which each may be missing. */
export function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;
}

/** Members of which some are there. */
function few(
  least: number,
  most: number,
  fields: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<JsonObject> {
  return fc
    .subarray(Object.keys(fields), { minLength: least, maxLength: most })
    .chain((names) =>
      fc.record(Object.fromEntries(names.map((name) => [name, fields[name] as fc.Arbitrary<unknown>]))),
    ) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;
}

function textMatch(exact: readonly string[], prefix: readonly string[], regex: readonly string[]) {
  return fc.oneof(
    fc.record({ exact: fc.constantFrom(...exact) }),
    fc.record({ prefix: fc.constantFrom(...prefix) }),
    fc.record({ regex: fc.constantFrom(...regex) }),
  );
}

const uri = textMatch(
  ['/a', '/a/b', '/A', '/'],
  ['/a', '/a/', '/', '/A', '/a/b'],
  ['/a/[0-9]+', '(?i)/a.*', '/a', '.*'],
);
const value = fc.oneof(textMatch(['ann', 'bob', ''], ['a', 'an', 'b'], ['a.*', 'ann|bob', '.*', 'n']), fc.constant({}));
const headerMatches = fc.dictionary(fc.constantFrom('x-user', 'x-beta', 'cookie'), value, { minKeys: 1, maxKeys: 2 });

const match = few(1, 3, {
  uri,
  method: textMatch(['GET', 'POST'], ['P', 'GE'], ['GET|PUT', 'G.*']),
  authority: textMatch(['reviews', 'reviews.shop.svc.cluster.local'], ['reviews', 'rev'], ['reviews(:80)?', '.*local']),
  scheme: textMatch(['http', 'https'], ['http'], ['https?']),
  headers: headerMatches,
  withoutHeaders: headerMatches,
  queryParams: fc.dictionary(fc.constantFrom('q', 'r'), value, { minKeys: 1, maxKeys: 2 }),
  port: fc.constantFrom(80, 81),
  sourceLabels: fc.constantFrom({ app: 'web' }, { app: 'other' }),
  sourceNamespace: fc.constantFrom('shop', 'shop', 'other'),
  gateways: fc.constantFrom(['mesh'], ['shop/gate']),
  ignoreUriCase: fc.boolean(),
});

const destination = fc.constantFrom(
  { host: 'reviews' },
  { host: 'reviews', subset: 'v1' },
  { host: 'reviews', subset: 'v2', port: { number: 80 } },
  { host: 'reviews.shop.svc.cluster.local', subset: 'v2', port: { number: 81 } },
  { host: 'ratings', port: { number: 80 } },
);

const text = fc.constantFrom('1', '2', '%REQ(x-user)%', '50%%', 'a, b');
const requestNames = fc.constantFrom('x-user', 'x-new', 'X-Other', 'x-beta');
const responseNames = fc.constantFrom('x-app', 'x-new', 'X-Other', 'x-old');

function operations(names: fc.Arbitrary<string>, more: readonly string[]) {
  const changed = fc.dictionary(names, text, { minKeys: 1, maxKeys: 2 });
  const set =
    more.length === 0
      ? changed
      : fc.oneof(
          { weight: 6, arbitrary: changed },
          fc.constantFrom(...more.map((name) => ({ [name]: 'other.example' }))),
        );
  return few(1, 2, { set, add: changed, remove: fc.uniqueArray(names, { minLength: 1, maxLength: 2 }) });
}

/** Changes of headers; `host` among those of requests is another matter. */
const headers = few(1, 2, {
  request: operations(requestNames, ['host', ':authority']),
  response: operations(responseNames, []),
});

const withWeights = fc
  .uniqueArray(destination, { minLength: 2, maxLength: 3, selector: (one) => JSON.stringify(one) })
  .chain((all) =>
    fc
      .tuple(
        fc.array(fc.constantFrom(0, 1, 7, 33, 100), { minLength: all.length, maxLength: all.length }),
        ...all.map(() => fc.option(headers, { nil: undefined, freq: 3 })),
      )
      .filter(([weights]) => weights.some((weight) => weight > 0))
      .map(([weights, ...changes]) =>
        all.map((one, index) => ({
          destination: one,
          weight: weights[index],
          ...(changes[index] === undefined ? {} : { headers: changes[index] }),
        })),
      ),
  );
const single = fc
  .tuple(destination, fc.option(headers, { nil: undefined, freq: 3 }), fc.constantFrom(undefined, 0, 100))
  .map(([one, changes, weight]) => [
    {
      destination: one,
      ...(changes === undefined ? {} : { headers: changes }),
      ...(weight === undefined ? {} : { weight }),
    },
  ]);

const percentage = fc.constantFrom({ value: 100 }, { value: 100 }, { value: 0 });
const audit = { host: 'audit', port: { number: 80 } };

const forwarded = fc
  .tuple(
    fc.oneof(single, withWeights),
    few(0, 3, {
      timeout: fc.constantFrom('0.7s', '20s'),
      retries: fc.oneof(
        fc.constant({ attempts: 0 }),
        some({
          attempts: fc.constant(2),
          retryOn: fc.constantFrom('5xx', '503', 'gateway-error,reset', '500,503', 'connect-failure', 'retriable-4xx'),
          perTryTimeout: fc.constantFrom('0.3s', '10s'),
          backoff: fc.constant('5ms'),
        }).map((one) => ({ ...one, attempts: 2 })),
      ),
      rewrite: few(1, 1, {
        uri: fc.constantFrom('/b', '/', '/b/'),
        authority: fc.constantFrom('other.example', 'other.example:8080'),
        uriRegexRewrite: fc.constantFrom(
          { match: '(/a)/', rewrite: String.raw`\1/x/` },
          { match: '/A', rewrite: '/b' },
          { match: '^/(.*)$', rewrite: String.raw`/z/\1` },
        ),
        both: fc.constant(undefined),
      }).map(({ both, ...one }) =>
        both === undefined && Object.keys(one).length > 0 ? one : { uri: '/both', authority: 'both.example' },
      ),
      mirror: fc.constant(audit),
      mirrors: fc.array(fc.record({ destination: fc.constant(audit), percentage }), { minLength: 1, maxLength: 2 }),
      fault: few(1, 2, {
        delay: fc.record({ fixedDelay: fc.constant('5ms'), percentage }),
        abort: fc.oneof(
          fc.record({ httpStatus: fc.constantFrom(500, 418), percentage }),
          fc.record({ grpcStatus: fc.constantFrom('UNAVAILABLE', 'NOT_FOUND'), percentage }),
        ),
      }),
      corsPolicy: some({
        allowOrigins: fc.array(textMatch(['https://a.example'], ['https://a'], ['https://[ab].example', '.*']), {
          minLength: 1,
          maxLength: 2,
        }),
        allowMethods: fc.subarray(['GET', 'PUT', 'POST']),
        allowHeaders: fc.subarray(['x-user', 'x-beta']),
        exposeHeaders: fc.subarray(['x-app']),
        maxAge: fc.constantFrom('24h', '30s'),
        allowCredentials: fc.boolean(),
        unmatchedPreflights: fc.constantFrom('FORWARD', 'IGNORE'),
      }),
      headers,
    }).map(({ mirror, corsPolicy, ...one }) => ({
      ...one,
      ...(mirror === undefined || 'mirrors' in one ? {} : { mirror }),
      // Faults come first in Istio's proxies, and hide the answer from browsers.
      ...(corsPolicy === undefined || 'fault' in one ? {} : { corsPolicy }),
    })),
  )
  .map(([route, more]): JsonObject => ({ route: route as unknown as JsonObject[], ...more }));

const answered = fc.oneof(
  fc.record({
    redirect: few(1, 3, {
      uri: fc.constantFrom('/b', '/b/c'),
      prefixRewrite: fc.constantFrom('/p', '/p/'),
      authority: fc.constantFrom('other.example', 'other.example:8080'),
      scheme: fc.constantFrom('http', 'https'),
      port: fc.constantFrom(80, 443, 8080),
      derivePort: fc.constantFrom('FROM_REQUEST_PORT', 'FROM_PROTOCOL_DEFAULT'),
      redirectCode: fc.constantFrom(301, 302, 303, 307, 308),
    }).map((one) => {
      const { uri: _uri, ...withPrefix } = one;
      const { derivePort: _derive, ...withPort } = 'prefixRewrite' in one ? withPrefix : one;
      const { port, ...withoutPort } = 'port' in one ? withPort : 'prefixRewrite' in one ? withPrefix : one;
      // Of a default port, Istio leaves the request's own one.
      return port === undefined || (port !== 8080 && !('authority' in one)) ? withoutPort : { ...withoutPort, port };
    }),
    headers: fc.option(headers, { nil: undefined }),
  }),
  fc.record({
    directResponse: fc.constantFrom<JsonObject>(
      { status: 204 },
      { status: 200, body: { string: 'hello' } },
      { status: 503, body: { bytes: 'AAEC' } },
    ),
    headers: fc.option(headers, { nil: undefined }),
  }),
) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;

const http = fc
  .array(
    fc.tuple(
      fc.array(match, { maxLength: 2 }),
      fc.oneof({ weight: 4, arbitrary: forwarded }, { weight: 1, arbitrary: answered }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) =>
    all.map(([blocks, action], index): JsonObject => ({
      name: `r${index}`,
      ...(blocks.length === 0 ? {} : { match: blocks }),
      ...(JSON.parse(JSON.stringify(action)) as JsonObject),
    })),
  );

function object(kind: string, name: string, spec: JsonObject, more: JsonObject = {}): JsonObject {
  const metadata = { name, namespace: 'shop', uid: `${kind}-${name}`, generation: 1, ...more };
  return { apiVersion: 'networking.istio.io/v1', kind, metadata, spec };
}

/** Mostly one object, and sometimes a second one for the same host, older or younger, here or elsewhere. */
const virtualServices = fc
  .tuple(
    http,
    fc.option(
      fc.record({
        http,
        namespace: fc.constantFrom('shop', 'other'),
        hosts: fc.constantFrom(['reviews.shop.svc.cluster.local'], ['*.shop.svc.cluster.local']),
        created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z', '2026-01-02T00:00:00Z'),
        exportTo: fc.constantFrom(undefined, ['*'], ['.'], ['shop'], ['other']),
        name: fc.constantFrom('a', 'z'),
      }),
      { nil: undefined, freq: 2 },
    ),
  )
  .map(([first, second]) => [
    object(
      'VirtualService',
      'reviews',
      { hosts: ['reviews'], http: first },
      { creationTimestamp: '2026-01-02T00:00:00Z' },
    ),
    ...(second === undefined
      ? []
      : [
          object(
            'VirtualService',
            second.name,
            JSON.parse(
              JSON.stringify({ hosts: second.hosts, http: complete(second.http), exportTo: second.exportTo }),
            ) as JsonObject,
            { creationTimestamp: second.created, namespace: second.namespace },
          ),
        ]),
  ]);

/** Names of hosts that mean the same in any namespace. */
function complete(routes: readonly JsonObject[]): readonly JsonObject[] {
  return JSON.parse(
    JSON.stringify(routes).replaceAll(/"host":"(reviews|ratings|audit)"/g, '"host":"$1.shop.svc.cluster.local"'),
  ) as JsonObject[];
}

/** Endpoints are always picked by a hash, and every call has what is hashed, so that the same one is picked by all proxies. */
const hashed = fc
  .constantFrom<JsonObject>(
    { httpHeaderName: 'x-shard' },
    { httpHeaderName: 'x-shard', maglev: { tableSize: 251 } },
    { httpHeaderName: 'x-shard', ringHash: { minimumRingSize: 64 } },
    { httpQueryParameterName: 'shard' },
    { httpCookie: { name: 'shard', ttl: '0s' } },
  )
  .map((consistentHash): JsonObject => ({ loadBalancer: { consistentHash } }));
const ofPort = fc
  .tuple(fc.constantFrom(80, 81), hashed)
  .map(([number, policy]): JsonObject => ({ port: { number }, ...policy }));
const policy = fc
  .tuple(hashed, fc.option(ofPort, { nil: undefined }))
  .map(([all, one]): JsonObject => ({ ...all, ...(one === undefined ? {} : { portLevelSettings: [one] }) }));
const anyPolicy = fc.option(policy, { nil: undefined });

function withPolicy(trafficPolicy: JsonObject | undefined): JsonObject {
  return trafficPolicy === undefined ? {} : { trafficPolicy };
}

const destinationRules = fc.tuple(policy, anyPolicy, anyPolicy, hashed).map(([all, v1, v2, ratings]) => [
  object('DestinationRule', 'reviews', {
    host: 'reviews',
    ...withPolicy(all),
    subsets: [
      { name: 'v1', labels: { version: 'v1' }, ...withPolicy(v1) },
      { name: 'v2', labels: { version: 'v2' }, ...withPolicy(v2) },
    ],
  }),
  object('DestinationRule', 'ratings', { host: 'ratings', ...withPolicy(ratings) }),
]);

/** Objects about calls of `reviews`. */
export const routeObjects: fc.Arbitrary<readonly JsonObject[]> = fc
  .tuple(virtualServices, destinationRules)
  .map(([virtual, rules]) => [...virtual, ...rules]);
