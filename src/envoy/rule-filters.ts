import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const types = {
  cors: 'envoy.extensions.filters.http.cors.v3.Cors',
  corsOfRoute: 'envoy.extensions.filters.http.cors.v3.CorsPolicy',
  fault: 'envoy.extensions.filters.http.fault.v3.HTTPFault',
} as const;

/** Filters of the requests to Services that run only on routes with a configuration of their own. */
export const ruleFilters: readonly JsonObject[] = [
  { ...extension('cors', types.cors), disabled: true },
  { ...extension('fault', types.fault), disabled: true },
];

/** Returns the `typed_per_filter_config` of a route by `CorsPolicy` and `HTTPFault`, each if there is one. */
export function ruleFilterConfig(cors: JsonObject | undefined, fault: JsonObject | undefined): JsonObject {
  return {
    ...(cors === undefined ? {} : { cors: typed(types.corsOfRoute, cors) }),
    ...(fault === undefined ? {} : { fault: typed(types.fault, fault) }),
  };
}
