import * as fc from '../fast-check.ts';
import type { Json, JsonObject } from '../../../src/json/json.ts';

/*
 * Random VirtualServices and DestinationRules in which each field is valid by itself, of the namespace `shop` for `reviews`.
 */

const text = fc.constantFrom('a', 'GET', '/a', '/a/b', 'v1', 'x-user');
const stringMatch = fc.oneof(
  fc.record({ exact: text }),
  fc.record({ prefix: text }),
  fc.record({ regex: fc.constantFrom('.*', '/a/[0-9]+', '(?i)get') }),
);
const span = fc.constantFrom('1ms', '0.5s', '5s', '1m30s');
const percentage = fc.record({ value: fc.constantFrom(0, 0.5, 50, 100) });
const named = fc.dictionary(fc.constantFrom('a', 'b', 'x-c'), stringMatch, { maxKeys: 2 });

function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) {
  return fc.record(fields, { requiredKeys: [] });
}

const match = some({
  uri: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  scheme: stringMatch,
  headers: named,
  withoutHeaders: named,
  queryParams: named,
  port: fc.constantFrom(80, 8080),
  sourceLabels: fc.constantFrom({}, { app: 'web' }),
  sourceNamespace: fc.constantFrom('shop', 'other'),
  gateways: fc.constantFrom([], ['mesh'], ['a/b']),
  ignoreUriCase: fc.boolean(),
});

/** Mostly the first. */
function mostly<T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: other });
}

/** Where routes lead to; some of it does not exist. */
const destination = mostly<object>(
  fc.constantFrom(
    { host: 'reviews' },
    { host: 'reviews', port: { number: 80 } },
    { host: 'ratings.shop.svc.cluster.local', port: { number: 81 } },
  ),
  fc.constantFrom(
    { host: 'nobody' },
    { host: 'ratings' },
    { host: 'reviews', subset: 'v1' },
    { host: 'reviews', subset: 'v3' },
    { host: 'reviews', port: { number: 82 } },
  ),
);

const operations = some({
  set: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '%REQ(x)%', '5%%'), { maxKeys: 2 }),
  add: fc.dictionary(fc.constantFrom('a', 'c'), fc.constantFrom('', '2'), { maxKeys: 2 }),
  remove: fc.subarray(['d', 'e']),
});
const headers = some({ request: operations, response: operations });

const share = fc.record(
  { destination, weight: fc.integer({ min: 1, max: 100 }), headers },
  { requiredKeys: ['destination', 'weight'] },
);

const forwarded = fc.record(
  {
    route: fc.array(share, { minLength: 1, maxLength: 3 }),
    timeout: span,
    retries: fc.record(
      {
        attempts: fc.integer({ min: 1, max: 5 }),
        perTryTimeout: span,
        backoff: span,
        retryOn: fc.constantFrom('', '5xx', '503,reset'),
        retryIgnorePreviousHosts: fc.boolean(),
      },
      { requiredKeys: ['attempts'] },
    ),
    rewrite: fc.constantFrom({ uri: '/b' }, { authority: 'b' }, { uriRegexRewrite: { match: '(a)', rewrite: '\\1b' } }),
    mirrors: fc.array(fc.record({ destination, percentage }), { maxLength: 2 }),
    fault: fc.record({
      delay: fc.record({ fixedDelay: span, percentage }),
      abort: fc.oneof(
        fc.record({ httpStatus: fc.constantFrom(500, 503), percentage }),
        fc.record({ grpcStatus: fc.constantFrom('UNAVAILABLE', 'ABORTED'), percentage }),
      ),
    }),
    corsPolicy: some({
      allowOrigins: fc.array(stringMatch, { maxLength: 2 }),
      allowMethods: fc.subarray(['GET', 'PUT']),
    }),
    headers,
  },
  { requiredKeys: ['route'] },
);

const answered = fc.oneof(
  fc.record({
    redirect: fc.constantFrom(
      { uri: '/b' },
      { scheme: 'https', redirectCode: 308 },
      { derivePort: 'FROM_REQUEST_PORT' },
    ),
  }),
  fc.record({ directResponse: fc.constantFrom({ status: 204 }, { status: 200, body: { string: 'hello' } }) }),
);

/** Routes of a VirtualService; the names of routes and blocks say where they are. */
export const routes: fc.Arbitrary<readonly JsonObject[]> = fc
  .array(
    fc.tuple(
      fc.array(match, { maxLength: 3 }),
      fc.oneof({ weight: 3, arbitrary: forwarded }, { weight: 1, arbitrary: answered }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((all) =>
    all.map(
      ([blocks, action], index) =>
        ({
          name: `r${index}`,
          match: blocks.map((block, at) => ({ ...block, name: `m${at}` })),
          ...action,
        }) as unknown as JsonObject,
    ),
  );

const blocks = {
  loadBalancer: fc.constantFrom<Json>(
    { simple: 'RANDOM' },
    { consistentHash: { useSourceIp: true } },
    { consistentHash: { httpCookie: { name: 'a', ttl: '0s' }, maglev: { tableSize: 11 } } },
  ),
  connectionPool: fc.constantFrom<Json>({ tcp: { maxConnections: 1 } }, { http: { maxRetries: 0, idleTimeout: '5s' } }),
  outlierDetection: fc.constantFrom<Json>({}, { consecutive5xxErrors: 3, maxEjectionPercent: 50 }),
  tls: fc.constantFrom<Json>({ mode: 'DISABLE' }, { mode: 'ISTIO_MUTUAL', sni: 'a' }, { mode: 'SIMPLE' }),
};
const ports = fc
  .uniqueArray(fc.constantFrom(80, 81), { maxLength: 2 })
  .chain((numbers) =>
    fc.tuple(...numbers.map((number) => fc.record({ port: fc.constant({ number }), tls: blocks.tls }))),
  );
const policy = fc.record({ ...blocks, portLevelSettings: ports }, { requiredKeys: ['loadBalancer'] });

/** The `spec` of a DestinationRule. */
export const destinationRules: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      trafficPolicy: policy,
      subsets: fc.uniqueArray(
        fc.record({ name: fc.constantFrom('v1', 'v2'), labels: fc.constant({ v: '1' }), trafficPolicy: policy }),
        { selector: ({ name }) => name, maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({ host: 'reviews', ...spec }));
