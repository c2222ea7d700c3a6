import { extension } from './extension.ts';
import { compile, escapeExpansion, fill, quoted, type Tree, userText } from './flow-yaml.ts';
import { adminAddress } from './hooks.ts';
import type { ProxyIntent } from './intent.ts';
import { clusters, listeners, resourceFilling } from './resources.ts';

/** Envoy keeps every statistic in memory; these are the ones that somebody reads. */
const statistics: readonly Tree[] = [
  ...['istio.', 'listener_manager.', 'server.', 'tcp.', 'http.inbound', 'http.outbound'].map((prefix) => ({
    prefix,
  })),
  { contains: 'PassthroughCluster.upstream_' },
  // The answers to tcpSocket and gRPC probes are computed from these gauges.
  { contains: 'membership_' },
  ...['downstream_cx_active', 'cx_overflow', 'message_count'].map((suffix) => ({ suffix })),
];

/** Envoy's own 200 ms wake every thread ten times a second to see that it is not stuck: most of what an idle proxy does. */
const patience: Tree = { anchor: 'patience', content: { miss_timeout: '1s' } };

const document = compile({
  node: {
    id: { hole: 'nodeId' },
    cluster: { hole: 'proxyName' },
    metadata: { NAMESPACE: { expandable: '$(POD_NAMESPACE)' }, WORKLOAD_NAME: { hole: 'workload' } },
  },
  admin: { address: adminAddress },
  static_resources: { listeners, clusters },
  watchdogs: { main_thread_watchdog: patience, worker_watchdog: patience },
  // Reading this takes memory that Envoy would keep for ever: a MiB goes back every second.
  memory_allocator_manager: { bytes_to_release: 1_048_576 },
  stats_config: { stats_matcher: { inclusion_list: { patterns: statistics } } },
  overload_manager: {
    resource_monitors: [
      extension(
        'envoy.resource_monitors.global_downstream_max_connections',
        'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        { max_active_downstream_connections: { hole: 'maxConnections' } },
      ),
    ],
  },
});

/**
 * Envoy's whole configuration for one pod, for `--config-yaml`. `$(POD_IP)`, `$(POD_NAME)` and `$(POD_NAMESPACE)` are
 * left for Kubernetes to fill in from the container's environment; every `$` of a user's text is doubled. It holds no
 * secret: Envoy prints a configuration that it refuses.
 */
export function renderBootstrap(intent: ProxyIntent): string {
  return fill(
    document,
    {
      ...resourceFilling(intent),
      // Four parts in Istio's form, so that tools which take it apart can read it.
      nodeId: quoted(
        `sidecar~$(POD_IP)~$(POD_NAME).$(POD_NAMESPACE)~$(POD_NAMESPACE).svc.${escapeExpansion(intent.clusterDomain)}`,
      ),
      workload: userText(intent.workload),
      maxConnections: String(intent.maxConnections),
    },
    new Map(),
  );
}
