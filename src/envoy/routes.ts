import type { JsonObject } from '../json/json.ts';

/**
 * What the server cannot have begun is sent once more: what an HTTP/2 server has refused, and inbound what was not sent, as
 * in Istio. Outbound that would dial an unreachable host anew, each time for as long as it takes.
 */
const retryOn = { inbound: 'reset-before-request,refused-stream', outbound: 'refused-stream' } as const;

export type Direction = keyof typeof retryOn;

/** Routes that do the same with every request. Those with CONNECT have no path, and only the second matcher sees them. */
function everything(name: string, action: JsonObject): JsonObject {
  const routes = [{ prefix: '/' }, { connect_matcher: {} }].map((match) => ({ name, match, ...action }));
  return { virtual_hosts: [{ name, domains: ['*'], routes }] };
}

/** `envoy.config.route.v3.RouteConfiguration` that sends every request to one cluster. */
export function passEverything(name: string, direction: Direction, cluster: string): JsonObject {
  return everything(name, {
    route: { cluster, timeout: '0s', retry_policy: { retry_on: retryOn[direction] } },
  });
}

/** The same that answers every request with one status. */
export function refuseEverything(name: string, status: number): JsonObject {
  return everything(name, { direct_response: { status } });
}
