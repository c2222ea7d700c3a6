import { duration } from '../../../envoy/extension.ts';
import { retries } from '../../../envoy/routes.ts';
import type { JsonObject } from '../../../json/json.ts';
import type { Backend, Destination, Forward, HashKey, PathMatch } from '../../plan/route-plan.ts';
import { headerChanges } from './header-changes.ts';
import { pathRewrite } from './path-rewrite.ts';
import { retryPolicy } from './retry-policy.ts';
import { share } from './rule-filters.ts';

/** Where requests of one address can be sent. */
export interface Clusters {
  /** Returns the cluster of a backend. */
  readonly nameOf: (backend: Backend) => string;
  /** Whether the backend is reached at the address that the client dials. */
  readonly isDialled: (backend: Backend) => boolean;
  /** Whether all connections of one client go to the same endpoint of the backend. */
  readonly hasAffinity: (backend: Backend) => boolean;
}

/** A cluster that does not exist. */
const nowhere = 'nowhere';

function clusterWeight(destination: Destination, clusters: Clusters): JsonObject {
  const { backend, weight, requestHeaders, responseHeaders, authority } = destination;
  return {
    name: backend === undefined ? nowhere : clusters.nameOf(backend),
    weight,
    ...headerChanges('request', requestHeaders),
    ...headerChanges('response', responseHeaders),
    ...(authority === undefined ? {} : { host_rewrite_literal: authority }),
  };
}

/** Returns the destination of requests that are not shared out; what it changes of them is said on the route. */
export function onlyDestination({ destinations, isShared }: Forward): Destination | undefined {
  return destinations.length === 1 && isShared !== true ? destinations[0] : undefined;
}

function isPlain({ requestHeaders, responseHeaders, authority }: Destination): boolean {
  return [requestHeaders, responseHeaders, authority].every((one) => one === undefined);
}

/** What is said for a destination that is not there is UNAVAILABLE to clients of gRPC, as Gateway API has it; of 500, Envoy would make UNKNOWN. */
function target(forward: Forward, clusters: Clusters, isGrpc: boolean): JsonObject {
  const { destinations } = forward;
  const [first, second] = destinations;
  const isOnly =
    onlyDestination(forward) !== undefined || (second === undefined && first !== undefined && isPlain(first));
  if (first?.backend !== undefined && isOnly) return { cluster: clusters.nameOf(first.backend) };
  return {
    weighted_clusters: { clusters: destinations.map((one) => clusterWeight(one, clusters)) },
    ...(destinations.some(({ backend }) => backend === undefined)
      ? { cluster_not_found_response_code: isGrpc ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR' }
      : {}),
  };
}

/** Returns an `envoy.config.route.v3.RouteAction.HashPolicy`. */
function hashPolicy(key: HashKey): JsonObject {
  switch (key.type) {
    case 'header':
      return { header: { header_name: key.name } };
    case 'query':
      return { query_parameter: { name: key.name } };
    case 'address':
      return { connection_properties: { source_ip: true } };
    case 'cookie': {
      const { name, path, ttlMs } = key;
      const ttl = ttlMs === undefined ? {} : { ttl: duration(ttlMs) };
      return { cookie: { name, ...ttl, ...(path === undefined ? {} : { path }) } };
    }
  }
}

function hashPolicies(destinations: readonly Destination[], clusters: Clusters): JsonObject {
  const keys = destinations.flatMap(({ backend, hash }): readonly HashKey[] => {
    if (hash !== undefined) return [hash];
    return backend !== undefined && clusters.hasAffinity(backend) ? [{ type: 'address' }] : [];
  });
  // Destinations share the policies of their route, and each one adds to the hash.
  const distinct = new Map(keys.map((key) => [JSON.stringify(key), hashPolicy(key)]));
  return distinct.size === 0 ? {} : { hash_policy: [...distinct.values()] };
}

/**
 * Returns the timeout of the whole request. Of gRPC it is the most that a client may ask for, the server is told, and the answer is DEADLINE_EXCEEDED
 * instead of UNAVAILABLE, which clients take for something to be tried again.
 */
function timeout(ms: number, isGrpc: boolean): JsonObject {
  if (!isGrpc || ms === 0) return { timeout: duration(ms) };
  return { max_stream_duration: { max_stream_duration: duration(ms), grpc_timeout_header_max: duration(ms) } };
}

/** Returns the members of a route that forward requests: to its destinations, or, if there is none, an answer with status 500. */
export function forwardAction(
  forward: Forward,
  path: PathMatch | undefined,
  clusters: Clusters,
  isGrpc: boolean,
): JsonObject {
  const { destinations, timeoutMs = 0, retry, mirrors } = forward;
  const authority = forward.authority ?? onlyDestination(forward)?.authority;
  const backends = destinations.flatMap(({ backend }) => backend ?? []);
  if (backends.length === 0) return { direct_response: { status: 500 } };
  return {
    route: {
      ...target(forward, clusters, isGrpc),
      ...pathRewrite(path, forward.path),
      ...(authority === undefined ? {} : { host_rewrite_literal: authority }),
      ...timeout(timeoutMs, isGrpc),
      ...retryPolicy(retry, backends.every(clusters.isDialled) ? retries.outbound : retries.service),
      ...hashPolicies(destinations, clusters),
      ...(mirrors.length === 0
        ? {}
        : {
            request_mirror_policies: mirrors.map(({ backend, perMillion }) => ({
              cluster: clusters.nameOf(backend),
              runtime_fraction: { default_value: share(perMillion) },
              trace_sampled: false,
              disable_shadow_host_suffix_append: true,
            })),
          }),
    },
  };
}
