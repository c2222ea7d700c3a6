import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';

/*
 * Envoy gives every request without `x-forwarded-proto` one with its own scheme, `http`, which applications take for that of
 * the user's browser (nginx behind a load balancer that ends TLS redirects such requests to https). Nothing switches that
 * off. There are two ways around it: where all requests are routed alike, a request without the field gets one that says so
 * before Envoy looks, and loses it when it is routed, by a route of its own. Where routes are many, that would double them, so the field is copied
 * before Envoy looks, and the copy replaces what Envoy made of it when the request is routed.
 */

const field = 'x-forwarded-proto';
const absent = 'sidecar-injector/absent';
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

/** Early header mutations of the connection manager, by what its routes do. */
export const earlyMutations = {
  marked: earlyMutation({ append: { header: { key: field, value: absent }, append_action: 'ADD_IF_ABSENT' } }),
  copied: earlyMutation({ remove: copy }, { append: copyOf(field, copy) }),
} as const;

/** A header matcher of routes for requests that came without the field, and are marked. */
export const isMarkedAbsent: JsonObject = { name: field, string_match: { exact: absent } };

/** What such a route does to its requests. */
export const withoutMark: JsonObject = { request_headers_to_remove: [field] };

/**
 * Parts of a RouteConfiguration and of its virtual hosts that put the copy back. Headers are changed in this order before routes change them
 * (`most_specific_header_mutations_wins`).
 */
export const restoreCopy = {
  configuration: {
    most_specific_header_mutations_wins: true,
    request_headers_to_remove: [field],
    request_headers_to_add: [copyOf(copy, field)],
  },
  virtualHost: { request_headers_to_remove: [copy] },
} as const satisfies Readonly<Record<string, JsonObject>>;
