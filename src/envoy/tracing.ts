import type { JsonObject } from '../json/json.ts';
import { extension, loadAssignment, socketAddress } from './extension.ts';
import { grpcUpstream } from './http.ts';
import type { TrafficIntent } from './intent.ts';

const clusterName = 'tracing';

/** Returns the name of a workload's proxies in Envoy and in traces. */
export function proxyName({ workload, self }: Pick<TrafficIntent, 'workload' | 'self'>): string {
  return `${workload.name}.${self.namespace}`;
}

/**
 * Returns `tracing` of a connection manager: spans over OTLP, context in W3C's `traceparent`. Without it, trace headers
 * pass through untouched, so applications that trace by themselves still do.
 */
export function tracing(intent: TrafficIntent): JsonObject | undefined {
  const { tracing: wanted } = intent.settings.proxy;
  if (wanted === undefined) return undefined;
  return {
    provider: extension('opentelemetry', 'envoy.config.trace.v3.OpenTelemetryConfig', {
      grpc_service: { envoy_grpc: { cluster_name: clusterName } },
      service_name: proxyName(intent),
    }),
    random_sampling: { value: wanted.samplingPercent },
  };
}

/** Returns the cluster of the span collector. */
export function tracingClusters({ settings }: Pick<TrafficIntent, 'settings'>): readonly JsonObject[] {
  const { tracing: collector } = settings.proxy;
  if (collector === undefined) return [];
  return [
    {
      name: clusterName,
      type: 'STRICT_DNS',
      // Otherwise a name that does not resolve would keep every pod from becoming ready.
      wait_for_warm_on_init: false,
      load_assignment: loadAssignment(clusterName, [socketAddress(collector.host, collector.port)]),
      typed_extension_protocol_options: grpcUpstream,
    },
  ];
}
