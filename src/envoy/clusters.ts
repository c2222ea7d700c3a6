import type { JsonObject } from '../json/json.ts';
import { applicationBinding } from './addresses.ts';
import { loadAssignment } from './extension.ts';
import { adminAddress } from './hooks.ts';
import { transparentUpstream } from './http.ts';
import { bufferBytes } from './buffers.ts';
import { keepAlive } from './keep-alive.ts';
import type { PodSettings } from '../settings/effective.ts';
import type { TrafficIntent } from './intent.ts';

/** Names of the clusters that every proxy has. As in Istio, metrics report them as the destination service. */
export const clusterNames = {
  passthrough: 'PassthroughCluster',
  inbound: 'InboundPassthroughCluster',
  blackHole: 'BlackHoleCluster',
  admin: 'admin',
} as const;

const most = 4_294_967_295;

/**
 * Returns `envoy.config.cluster.v3.CircuitBreakers` with these limits (`Thresholds`) alone. Envoy's default of 1,024 would throttle an application that has no
 * such limit without a proxy.
 */
export function circuitBreakers(limits: JsonObject): JsonObject {
  const none = { max_connections: most, max_pending_requests: most, max_requests: most, max_retries: most };
  return { thresholds: [{ ...none, ...limits }] };
}

/** A cluster without endpoints: connections are closed at once. */
const blackHole: JsonObject = { name: clusterNames.blackHole };

/** What clusters of captured traffic have in common. */
export const transparentCluster: JsonObject = {
  connect_timeout: '10s',
  circuit_breakers: circuitBreakers({}),
  // A login may belong to the connection (NTLM, Negotiate), so that no connection serves two clients.
  connection_pool_per_downstream_connection: true,
  per_connection_buffer_limit_bytes: bufferBytes,
  upstream_connection_options: { tcp_keepalive: keepAlive },
  typed_extension_protocol_options: transparentUpstream,
};

/** Returns a cluster for the original destination of captured connections; `binding` sets their source address. */
export function originalDestination(name: string, binding: JsonObject | undefined): JsonObject {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    ...transparentCluster,
    ...(binding === undefined ? {} : { upstream_bind_config: binding }),
  };
}

/** Returns the cluster of the application itself. */
export function inboundCluster({ settings }: Pick<TrafficIntent, 'settings'>): JsonObject {
  return originalDestination(clusterNames.inbound, applicationBinding(settings.capture.families));
}

/** Returns the clusters of captured traffic, for every outbound traffic policy. */
export function captureClusters(intent: Pick<TrafficIntent, 'settings'>): readonly JsonObject[] {
  return [originalDestination(clusterNames.passthrough, undefined), inboundCluster(intent), blackHole];
}

/** Returns the cluster of the proxy's own admin interface. */
export function adminCluster({ admin }: Pick<PodSettings['proxy'], 'admin'>): JsonObject {
  const { admin: name } = clusterNames;
  return { name, load_assignment: loadAssignment(name, [adminAddress(admin)]) };
}
