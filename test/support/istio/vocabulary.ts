/** Values of an annotation or label: those that both injectors take, and those that this project may refuse. */
export interface Values {
  readonly good: readonly [string, ...string[]];
  readonly odd?: readonly string[];
}

const ports: Values = {
  good: ['', '80', '80,8443', '15020,1'],
  odd: ['80, 81', 'x', '99999', '*', '8000-8100', ' ', '80,'],
};
const interfaces: Values = { good: ['eth1', 'eth1,net.2'], odd: ['', 'eth1,', '1a', 'averyveryverylongname', 'a b'] };
const quantity: Values = { good: ['100m', '1', '1500m', '64Mi'], odd: ['', 'x', '-1', '1\n', '1 Gi', '0'] };
const number32: Values = { good: ['0', '1', '30'], odd: ['', '-1', '1.5', 'x', '4294967296', '+1'] };
const positive: Values = { good: ['1', '30'], odd: ['0', '', 'x'] };
const labelText: Values = { good: ['w', 'a-b.c_d', 'A1'], odd: [''] };

/** Istio's annotations that injection reads, and what others write beside them. */
export const annotationValues: Readonly<Record<string, Values>> = {
  'sidecar.istio.io/inject': { good: ['true', 'false', 'true'], odd: ['', 'yes'] },
  'sidecar.istio.io/nativeSidecar': { good: ['true', 'false'], odd: ['', 'yes'] },
  'sidecar.istio.io/interceptionMode': { good: ['REDIRECT', 'TPROXY', 'NONE'], odd: ['', 'redirect'] },
  'traffic.sidecar.istio.io/includeOutboundIPRanges': {
    good: ['*', '', '10.0.0.0/8', '10.0.0.0/8,fd00::/8'],
    odd: ['10.0.0.1', '10.0.0.0/8, 1.0.0.0/8', 'x'],
  },
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': { good: ['', '10.0.0.1/32'], odd: ['*', 'x'] },
  'traffic.sidecar.istio.io/includeInboundPorts': { ...ports, good: ['*', '', '80', '80,8443'] },
  'traffic.sidecar.istio.io/excludeInboundPorts': ports,
  'traffic.sidecar.istio.io/includeOutboundPorts': ports,
  'traffic.sidecar.istio.io/excludeOutboundPorts': ports,
  'traffic.sidecar.istio.io/excludeInterfaces': interfaces,
  'traffic.sidecar.istio.io/kubevirtInterfaces': interfaces,
  'istio.io/reroute-virtual-interfaces': interfaces,
  'sidecar.istio.io/proxyImage': {
    good: ['r.example/own:1', `a/b@sha256:${'c3'.repeat(32)}`],
    odd: ['', 'proxyv2', 'a b/c'],
  },
  'sidecar.istio.io/proxyImageType': { good: ['default', 'debug', 'distroless'], odd: ['', 'other'] },
  'sidecar.istio.io/proxyCPU': quantity,
  'sidecar.istio.io/proxyMemory': quantity,
  'sidecar.istio.io/proxyCPULimit': quantity,
  'sidecar.istio.io/proxyMemoryLimit': quantity,
  'sidecar.istio.io/logLevel': { good: ['debug', 'info', 'off'], odd: ['', 'x', 'a b'] },
  'sidecar.istio.io/componentLogLevel': { good: ['misc:error', 'http:debug,rbac:info'], odd: ['', 'x'] },
  'sidecar.istio.io/agentLogLevel': { good: ['default:info', 'all:debug'], odd: ['', 'x y'] },
  'sidecar.istio.io/bootstrapOverride': { good: ['my-bootstrap'], odd: ['', 'A b'] },
  'sidecar.istio.io/capNetBindService': { good: ['true', 'false'], odd: ['', 'yes'] },
  'sidecar.istio.io/userVolume': {
    good: ['{"extra":{"emptyDir":{}}}', '{"z":{"secret":{"secretName":"s"}},"extra":{"emptyDir":{}}}', '{}'],
    odd: ['', '[]', '{"extra":1}', 'x'],
  },
  'sidecar.istio.io/userVolumeMount': {
    good: ['{"istio-data":{"mountPath":"/mine"}}', '{}'],
    odd: ['{"data":{"mountPath":"/mine"}}', '', '[]', '{"extra":{"mountPath":"/extra"}}', 'x'],
  },
  'proxy.istio.io/config': {
    good: [
      'concurrency: 3',
      'holdApplicationUntilProxyStarts: true',
      '{"holdApplicationUntilProxyStarts":false}',
      'interceptionMode: TPROXY',
      'proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true", B: b}',
      'proxyMetadata:\n  ISTIO_META_ENABLE_HBONE: "true"\n',
      'proxyMetadata: {IPTABLES_TRACE_LOGGING: "true"}',
      'proxyMetadata: {ENVOY_SECURE_MERGED_METRICS_PORT: "15091"}',
      'proxyMetadata: {ENVOY_SECURE_MERGED_METRICS_PORT: "0"}',
      'image: {imageType: debug}',
      'tracing: {sampling: 5}',
      'tracing: {zipkin: {address: "z:9411"}}',
      'drainDuration: 45s',
      'drainDuration: 60s\nterminationDrainDuration: 30s',
      'statusPort: 15021',
      'gatewayTopology: {numTrustedProxies: 2}',
      'discoveryAddress: other:15012',
      'runtimeValues: {a: b}',
      'extraStatTags: [a, b]',
      'meshId: m',
      'proxyHeaders: {server: {value: own}}',
      'connectionSettings: {}',
      '',
      '{}',
    ],
    odd: [
      'concurrency: many',
      'drainDuration: 0.5s',
      'drain_duration: 60s',
      'x: 1',
      '[]',
      'a: b: c',
      'concurrency: -1',
    ],
  },
  'status.sidecar.istio.io/port': { good: ['15020', '0', '15999'], odd: ['', 'x', '65536', ' 15020'] },
  'readiness.status.sidecar.istio.io/initialDelaySeconds': number32,
  'readiness.status.sidecar.istio.io/periodSeconds': positive,
  'readiness.status.sidecar.istio.io/failureThreshold': positive,
  'readiness.status.sidecar.istio.io/applicationPorts': { good: ['80'] },
  'apm.datadoghq.com/env': { good: ['{"DD_ENV":"prod"}', '{}'], odd: ['', 'x', '{"A":1}'] },
  'resource.opentelemetry.io/service.namespace': { good: ['ns'], odd: [''] },
  'resource.opentelemetry.io/service.version': { good: ['7'], odd: [''] },
  'resource.opentelemetry.io/service.instance.id': { good: ['id'], odd: [''] },
  'sidecar.istio.io/rewriteAppHTTPProbers': { good: ['true', 'false'], odd: ['', 'maybe', '1', 'T'] },
  'prometheus.istio.io/merge-metrics': { good: ['true', 'false'], odd: ['', 'yes', '1', 't'] },
  'prometheus.io/scrape': { good: ['true', 'false'], odd: ['', 'yes'] },
  'prometheus.io/port': { good: ['8080', '9090'], odd: ['', '15000', '15020', 'x', '0', '+9090', '09090'] },
  'prometheus.io.port': { good: ['8081'] },
  'prometheus-io/path': { good: ['/own'] },
  'prometheus.io/path': { good: ['/stats', '/a?b=c'], odd: [''] },
  'prometheus.istio.io/scrape-targets': {
    good: ['8080', '8080:/a', '8080:/a,9090:/b'],
    odd: ['8080:/a,', '8080:a', '8080:', '15020', 'x', '', '+8080', '08080:/a'],
  },
  'prometheus-istio-io/scrape.targets': { good: ['8080:/c'] },
  'prometheus.istio.io/secure-port': { good: ['15091'], odd: ['', 'x'] },
  'k8s.v1.cni.cncf.io/networks': {
    good: ['a', 'a, b', '[{"name":"a"}]', 'default/istio-cni'],
    odd: ['', '[', '{}', '[]'],
  },
  'kubectl.kubernetes.io/default-container': { good: ['b'], odd: [''] },
  'kubectl.kubernetes.io/default-logs-container': { good: ['b'], odd: [''] },
  'istio.io/rev': { good: ['canary'] },
  'example.com/note': { good: ['x'] },
  'sidecar.istio.io/status': { good: ['x'], odd: ['', '[]', '{}'] },
};

/** Labels that injection reads. */
export const labelValues: Readonly<Record<string, Values>> = {
  'sidecar.istio.io/inject': { good: ['true', 'false', 'true'], odd: ['', 'yes'] },
  app: labelText,
  version: labelText,
  'app.kubernetes.io/name': labelText,
  'app.kubernetes.io/version': labelText,
  'service.istio.io/canonical-name': labelText,
  'service.istio.io/canonical-revision': labelText,
  'service.istio.io/workload-name': labelText,
  'topology.istio.io/network': labelText,
  'networking.istio.io/tunnel': { good: ['http', 'other'], odd: [''] },
  'security.istio.io/tlsMode': { good: ['istio', 'disabled'], odd: ['', 'x'] },
  'istio.io/rev': { good: ['canary'] },
};
