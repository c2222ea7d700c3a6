import type { JsonObject } from '../json/json.ts';
import { unnamed } from './extension.ts';

/** Returns an `envoy.config.accesslog.v3.AccessLogFilter` of the moments at which something is logged. */
export function atMoments(...types: readonly string[]): JsonObject {
  return { log_type_filter: { types } };
}

/** Returns a filter of what an expression in the Common Expression Language is true of. */
export function where(expression: string): JsonObject {
  return {
    extension_filter: unnamed('envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter', {
      expression,
    }),
  };
}

/** Returns a filter of what all of at least two filters let through. */
export function allOf(...filters: readonly JsonObject[]): JsonObject {
  return { and_filter: { filters } };
}

/** Returns a filter of what one of at least two filters lets through. */
export function anyOf(...filters: readonly JsonObject[]): JsonObject {
  return { or_filter: { filters } };
}
