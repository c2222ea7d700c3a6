import { effective, type AnnotationRow } from './annotation.ts';
import { ports, reservedPorts } from './constants.ts';
import {
  cidrList,
  cidrListOrAll,
  componentLogLevel,
  imageReference,
  integer,
  interceptionMode,
  interfaceList,
  logLevel,
  looseBoolean,
  portList,
  portListOrAll,
  quantity,
  templateList,
  trueOrFalse,
} from './grammar.ts';

const traffic: readonly AnnotationRow[] = [
  effective({
    name: 'sidecar.istio.io/interceptionMode',
    grammar: interceptionMode,
    defaultText: 'setting `capture.interceptionMode` (REDIRECT)',
    doc: 'REDIRECT captures the pod’s TCP traffic by iptables; NONE injects the proxy without capture and without an init container.',
    set: (draft, value) => void (draft.capture.mode = value),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/includeOutboundIPRanges',
    grammar: cidrListOrAll,
    defaultText: 'setting `capture.includeOutboundIPRanges` (*)',
    doc: 'Destinations whose connections go through the proxy; empty captures nothing outbound by address.',
    set: (draft, value) => void (draft.capture.includeOutboundIPRanges = value),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/excludeOutboundIPRanges',
    grammar: cidrList,
    defaultText: 'setting `capture.excludeOutboundIPRanges` (169.254.169.254/32)',
    doc: 'Destinations whose connections pass by the proxy, added to the setting’s.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundIPRanges = [...draft.capture.excludeOutboundIPRanges, ...value]),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/includeOutboundPorts',
    grammar: portList,
    defaultText: 'setting `capture.includeOutboundPorts` (none)',
    doc: 'Destination ports that go through the proxy whatever the address.',
    set: (draft, value) => void (draft.capture.includeOutboundPorts = value),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/excludeOutboundPorts',
    grammar: portList,
    defaultText: 'setting `capture.excludeOutboundPorts` (none)',
    doc: 'Destination ports that pass by the proxy, added to the setting’s.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundPorts = [...draft.capture.excludeOutboundPorts, ...value]),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/includeInboundPorts',
    grammar: portListOrAll,
    defaultText: 'setting `capture.includeInboundPorts` (*)',
    doc: 'Ports of the pod whose connections go through the proxy; empty captures nothing inbound.',
    set: (draft, value) => void (draft.capture.includeInboundPorts = value),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/excludeInboundPorts',
    grammar: portList,
    defaultText: 'setting `capture.excludeInboundPorts` (none)',
    doc: 'Ports of the pod whose connections pass by the proxy, added to the setting’s and to the proxy’s own.',
    set: (draft, value) => void (draft.capture.excludeInboundPorts = [...draft.capture.excludeInboundPorts, ...value]),
  }),
  effective({
    name: 'traffic.sidecar.istio.io/excludeInterfaces',
    grammar: interfaceList,
    defaultText: 'setting `capture.excludeInterfaces` (none)',
    doc: 'Network interfaces whose traffic is never captured.',
    set: (draft, value) => void (draft.capture.excludeInterfaces = value),
  }),
];

const resources: readonly AnnotationRow[] = (
  [
    ['sidecar.istio.io/proxyCPU', 'requests', 'cpu', '100m'],
    ['sidecar.istio.io/proxyMemory', 'requests', 'memory', '128Mi'],
    ['sidecar.istio.io/proxyCPULimit', 'limits', 'cpu', '2'],
    ['sidecar.istio.io/proxyMemoryLimit', 'limits', 'memory', '1Gi'],
  ] as const
).map(([name, list, resource, defaultText]) =>
  effective({
    name,
    grammar: quantity,
    defaultText: `setting \`proxy.resources.${list}.${resource}\` (${defaultText})`,
    doc: `The proxy’s ${resource} ${list === 'requests' ? 'request' : 'limit'}; the other resources keep their values.`,
    set: (draft, value) => void (draft.proxy.resources[list][resource] = value),
  }),
);

