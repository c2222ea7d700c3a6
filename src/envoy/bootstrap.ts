import { ports } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { bootstrapWriter } from './bootstrap-text.ts';
import { adminCluster, captureClusters } from './clusters.ts';
import { extension } from './extension.ts';
import { adminAddress, hookListeners } from './hooks.ts';
import type { ProxyIntent } from './intent.ts';
import { captureListeners } from './listeners.ts';
import { metricsPage } from './metrics-page.ts';
import { probeAnswers } from './probes.ts';
import { unknownPod } from './self.ts';
import { statusListener } from './status-listener.ts';
import { proxyName, tracingClusters } from './tracing.ts';

/** Envoy keeps every statistic in memory; these are the ones that somebody reads. */
const statistics: readonly JsonObject[] = [
  ...['istio.', 'listener_manager.', 'server.', 'tcp.', 'http.inbound', 'http.outbound'].map((prefix) => ({
    prefix,
  })),
  { contains: 'PassthroughCluster.upstream_' },
  // The answers to tcpSocket and gRPC probes are computed from these gauges.
  { contains: 'membership_' },
  ...['downstream_cx_active', 'cx_overflow', 'message_count'].map((suffix) => ({ suffix })),
];

/** Envoy's own 200 ms wake every thread ten times a second to see that it is not stuck: most of what an idle proxy does. */
const patience: JsonObject = { miss_timeout: '1s' };

function node(intent: ProxyIntent): JsonObject {
  const { self, clusterDomain, workload } = intent;
  return {
    // Four parts in Istio's form, so that tools which take it apart can read it.
    id: `sidecar~${self.address}~${self.name}.${self.namespace}~${self.namespace}.svc.${clusterDomain}`,
    cluster: proxyName(intent),
    metadata: { NAMESPACE: self.namespace, WORKLOAD_NAME: workload },
  };
}

/** What is captured, and where it goes: what a control plane would send. */
export function captureResources(intent: ProxyIntent): {
  readonly listeners: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
} {
  return {
    listeners: captureListeners(intent),
    clusters: captureClusters(intent),
  };
}

/**
 * Envoy's whole configuration for one pod (`envoy.config.bootstrap.v3.Bootstrap`). It holds no secret: Envoy prints a
 * configuration that it refuses. Probes need the status port; without one they are left out.
 */
export function bootstrap(intent: ProxyIntent): JsonObject {
  const capture = captureResources(intent);
  const probes = probeAnswers(intent.statusPort === undefined ? [] : intent.probes, intent);
  const page = metricsPage(intent);
  return {
    node: node(intent),
    admin: { address: adminAddress(intent.admin) },
    static_resources: {
      listeners: [...capture.listeners, statusListener(intent, page, probes), ...hookListeners(intent)],
      clusters: [
        ...capture.clusters,
        adminCluster(intent),
        ...probes.clusters,
        ...page.clusters,
        ...tracingClusters(intent),
      ],
    },
    watchdogs: { main_thread_watchdog: patience, worker_watchdog: patience },
    // Reading this takes memory that Envoy would keep for ever: a MiB goes back every second.
    memory_allocator_manager: { bytes_to_release: 1_048_576 },
    stats_config: { stats_matcher: { inclusion_list: { patterns: statistics } } },
    overload_manager: {
      resource_monitors: [
        extension(
          'envoy.resource_monitors.global_downstream_max_connections',
          'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
          { max_active_downstream_connections: intent.maxConnections },
        ),
      ],
    },
  };
}

/** A proxy with everything in it that many have. */
const usual: ProxyIntent = {
  workload: 'web',
  clusterDomain: 'cluster.local',
  statusPort: ports.status,
  outboundTrafficPolicy: 'ALLOW_ANY',
  opaquePorts: [],
  opaqueInboundPorts: [],
  protocolDetectionTimeoutMs: 500,
  maxConnections: 1_000,
  accessLog: 'stdout',
  metrics: { istio: true, targets: [] },
  service: { name: 'web', revision: 'latest', app: 'web', version: 'latest' },
  tracing: undefined,
  admin: 'port',
  quitHook: false,
  probes: [
    {
      path: '/app-health/app/readyz',
      container: 'app',
      kind: 'readyz',
      action: { type: 'http', scheme: 'HTTP', port: 8080, path: '/' },
      timeoutSeconds: 1,
      periodSeconds: 10,
    },
  ],
  families: ['v4', 'v6'],
  self: unknownPod,
};

const write = bootstrapWriter([bootstrap(usual), bootstrap({ ...usual, metrics: { istio: false, targets: [] } })]);

/** The same as text, for the `--config-yaml` of one pod. */
export function renderBootstrap(intent: ProxyIntent): string {
  return write(bootstrap(intent));
}
