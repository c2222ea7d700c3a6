import { applicationBinding } from './addresses.ts';
import type { Tree } from './flow-yaml.ts';
import { adminAddress } from './hooks.ts';
import { transparentUpstream } from './http.ts';

const most: Tree = { anchor: 'most', content: 4294967295 };

/** Envoy's own default of 1,024 would throttle an application that has no limit without a proxy. */
const unlimited: Tree = {
  anchor: 'unlimited',
  content: {
    thresholds: [{ max_connections: most, max_pending_requests: most, max_requests: most, max_retries: most }],
  },
};

function passthrough(name: string, connect_timeout: string, binding: Tree | undefined): Tree {
  return {
    name,
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connect_timeout,
    circuit_breakers: unlimited,
    upstream_connection_options: { tcp_keepalive: {} },
    typed_extension_protocol_options: transparentUpstream,
    upstream_bind_config: binding,
  };
}

/** Clusters that every pod has. */
export const fixedClusters: readonly Tree[] = [
  passthrough('PassthroughCluster', '10s', undefined),
  passthrough('InboundPassthroughCluster', '10s', applicationBinding),
  // No endpoints: connections are closed at once.
  { name: 'BlackHoleCluster' },
  {
    name: 'admin',
    load_assignment: {
      cluster_name: 'admin',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: adminAddress } }] }],
    },
  },
];
