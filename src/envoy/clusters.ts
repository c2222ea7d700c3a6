import type { JsonObject } from '../json/json.ts';
import { applicationBinding } from './addresses.ts';
import { loadAssignment } from './extension.ts';
import { adminAddress } from './hooks.ts';
import { transparentUpstream } from './http.ts';
import type { ProxyIntent } from './intent.ts';

/** Names of the clusters that every proxy has; metrics tell them as the service, as Istio's do. */
export const clusterNames = {
  passthrough: 'PassthroughCluster',
  inbound: 'InboundPassthroughCluster',
  blackHole: 'BlackHoleCluster',
  admin: 'admin',
} as const;

const most = 4_294_967_295;

/** Envoy's own default of 1,024 would throttle an application that has no limit without a proxy. */
const unlimited: JsonObject = {
  thresholds: [{ max_connections: most, max_pending_requests: most, max_requests: most, max_retries: most }],
};

const keepAlive: JsonObject = { tcp_keepalive: {} };

/** No endpoints: connections are closed at once. */
const blackHole: JsonObject = { name: clusterNames.blackHole };

/** Cluster of wherever a captured connection was going; `binding` is the source of its connections. */
export function originalDestination(name: string, binding: JsonObject | undefined): JsonObject {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout: '10s',
    circuit_breakers: unlimited,
    upstream_connection_options: keepAlive,
    typed_extension_protocol_options: transparentUpstream,
    ...(binding === undefined ? {} : { upstream_bind_config: binding }),
  };
}

/** Clusters of captured traffic, whatever becomes of it. */
export function captureClusters({ families }: Pick<ProxyIntent, 'families'>): readonly JsonObject[] {
  return [
    originalDestination(clusterNames.passthrough, undefined),
    originalDestination(clusterNames.inbound, applicationBinding(families)),
    blackHole,
  ];
}

/** The proxy's own admin interface. */
export function adminCluster({ admin }: Pick<ProxyIntent, 'admin'>): JsonObject {
  const { admin: name } = clusterNames;
  return { name, load_assignment: loadAssignment(name, [adminAddress(admin)]) };
}
