import { annotationNames as names } from '../../pod/annotation-names.ts';
import { supported, type AnnotationRow } from '../annotation.ts';
import type { PodSettings } from '../effective.ts';
import {
  cidrList,
  cidrListOrAll,
  groupList,
  groupListOrAll,
  interceptionMode,
  interfaceList,
  oneOf,
  portList,
  portListOrAll,
  userList,
} from '../../grammar/grammar.ts';
import { singlePorts, singlePortsOrAll } from '../../grammar/single-ports.ts';

/** How Istio reads lists that standalone mode adds to the settings'. */
const instead = 'in place of the values, not added to them';

function reroute({ capture }: PodSettings, names: readonly string[]): void {
  capture.rerouteInterfaces = [...new Set([...capture.rerouteInterfaces, ...names])];
}

/** Which traffic of the pod is captured. */
export const traffic: readonly AnnotationRow[] = [
  supported({
    name: names.interceptionMode,
    grammar: interceptionMode,
    defaultText: 'setting `capture.interceptionMode` (REDIRECT)',
    doc: 'REDIRECT captures the pod’s TCP traffic by iptables; NONE injects the proxy without capture and without an init container.',
    set: (draft, value) => void (draft.capture.mode = value),
    istiod: { grammar: oneOf('REDIRECT', 'TPROXY', 'NONE'), note: '`TPROXY` too' },
  }),
  supported({
    name: names.includeOutboundIPRanges,
    grammar: cidrListOrAll,
    defaultText: 'setting `capture.includeOutboundIPRanges` (*)',
    doc: 'Destinations whose connections go through the proxy; empty captures nothing outbound by address.',
    set: (draft, value) => void (draft.capture.includeOutboundIPRanges = value),
    istiod: { value: 'includeIPRanges' },
  }),
  supported({
    name: names.excludeOutboundIPRanges,
    grammar: cidrList,
    defaultText: 'setting `capture.excludeOutboundIPRanges` (none)',
    doc: 'Destinations whose connections pass by the proxy, added to the setting’s and to the cloud’s metadata service.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundIPRanges = [...draft.capture.excludeOutboundIPRanges, ...value]),
    istiod: { note: instead, value: 'excludeIPRanges' },
  }),
  supported({
    name: names.includeOutboundPorts,
    grammar: portList,
    defaultText: 'setting `capture.includeOutboundPorts` (none)',
    doc: 'Destination ports that go through the proxy whatever the address.',
    set: (draft, value) => void (draft.capture.includeOutboundPorts = value),
    istiod: { grammar: singlePorts, note: 'single ports', value: 'includeOutboundPorts' },
  }),
  supported({
    name: names.excludeOutboundPorts,
    grammar: portList,
    defaultText: 'setting `capture.excludeOutboundPorts` (none)',
    doc: 'Destination ports that pass by the proxy, added to the setting’s.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundPorts = [...draft.capture.excludeOutboundPorts, ...value]),
    istiod: { grammar: singlePorts, note: `single ports; ${instead}`, value: 'excludeOutboundPorts' },
  }),
  supported({
    name: names.includeInboundPorts,
    grammar: portListOrAll,
    defaultText: 'setting `capture.includeInboundPorts` (*)',
    doc: 'Ports of the pod whose connections go through the proxy; empty captures nothing inbound.',
    set: (draft, value) => void (draft.capture.includeInboundPorts = value),
    istiod: { grammar: singlePortsOrAll, note: 'single ports', value: 'includeInboundPorts' },
  }),
  supported({
    name: names.excludeInboundPorts,
    grammar: portList,
    defaultText: 'setting `capture.excludeInboundPorts` (none)',
    doc: 'Ports of the pod whose connections pass by the proxy, added to the setting’s and to the proxy’s own. Without effect, and with a warning, where includeInboundPorts lists ports: then exactly those are captured.',
    set: (draft, value) => void (draft.capture.excludeInboundPorts = [...draft.capture.excludeInboundPorts, ...value]),
    istiod: { grammar: singlePorts, note: `single ports; ${instead}`, value: 'excludeInboundPorts' },
  }),
  supported({
    name: names.excludeInterfaces,
    grammar: interfaceList,
    defaultText: 'setting `capture.excludeInterfaces` (none)',
    doc: 'Network interfaces whose traffic is never captured, added to the setting’s.',
    set: (draft, value) => void (draft.capture.excludeInterfaces = [...draft.capture.excludeInterfaces, ...value]),
  }),
  supported({
    name: names.rerouteInterfaces,
    grammar: interfaceList,
    defaultText: 'setting `capture.rerouteInterfaces` (none)',
    doc: 'Interfaces of virtual machines in the pod, added to the setting’s: what arrives there is captured as the pod’s outbound traffic.',
    set: reroute,
  }),
  supported({
    name: names.kubevirtInterfaces,
    grammar: interfaceList,
    defaultText: 'setting `capture.rerouteInterfaces` (none)',
    doc: 'The older name of `istio.io/reroute-virtual-interfaces`, with a warning; with both, the interfaces of both count.',
    deprecated: `the annotation ${names.rerouteInterfaces}`,
    set: reroute,
    istiod: { note: 'counts without `istio.io/reroute-virtual-interfaces` only' },
  }),
  supported({
    name: 'sidecar-injector.io/excludeOutboundUsers',
    grammar: userList,
    defaultText: 'setting `capture.excludeOutboundUsers` (none)',
    doc: 'Users whose connections pass by the proxy, all of them or those to the given ports, added to the setting’s.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundUsers = [...draft.capture.excludeOutboundUsers, ...value]),
  }),
  supported({
    name: 'sidecar-injector.io/includeOutboundGroups',
    grammar: groupListOrAll,
    defaultText: 'setting `capture.includeOutboundGroups` (*)',
    doc: 'Groups whose processes’ connections go through the proxy; those of all others pass by.',
    set: (draft, value) => void (draft.capture.includeOutboundGroups = value),
  }),
  supported({
    name: 'sidecar-injector.io/excludeOutboundGroups',
    grammar: groupList,
    defaultText: 'setting `capture.excludeOutboundGroups` (none)',
    doc: 'Groups whose processes’ connections pass by the proxy, added to the setting’s.',
    set: (draft, value) =>
      void (draft.capture.excludeOutboundGroups = [...draft.capture.excludeOutboundGroups, ...value]),
  }),
  supported({
    name: 'sidecar-injector.io/httpPorts',
    grammar: portList,
    defaultText: 'setting `proxy.httpPorts` (80, 443, 8080-8089, 8443, 50051)',
    doc: 'Ports, of the pod and of what it calls, on which HTTP is detected and proxied by request; added to the setting’s and to the container ports whose names or probes say so. Opaque ports stay opaque.',
    set: (draft, value) => void (draft.proxy.httpPorts = [...draft.proxy.httpPorts, ...value]),
  }),
  supported({
    name: 'sidecar-injector.io/opaquePorts',
    grammar: portList,
    defaultText: 'setting `proxy.opaquePorts` (well-known ports of databases, mail, SSH, FTP and Squid)',
    doc: 'Ports, of the pod and of what it calls, whose connections are forwarded as bytes even if they are HTTP ports; added to the setting’s and to the container ports whose names say so.',
    set: (draft, value) => void (draft.proxy.opaquePorts = [...draft.proxy.opaquePorts, ...value]),
  }),
];
