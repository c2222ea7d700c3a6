import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import { headers } from './random-header-changes.ts';
import { textMatch } from './random-matches.ts';
import { few, some } from './random-members.ts';

const destination = fc.constantFrom(
  { host: 'reviews' },
  { host: 'reviews', subset: 'v1' },
  { host: 'reviews', subset: 'v2', port: { number: 80 } },
  { host: 'reviews.shop.svc.cluster.local', subset: 'v2', port: { number: 81 } },
  { host: 'ratings', port: { number: 80 } },
);

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

/** Shares in percent of what happens by luck. */
export const percentages = [0, 0.0001, 0.5, 7.25, 33.3333, 50, 99.9999, 100] as const;

/** Members, and mostly the share that they count for. */
function withShare(members: Readonly<Record<string, fc.Arbitrary<unknown>>>, name = 'percentage') {
  const share = fc.oneof(
    { weight: 2, arbitrary: fc.constant({ value: 100 }) },
    { weight: 3, arbitrary: fc.record({ value: fc.constantFrom(...percentages) }) },
  );
  return fc.record({ ...members, [name]: share }, { requiredKeys: Object.keys(members) });
}

const audit = { host: 'audit', port: { number: 80 } };

/** A route that forwards requests. */
export const forwarded = fc
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
      mirror: withShare({ mirror: fc.constant(audit) }, 'mirrorPercentage'),
      mirrors: fc.array(withShare({ destination: fc.constant(audit) }), { minLength: 1, maxLength: 2 }),
      fault: few(1, 2, {
        delay: withShare({ fixedDelay: fc.constant('5ms') }),
        abort: fc.oneof(
          withShare({ httpStatus: fc.constantFrom(500, 418) }),
          withShare({ grpcStatus: fc.constantFrom('UNAVAILABLE', 'NOT_FOUND') }),
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
      ...(mirror === undefined || 'mirrors' in one ? {} : (mirror as JsonObject)),
      // Faults come first in Istio's proxies, and hide the answer from browsers.
      ...(corsPolicy === undefined || 'fault' in one ? {} : { corsPolicy }),
    })),
  )
  .map(([route, more]): JsonObject => ({ route: route as unknown as JsonObject[], ...more }));