const proxy: readonly AnnotationRow[] = [
  effective({
    name: 'inject.istio.io/templates',
    grammar: templateList,
    defaultText: 'setting `injection.defaultTemplates` (sidecar)',
    doc: 'The sidecars to inject, in this order; `sidecar` is the built-in proxy.',
    set: (draft, value) => void (draft.templates = value),
  }),
  effective({
    name: 'sidecar.istio.io/nativeSidecar',
    grammar: trueOrFalse,
    defaultText: 'setting `injection.nativeSidecars` (auto)',
    doc: 'Whether the proxy is a native sidecar (an init container with restartPolicy Always).',
    set: (draft, value) => void (draft.nativeSidecar = value),
  }),
  effective({
    name: 'sidecar.istio.io/proxyImage',
    grammar: imageReference,
    defaultText: 'setting `proxy.image`',
    doc: 'Another image for the proxy; it must match the setting `proxy.allowedImages`.',
    set: (draft, value) => void (draft.proxy.image = value),
  }),
  effective({
    name: 'sidecar.istio.io/logLevel',
    grammar: logLevel,
    defaultText: 'setting `proxy.logLevel` (warning)',
    doc: 'Envoy’s log level.',
    set: (draft, value) => void (draft.proxy.logLevel = value),
  }),
  effective({
    name: 'sidecar.istio.io/componentLogLevel',
    grammar: componentLogLevel,
    defaultText: 'setting `proxy.componentLogLevel` (misc:error)',
    doc: 'Envoy’s log level of single components.',
    set: (draft, value) => void (draft.proxy.componentLogLevel = value),
  }),
  effective({
    name: 'sidecar.istio.io/rewriteAppHTTPProbers',
    grammar: looseBoolean,
    defaultText: 'setting `probes.rewrite` (true)',
    doc: 'Whether the kubelet’s probes of captured ports go to the status port; with false those ports are excluded from capture.',
    set: (draft, value) => void (draft.rewriteProbes = value),
  }),
  effective({
    name: 'status.sidecar.istio.io/port',
    grammar: integer(0, 65_535),
    defaultText: `setting \`proxy.statusPort\` (${ports.status})`,
    doc: 'Port of merged metrics and application probes; 0 means none, the proxy then has no probes of its own either.',
    set(draft, value) {
      if (reservedPorts.has(value)) return `"${value}" is a port of the proxy itself; allowed: any other port`;
      draft.proxy.statusPort = value;
      return undefined;
    },
  }),
  effective({
    name: 'readiness.status.sidecar.istio.io/initialDelaySeconds',
    grammar: integer(0, 86_400),
    defaultText: 'setting `proxy.readiness.initialDelaySeconds` (0)',
    doc: 'Delay of the proxy’s readiness probe in seconds.',
    set: (draft, value) => void (draft.proxy.readiness.initialDelaySeconds = value),
  }),
  effective({
    name: 'readiness.status.sidecar.istio.io/periodSeconds',
    grammar: integer(1, 86_400),
    defaultText: 'setting `proxy.readiness.periodSeconds` (15)',
    doc: 'Period of the proxy’s readiness probe in seconds.',
    set: (draft, value) => void (draft.proxy.readiness.periodSeconds = value),
  }),
  effective({
    name: 'readiness.status.sidecar.istio.io/failureThreshold',
    grammar: integer(1, 10_000),
    defaultText: 'setting `proxy.readiness.failureThreshold` (4)',
    doc: 'Failed readiness probes of the proxy before the pod counts as not ready.',
    set: (draft, value) => void (draft.proxy.readiness.failureThreshold = value),
  }),
];

/** Every annotation that changes what a pod gets, in the order of the documentation. */
export const annotationTable: readonly AnnotationRow[] = [...proxy, ...resources, ...traffic];
