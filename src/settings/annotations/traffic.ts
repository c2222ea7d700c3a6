import { effective, type AnnotationRow } from '../annotation.ts';
import { cidrList, cidrListOrAll, interceptionMode, interfaceList, portList, portListOrAll } from '../grammar.ts';

/** What of the pod's traffic is captured. */
export const traffic: readonly AnnotationRow[] = [
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
  effective({
    name: 'sidecar-injector.io/opaquePorts',
    grammar: portList,
    defaultText: 'setting `proxy.opaquePorts` (well-known ports of databases, mail, SSH and FTP)',
    doc: 'Ports, of the pod and of what it calls, whose connections are passed on without waiting for the client’s first bytes; added to the setting’s and to the container ports whose names say so.',
    set: (draft, value) => void (draft.proxy.opaquePorts = [...draft.proxy.opaquePorts, ...value]),
  }),
];
