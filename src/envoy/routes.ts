import type { JsonObject } from '../json/json.ts';
import { isMarkedAbsent, withoutMark } from './forwarded-proto.ts';

/**
 * Retries only what the server cannot have started to process: requests that an HTTP/2 server has refused and, inbound
 * as in Istio, requests that were not sent. Outbound, the latter would dial an unreachable host again, each time until
 * the connect timeout.
 */
const retryOn = { inbound: 'reset-before-request,refused-stream', outbound: 'refused-stream' } as const;

/** Direction of captured traffic, as seen from the pod. */
export type Direction = keyof typeof retryOn;

const anyPath: JsonObject = { prefix: '/' };
/** CONNECT requests have no path. */
const connect: JsonObject = { connect_matcher: {} };

function everything(name: string, routes: readonly JsonObject[]): JsonObject {
  return { virtual_hosts: [{ name, domains: ['*'], routes: routes.map((route) => ({ name, ...route })) }] };
}

/**
 * Returns an `envoy.config.route.v3.RouteConfiguration` that sends every request to one cluster.
 *
 * @param ofGrpc what routes of gRPC have besides; undefined if they are like the others
 */
export function passEverything(name: string, direction: Direction, cluster: string, ofGrpc?: JsonObject): JsonObject {
  const route = { cluster, timeout: '0s', retry_policy: { retry_on: retryOn[direction] } };
  const paths = [
    ...(ofGrpc === undefined ? [] : [[{ ...anyPath, grpc: {} }, ofGrpc] as const]),
    [anyPath, {}] as const,
  ];
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

/** Returns an `envoy.config.route.v3.RouteConfiguration` that answers every request with one status. */
export function refuseEverything(name: string, status: number): JsonObject {
  return everything(
    name,
    [anyPath, connect].map((match) => ({ match, direct_response: { status } })),
  );
}
