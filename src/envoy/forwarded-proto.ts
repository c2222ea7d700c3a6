import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';

/*
 * Envoy gives every request without `x-forwarded-proto` one with its own scheme, `http`, which applications take for that of
 * the user's browser (nginx behind a load balancer that ends TLS redirects such requests to https). Nothing switches that
 * off. So a request without the field gets one that says so before Envoy looks, and loses it when it is routed, by a route of its own.
 * Where objects say what the routes are, that would double them, and with them the proxy's memory for them. So the field is copied, too, before Envoy
 * looks, and these routes replace the field by the copy, which moves it behind the others.
 */

const field = 'x-forwarded-proto';
/** What stands in the field of a request that came without it. */
export const absent = 'sidecar-injector/absent';
const copy = 'x-sidecar-injector-proto';
const append_action = 'OVERWRITE_IF_EXISTS_OR_ADD';

function earlyMutation(...mutations: readonly JsonObject[]): JsonObject {
  return extension('proto', 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation', {
    mutations,
  });
}

/** Returns a `HeaderValueOption` that copies a header; it does nothing where there is none. */
function copyOf(from: string, to: string): JsonObject {
  return { header: { key: to, value: `%REQ(${from})%` }, append_action };
}

const mark: JsonObject = { append: { header: { key: field, value: absent }, append_action: 'ADD_IF_ABSENT' } };

/** Early header mutations of the connection manager, by what its routes need. */
export const earlyMutations = {
  marked: earlyMutation(mark),
  copied: earlyMutation({ remove: copy }, { append: copyOf(field, copy) }, mark),
} as const;

/** A header matcher of routes for requests that came without the field, and are marked. */
export const isMarkedAbsent: JsonObject = { name: field, string_match: { exact: absent } };

/** What such a route does to its requests. */
export const withoutMark: JsonObject = { request_headers_to_remove: [field] };

/** Members of a RouteConfiguration or a virtual host whose servers do not get the copy. */
export const withoutCopy: JsonObject = { request_headers_to_remove: [copy] };

/** Members of a RouteConfiguration that put the copy back before virtual hosts and routes change headers, in this order. */
export const restoreCopy: JsonObject = {
  most_specific_header_mutations_wins: true,
  request_headers_to_remove: [field],
  request_headers_to_add: [copyOf(copy, field)],
};
