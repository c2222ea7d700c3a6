import { duration } from '../../../envoy/extension.ts';
import type { JsonObject } from '../../../json/json.ts';
import type { Cors, Fault } from '../../plan/route-plan.ts';
import { stringMatcher } from './request-match.ts';

/** Returns an `envoy.type.v3.FractionalPercent`. */
export function share(numerator: number): JsonObject {
  return { numerator, denominator: 'MILLION' };
}

/** Returns an `envoy.extensions.filters.http.fault.v3.HTTPFault`. */
export function httpFault({ delay, abort }: Fault): JsonObject {
  return {
    ...(delay === undefined ? {} : { delay: { fixed_delay: duration(delay.ms), percentage: share(delay.perMillion) } }),
    ...(abort === undefined
      ? {}
      : { abort: { [`${abort.status.type}_status`]: abort.status.code, percentage: share(abort.perMillion) } }),
    disable_downstream_cluster_stats: true,
  };
}

const anyText: JsonObject = { safe_regex: { regex: '.*' } };

/** Returns an `envoy.extensions.filters.http.cors.v3.CorsPolicy`. */
export function corsPolicy({ origins, methods, headers, exposed, ...cors }: Cors): JsonObject {
  const lists = { allow_methods: methods, allow_headers: headers, expose_headers: exposed };
  return {
    allow_origin_string_match: origins.map((one) => stringMatcher(one) ?? anyText),
    ...Object.fromEntries(
      Object.entries(lists).flatMap(([key, list]) => (list.length === 0 ? [] : [[key, list.join(',')]])),
    ),
    ...(cors.maxAgeMs === undefined ? {} : { max_age: String(Math.floor(cors.maxAgeMs / 1000)) }),
    ...(cors.allowsCredentials === undefined ? {} : { allow_credentials: cors.allowsCredentials }),
    forward_not_matching_preflights: cors.forwardsOthers,
  };
}
