import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const type = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

/** Filter of the requests to a pod that runs only where its routes say so: how many of them are let in. */
export const limitFilter = {
  name: 'limit',
  json: { ...extension('limit', type, { stat_prefix: 'limit' }), disabled: true },
} as const satisfies { readonly name: string; readonly json: JsonObject };

/** Requests that are counted together. */
export interface CountedRequests {
  readonly name: string;
  /** `HeaderMatcher`s, all of which fit; none for all requests. */
  readonly matchers: readonly JsonObject[];
  /** `envoy.type.v3.TokenBucket`. */
  readonly bucket: JsonObject;
}

/** Those that nothing is said of. Envoy wants a bucket for them, whose time divides all others. */
const unlimited: JsonObject = { max_tokens: 4_294_967_295, tokens_per_fill: 4_294_967_295, fill_interval: '1s' };

const always: JsonObject = { default_value: { numerator: 100, denominator: 'HUNDRED' } };

/**
 * Returns what a route says to the filter. A request has to be let in by each that it is counted by.
 *
 * @param retryAfter seconds after which somebody who was not let in may try again
 */
export function routeLimits(counted: readonly CountedRequests[], retryAfter: number): JsonObject {
  return typed(type, {
    stat_prefix: 'limit',
    token_bucket: unlimited,
    always_consume_default_token_bucket: false,
    filter_enabled: always,
    filter_enforced: always,
    rate_limited_as_resource_exhausted: true,
    response_headers_to_add: [{ header: { key: 'retry-after', value: String(retryAfter) } }],
    rate_limits: counted.map(({ name, matchers }) => ({
      actions: [
        matchers.length === 0
          ? { generic_key: { descriptor_key: 'limit', descriptor_value: name } }
          : { header_value_match: { descriptor_key: 'limit', descriptor_value: name, headers: [...matchers] } },
      ],
    })),
    descriptors: counted.map(({ name, bucket }) => ({
      entries: [{ key: 'limit', value: name }],
      token_bucket: bucket,
    })),
  });
}
