import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';

/*
 * Envoy gives every request without `x-forwarded-proto` one with its own scheme, `http`, which applications take for that of
 * the user's browser (nginx behind a load balancer that ends TLS redirects such requests to https). Nothing switches that
 * off. So a request without the field gets one that says so before Envoy looks, and loses it when it is routed.
 */

const field = 'x-forwarded-proto';
const absent = 'sidecar-injector/absent';

/** An early header mutation of the connection manager. */
export const markAbsent: JsonObject = extension(
  'absent',
  'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
  { mutations: [{ append: { header: { key: field, value: absent }, append_action: 'ADD_IF_ABSENT' } }] },
);

/** A header matcher of routes for requests that came without the field. */
export const isMarkedAbsent: JsonObject = { name: field, string_match: { exact: absent } };

/** What such a route does to its requests. */
export const withoutMark: JsonObject = { request_headers_to_remove: [field] };
