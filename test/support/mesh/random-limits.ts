import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';

/*
 * Random RateLimits of the namespace `shop`, for the calls of random-access.ts.
 */

function list(...values: readonly string[]) {
  return fc.subarray([...values], { minLength: 1, maxLength: 2 });
}

const match = fc.record(
  {
    paths: list('/', '/a', '/a/*', '*.html', '/a/{*}/b', '/{**}/b', '*', '/a/ü'),
    methods: list('GET', 'POST', 'P*', '*T'),
    headers: fc.dictionary(
      fc.constantFrom('x-user', 'X-User', 'host'),
      fc.constantFrom('alice', 'b*', '*e', '*', 'cart'),
      {
        minKeys: 1,
        maxKeys: 1,
      },
    ),
  },
  { requiredKeys: [] },
);

/**
 * A RateLimit of some limits: the first lets in one request, the second two, and so on. Nothing comes back for an hour, so how many
 * requests are let in tells which limits they count in.
 */
export const randomLimits: fc.Arbitrary<JsonObject> = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.record({ match }) }, fc.constant({})), { minLength: 1, maxLength: 3 })
  .map((limits) => ({
    kind: 'RateLimit',
    metadata: { namespace: 'shop', name: 'limits', uid: 'limits' },
    spec: { limits: limits.map((one, index) => ({ ...one, requests: 1, per: 'Hour', burst: index + 1 })) },
  }));
