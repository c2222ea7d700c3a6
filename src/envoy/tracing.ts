import { extension, oneEndpoint } from './extension.ts';
import { compile, type Filling, type Template, userText } from './flow-yaml.ts';
import { grpcUpstream } from './http.ts';
import type { ProxyIntent } from './intent.ts';

/** Spans by OTLP, and W3C's `traceparent` from request to request. */
const member: Template = [
  ',tracing: ',
  ...compile({
    anchor: 'tracing',
    content: {
      provider: extension('opentelemetry', 'envoy.config.trace.v3.OpenTelemetryConfig', {
        grpc_service: { envoy_grpc: { cluster_name: 'tracing' } },
        service_name: { hole: 'proxyName' },
      }),
      random_sampling: { value: { hole: 'sampling' } },
    },
  }),
];

const cluster: Template = [
  ',',
  ...compile({
    name: 'tracing',
    type: 'STRICT_DNS',
    // Otherwise a name that does not resolve keeps every pod from becoming ready.
    wait_for_warm_on_init: false,
    load_assignment: oneEndpoint('tracing', { hole: 'collectorHost' }, { hole: 'collectorPort' }),
    typed_extension_protocol_options: grpcUpstream,
  }),
];

/**
 * Fillings of the holes for tracing. Without it the headers of a trace pass through untouched, so that applications
 * which trace by themselves still do.
 */
export function tracingFilling(tracing: ProxyIntent['tracing']): Filling {
  if (tracing === undefined) return { tracing: '', tracingCluster: '' };
  return {
    tracing: member,
    tracingCluster: cluster,
    sampling: String(tracing.samplingPercent),
    collectorHost: userText(tracing.host),
    collectorPort: String(tracing.port),
  };
}
