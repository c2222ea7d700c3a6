import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import { isMarkedAbsent, withoutMark } from './forwarded-proto.ts';

/** Direction of captured traffic, as seen from the pod. */
export type Direction = 'inbound' | 'outbound';

/** Retry host predicate: hosts that have failed are not asked again while there are others. */
export const otherHosts: JsonObject = {
  retry_host_predicate: [
    extension('previous_hosts', 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
  ],
  // A dead host has the fewest requests, so it is picked again and again: of two hosts, in three picks of four.
  host_selection_retry_max_attempts: '50',
};

/**
 * `envoy.config.route.v3.RetryPolicy` by what the requests are for. Retries only what the server cannot have started to process:
 * requests that an HTTP/2 server has refused and, inbound as in Istio, requests that were not sent. Outbound, the latter would dial
 * an unreachable host again, each time until the connect timeout; but a Service has others, each of which is tried once.
 */
export const retries = {
  inbound: { retry_on: 'reset-before-request,refused-stream' },
  outbound: { retry_on: 'refused-stream' },
  service: { retry_on: 'connect-failure,refused-stream,reset-before-request', num_retries: 2, ...otherHosts },
} as const satisfies Readonly<Record<string, JsonObject>>;

const anyPath: JsonObject = { prefix: '/' };
/** CONNECT requests have no path. */
export const connect: JsonObject = { connect_matcher: {} };

/** Matches of all requests with a path, those of gRPC first if they differ, each with what the route says besides. */
function pathsOf(ofGrpc: JsonObject | undefined): readonly (readonly [match: JsonObject, more: JsonObject])[] {
  return [...(ofGrpc === undefined ? [] : [[{ ...anyPath, grpc: {} }, ofGrpc] as const]), [anyPath, {}]];
}

function everything(name: string, routes: readonly JsonObject[]): JsonObject {
  return { virtual_hosts: [{ name, domains: ['*'], routes: routes.map((route) => ({ name, ...route })) }] };
}

/**
 * Returns an `envoy.config.route.v3.RouteConfiguration` with one action (`RouteAction`) for every request.
 *
 * @param ofGrpc what routes of gRPC say besides; undefined if they are like the others
 */
export function forwardEverything(name: string, route: JsonObject, ofGrpc?: JsonObject): JsonObject {
  const paths = pathsOf(ofGrpc);
  return everything(name, [
    ...paths.map(([match, more]) => ({
      match: { ...match, headers: [isMarkedAbsent] },
      route,
      ...withoutMark,
      ...more,
    })),
    ...paths.map(([match, more]) => ({ match, route, ...more })),
    { match: connect, route, ...withoutMark },
  ]);
}

/** The same for captured requests of one direction, which all go to one cluster. */
export function passEverything(name: string, direction: Direction, cluster: string, ofGrpc?: JsonObject): JsonObject {
  return forwardEverything(name, { cluster, timeout: '0s', retry_policy: retries[direction] }, ofGrpc);
}

/** Returns an `envoy.config.route.v3.RouteConfiguration` that answers every request with one status. */
export function refuseEverything(name: string, status: number, ofGrpc?: JsonObject): JsonObject {
  const matches = [...pathsOf(ofGrpc), [connect, {}] as const];
  return everything(
    name,
    matches.map(([match, more]) => ({ match, direct_response: { status }, ...more })),
  );
}
