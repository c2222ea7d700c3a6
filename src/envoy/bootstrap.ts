import type { JsonObject } from '../json/json.ts';
import { ports } from '../pod/conventions.ts';
import type { ProbeRedirect } from '../pod/probe.ts';
import { bootstrapWriter } from './bootstrap-text.ts';
import { adminCluster, captureClusters } from './clusters.ts';
import { adminAddress, hookListeners } from './hooks.ts';
import type { BootstrapIntent, MetricsIntent, TrafficIntent } from './intent.ts';
import { dynamicResources, type ControlPlane } from './control-plane.ts';
import { captureListeners } from './listeners.ts';
import { metricsPage } from './metrics-page.ts';
import { listenerLimits, overloadManager } from './overload.ts';
import { probeAnswers } from './probes.ts';
import { unknownPod, type Self } from './self.ts';
import { statusListener } from './status-listener.ts';
import { proxyName, tracingClusters } from './tracing.ts';
import { metadataKey, trafficMetadata } from './traffic-metadata.ts';

/** Statistics that Envoy keeps: all of them would stay in memory, so only those with a reader are included. */
function statistics(...more: readonly string[]): readonly JsonObject[] {
  // Answers to tcpSocket and gRPC probes are computed from membership.
  const parts = ['PassthroughCluster.upstream_', 'membership_', 'downstream_cx_active', 'cx_overflow', ...more];
  // An expression for the parts, too, would be shorter, but has more states, which take memory.
  const beginnings = { safe_regex: { regex: '(istio|listener_manager|server|tcp|http.(in|out)bound).*' } };
  return [beginnings, ...parts.map((contains) => ({ contains }))];
}

const statisticsInMesh = statistics();

/** Beside them, gRPC messages of a whole cluster; with a control plane, both sides of them are known, and counted. */
const statisticsAlone = statistics('message_count');

/** Regular expressions of routes may be as long as with Istio; Envoy's own limit is that of `a{96}`. */
const longExpressions: JsonObject = { 're2.max_program_size.error_level': 32_768 };

/** With Envoy's default of 200 ms, the watchdog wakes every thread ten times a second: most of an idle proxy's work. */
const patience: JsonObject = { miss_timeout: '1s' };

function node(intent: BootstrapIntent & { readonly self: Self }, hasControlPlane: boolean): JsonObject {
  const { workload, settings, self } = intent;
  return {
    // Four parts in Istio's format, so that tools which parse the id keep working.
    id: `sidecar~${self.address}~${self.name}.${self.namespace}~${self.namespace}.svc.${settings.proxy.clusterDomain}`,
    cluster: proxyName({ workload, self }),
    metadata: {
      NAMESPACE: self.namespace,
      WORKLOAD_NAME: workload.name,
      ...(hasControlPlane ? { [metadataKey]: trafficMetadata(intent) } : {}),
    },
  };
}

/** Returns the listeners and clusters of captured traffic: what a control plane would send. */
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
 * Returns Envoy's whole configuration for one pod (`envoy.config.bootstrap.v3.Bootstrap`). It must hold no secret,
 * because Envoy prints a configuration that it rejects. Rewritten probes need the status port; without one they are
 * left out.
 *
 * @param self the pod; by default `unknownPod`, because the pod is not known when its bootstrap is written
 * @param control where the listeners and clusters of captured traffic come from; by default they are in the bootstrap
 */
export function bootstrap(wanted: BootstrapIntent, self: Self = unknownPod, control?: ControlPlane): JsonObject {
  const intent = { ...wanted, self };
  const { proxy, capture } = intent.settings;
  const { listeners, clusters } = control === undefined ? captureResources(intent) : { listeners: [], clusters: [] };
  const application = { families: capture.families, self };
  const probes = probeAnswers(proxy.statusPort === 0 ? [] : intent.probes, application, proxy.statusPort);
  const page = metricsPage(intent, control === undefined ? 'alone' : 'inMesh');
  return {
    node: node(intent, control !== undefined),
    admin: { address: adminAddress(proxy.admin) },
    ...(control === undefined ? {} : { dynamic_resources: dynamicResources(control) }),
    static_resources: {
      listeners: [...listeners, statusListener(proxy, capture.families, page, probes), ...hookListeners(proxy)],
      clusters: [...clusters, adminCluster(proxy), ...probes.clusters, ...page.clusters, ...tracingClusters(intent)],
    },
    watchdogs: { main_thread_watchdog: patience, worker_watchdog: patience },
    // Parsing this configuration takes memory that Envoy would never return; this releases one MiB per second.
    memory_allocator_manager: { bytes_to_release: 1_048_576 },
    stats_config: {
      stats_matcher: {
        inclusion_list: { patterns: control === undefined ? statisticsAlone : statisticsInMesh },
      },
    },
    overload_manager: overloadManager(proxy),
    layered_runtime: listenerLimits(proxy, control === undefined ? {} : longExpressions),
  };
}

/**
 * Intent of a proxy with the most common settings, for the objects that most configurations share. A setting that most proxies
 * leave alone is left out: whatever depends on it is then not among the shared objects.
 */
const usual = {
  settings: {
    proxy: {
      outboundTrafficPolicy: 'ALLOW_ANY',
      httpPorts: [{ first: 80, last: 80 }],
      opaquePorts: [],
      protocolDetectionTimeoutMs: 500,
      accessLog: 'stdout',
      metrics: { istio: true, merge: true },
      tracing: undefined,
    },
    capture: { families: ['v4', 'v6'] },
  },
  workload: { name: 'web' },
  httpInboundPorts: [],
  opaqueInboundPorts: [],
  self: unknownPod,
  service: { name: 'web', revision: 'latest', app: 'web', version: 'latest' },
  metricsTargets: [],
} as unknown as TrafficIntent & MetricsIntent;

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
    metricsPage(usual, 'alone'),
    probeAnswers([usualProbe], { families: usual.settings.capture.families, self: unknownPod }, ports.status),
  ),
  { statistics: statisticsAlone },
]);

/** Returns the bootstrap of one pod as text for `--config-yaml`. */
export function renderBootstrap(intent: BootstrapIntent, control?: ControlPlane): string {
  return write(bootstrap(intent, unknownPod, control));
}
