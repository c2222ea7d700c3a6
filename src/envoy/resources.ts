import { accessLogFilling } from './access-log.ts';
import { addressFilling } from './addresses.ts';
import { fixedClusters } from './clusters.ts';
import { duration } from './extension.ts';
import { escapeExpansion, type Filling, quoted, type Tree } from './flow-yaml.ts';
import { adminFilling } from './hooks.ts';
import type { ProxyIntent } from './intent.ts';
import { opaqueFilling, outboundFilling, virtualInbound, virtualOutbound } from './listeners.ts';
import { metricsPageFilling } from './metrics-page.ts';
import { identityFilling } from './metrics-script.ts';
import { grpcFilter } from './metrics.ts';
import { probeFilling } from './probes.ts';
import { statusFilling, statusListener } from './status-listener.ts';
import { tracingFilling } from './tracing.ts';

/** The listeners of a proxy. What becomes of inbound requests stands in routes, which change on open connections. */
export const listeners: readonly Tree[] = [virtualOutbound, virtualInbound, statusListener, { hole: 'hookListener' }];

/** The clusters of a proxy. */
export const clusters: readonly Tree[] = [
  ...fixedClusters,
  { hole: 'probeClusters' },
  { hole: 'metricsClusters' },
  { hole: 'tracingCluster' },
];

/**
 * Fillings of the holes in listeners and clusters for one proxy; with them either list renders by itself, wherever it
 * goes: into a bootstrap, or to a proxy that asks for its resources. Probes need the status port; without one they are
 * left out.
 */
export function resourceFilling(intent: ProxyIntent): Filling {
  const addresses = addressFilling(intent.families);
  return {
    ...addresses,
    ...outboundFilling(intent.outboundTrafficPolicy),
    ...probeFilling(intent.statusPort === undefined ? [] : intent.probes, addresses),
    ...accessLogFilling(intent.accessLog, intent.metrics.istio),
    grpcFilter: intent.metrics.istio ? grpcFilter : '',
    ...identityFilling(intent.workload, intent.service),
    ...metricsPageFilling(intent.metrics.istio, intent.metrics.targets, addresses),
    ...opaqueFilling(intent),
    ...statusFilling(intent.statusPort),
    ...adminFilling(intent),
    ...tracingFilling(intent.tracing),
    detectionTimeout: duration(intent.protocolDetectionTimeoutMs),
    // What Envoy and traces call the proxies of a workload.
    proxyName: quoted(`${escapeExpansion(intent.workload)}.$(POD_NAMESPACE)`),
  };
}
