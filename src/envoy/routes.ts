import type { JsonObject } from '../json/json.ts';

/**
 * Retries only what the server cannot have started to process: requests that an HTTP/2 server has refused and, inbound
 * as in Istio, requests that were not sent. Outbound, the latter would dial an unreachable host again, each time until
 * the connect timeout.
 */
const retryOn = { inbound: 'reset-before-request,refused-stream', outbound: 'refused-stream' } as const;

/** Direction of captured traffic, as seen from the pod. */
export type Direction = keyof typeof retryOn;

/**
 * Returns routes that treat every request alike. CONNECT requests have no path; only the second matcher matches them.
 */
function everything(name: string, action: JsonObject): JsonObject {
  const routes = [{ prefix: '/' }, { connect_matcher: {} }].map((match) => ({ name, match, ...action }));
  return { virtual_hosts: [{ name, domains: ['*'], routes }] };
}

/** Returns an `envoy.config.route.v3.RouteConfiguration` that sends every request to one cluster. */
export function passEverything(name: string, direction: Direction, cluster: string): JsonObject {
  return everything(name, {
    route: { cluster, timeout: '0s', retry_policy: { retry_on: retryOn[direction] } },
  });
}

/** Returns an `envoy.config.route.v3.RouteConfiguration` that answers every request with one status. */
export function refuseEverything(name: string, status: number): JsonObject {
  return everything(name, { direct_response: { status } });
}
