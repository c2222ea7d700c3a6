import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import { isMarkedAbsent, withoutMark } from './forwarded-proto.ts';

/** Direction of captured traffic, as seen from the pod. */
export type Direction = 'inbound' | 'outbound';

/**
 * `envoy.config.route.v3.RetryPolicy` by what the requests are for. Retries only what the server cannot have started to process:
 * requests that an HTTP/2 server has refused and, inbound as in Istio, requests that were not sent. Outbound, the latter would dial
 * an unreachable host again, each time until the connect timeout; but a Service has others, each of which is tried once.
 */
const retries = {
  inbound: { retry_on: 'reset-before-request,refused-stream' },
  outbound: { retry_on: 'refused-stream' },
  service: {
    retry_on: 'connect-failure,refused-stream,reset-before-request',
    num_retries: 2,
    retry_host_predicate: [
      extension('previous_hosts', 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate'),
    ],
    // A dead host has the fewest requests, so it is picked again and again: of two hosts, in three picks of four.
    host_selection_retry_max_attempts: '50',
  },
} as const satisfies Readonly<Record<string, JsonObject>>;

/** What requests are for. A sticky Service has one endpoint for all connections of a client. */
export type RequestTarget = keyof typeof retries | 'stickyService';

function actionOf(target: RequestTarget): JsonObject {
  if (target !== 'stickyService') return { retry_policy: retries[target] };
  return { retry_policy: retries.service, hash_policy: [{ connection_properties: { source_ip: true } }] };
}

const anyPath: JsonObject = { prefix: '/' };
/** CONNECT requests have no path. */
const connect: JsonObject = { connect_matcher: {} };

function everything(name: string, routes: readonly JsonObject[]): JsonObject {
  return { virtual_hosts: [{ name, domains: ['*'], routes: routes.map((route) => ({ name, ...route })) }] };
}

/**
 * Returns an `envoy.config.route.v3.RouteConfiguration` that sends every request to one cluster.
 *
 * @param target what the requests are for, which decides about retries and the choice of an endpoint
 * @param ofGrpc what routes of gRPC have besides; undefined if they are like the others
 */
export function passEverything(name: string, target: RequestTarget, cluster: string, ofGrpc?: JsonObject): JsonObject {
  const route = { cluster, timeout: '0s', ...actionOf(target) };
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
