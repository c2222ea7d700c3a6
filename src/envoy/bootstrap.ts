import type { JsonObject } from '../json/json.ts';
import { ports } from '../pod/conventions.ts';
import type { ProbeRedirect } from '../pod/probe.ts';
import { bootstrapWriter } from './bootstrap-text.ts';
import { adminCluster, captureClusters } from './clusters.ts';
import { adminAddress, hookListeners } from './hooks.ts';
import type { BootstrapIntent, MetricsIntent, TrafficIntent } from './intent.ts';
import { captureListeners } from './listeners.ts';
import { metricsPage } from './metrics-page.ts';
import { overloadManager } from './overload.ts';
import { probeAnswers } from './probes.ts';
import { unknownPod, type Self } from './self.ts';
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

function node({ workload, settings, self }: BootstrapIntent & { readonly self: Self }): JsonObject {
  return {
    // Four parts in Istio's form, so that tools which take it apart can read it.
    id: `sidecar~${self.address}~${self.name}.${self.namespace}~${self.namespace}.svc.${settings.proxy.clusterDomain}`,
    cluster: proxyName({ workload, self }),
    metadata: { NAMESPACE: self.namespace, WORKLOAD_NAME: workload.name },
  };
}

/** What is captured, and where it goes: what a control plane would send. */
export function captureResources(intent: TrafficIntent): {
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
 *
 * @param self the pod, which is unknown to who writes its bootstrap
 */
export function bootstrap(wanted: BootstrapIntent, self: Self = unknownPod): JsonObject {
  const intent = { ...wanted, self };
  const { proxy, capture } = intent.settings;
  const { listeners, clusters } = captureResources(intent);
  const application = { families: capture.families, self };
  const probes = probeAnswers(proxy.statusPort === 0 ? [] : intent.probes, application);
  const page = metricsPage(intent);
  return {
    node: node(intent),
    admin: { address: adminAddress(proxy.admin) },
    static_resources: {
      listeners: [...listeners, statusListener(proxy, capture.families, page, probes), ...hookListeners(proxy)],
      clusters: [...clusters, adminCluster(proxy), ...probes.clusters, ...page.clusters, ...tracingClusters(intent)],
    },
    watchdogs: { main_thread_watchdog: patience, worker_watchdog: patience },
    // Reading this takes memory that Envoy would keep for ever: a MiB goes back every second.
    memory_allocator_manager: { bytes_to_release: 1_048_576 },
    stats_config: { stats_matcher: { inclusion_list: { patterns: statistics } } },
    overload_manager: overloadManager(proxy),
  };
}

/** A proxy that captures as most do. */
const usual: TrafficIntent & MetricsIntent = {
  settings: {
    proxy: {
      outboundTrafficPolicy: 'ALLOW_ANY',
      opaquePorts: [],
      protocolDetectionTimeoutMs: 500,
      accessLog: 'stdout',
      metrics: { istio: true, merge: true },
      tracing: undefined,
    },
    capture: { families: ['v4', 'v6'] },
  },
  workload: { name: 'web' },
  opaqueInboundPorts: [],
  self: unknownPod,
  service: { name: 'web', revision: 'latest', app: 'web', version: 'latest' },
  metricsTargets: [],
};

const usualProbe: ProbeRedirect = {
  path: '/app-health/app/readyz',
  container: 'app',
  kind: 'readyz',
  action: { type: 'http', scheme: 'HTTP', port: 8080, path: '/' },
  timeoutSeconds: 1,
  periodSeconds: 10,
};

const write = bootstrapWriter([
  ...captureListeners(usual),
  ...captureClusters(usual),
  statusListener(
    { statusPort: ports.status },
    usual.settings.capture.families,
    metricsPage(usual),
    probeAnswers([usualProbe], { families: usual.settings.capture.families, self: unknownPod }),
  ),
  { statistics },
]);

/** The same as text, for the `--config-yaml` of one pod. */
export function renderBootstrap(intent: BootstrapIntent): string {
  return write(bootstrap(intent));
}
