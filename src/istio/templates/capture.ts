import type { CaptureIntent } from '../../capture/intent.ts';
import { onePort } from '../../grammar/port-range.ts';
import { loopbackSource, ports, transparentProxy } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { singlePorts, singlePortsOrAll } from '../../grammar/single-ports.ts';
import { cidrList, cidrListOrAll, interfaceList, type Grammar } from '../../grammar/grammar.ts';
import type { PortRange } from '../../grammar/port-range.ts';
import { annotationOf, identityOf, interceptionModeOf, statusPortOf, type TemplateData } from './template-data.ts';

/** User and group whose traffic the rules exempt: those that the pod sets for the proxy, else the platform's. */
export interface ExemptIdentity {
  readonly uid: number;
  /** Undefined means the same number as the user, which is istio-iptables' default. */
  readonly gid: number | undefined;
}

function read<T>(grammar: Grammar<T>, text: string): T {
  const parsed = grammar.parse(text);
  // Annotations have been checked before, and values with the settings.
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

/** Port on which Istio's agent answers captured DNS queries. */
const agentDnsPort = 15_053;

/** Returns the ports that bypass the proxy: the proxy's own, the user's, and the agent's unless the user names it. */
function excludedInbound(data: TemplateData, wanted: string): PortRange[] {
  const own = read(singlePorts, wanted);
  const status = Number(statusPortOf(data));
  const named = own.some(({ first }) => first === status);
  return [...[ports.metrics, ports.health].map(onePort), ...own, ...(status === 0 || named ? [] : [onePort(status)])];
}

/** Returns the excluded ports of the user and the agent, as text of the annotation for a node agent. */
export function excludedInboundText(data: TemplateData): string {
  const wanted = annotationOf(data, names.excludeInboundPorts) ?? data.values.global.proxy.excludeInboundPorts;
  return excludedInbound(data, wanted)
    .slice(2)
    .map(({ first }) => first)
    .join(',');
}

/** Returns what is captured of the pod's traffic, or undefined with interception mode NONE. */
export function captureOf(data: TemplateData, exempt?: ExemptIdentity): CaptureIntent | undefined {
  const mode = interceptionModeOf(data);
  if (mode === 'NONE') return undefined;
  const { proxy } = data.values.global;
  const text = (name: string, otherwise: string): string => annotationOf(data, name) ?? otherwise;
  const metadata = data.proxyConfig.proxyMetadata ?? {};
  const uid = exempt?.uid ?? (mode === 'TPROXY' ? 1337 : identityOf(data).uid);
  return {
    mode: mode === 'TPROXY' ? 'TPROXY' : 'REDIRECT',
    tproxy: transparentProxy,
    loading: 'append',
    comment: undefined,
    families: ['v4', 'v6'],
    outboundPort: data.mesh.proxyListenPort,
    inboundPort: data.mesh.proxyInboundListenPort,
    tunnelPort: ports.tunnel,
    loopbackSource,
    loopbackCidr: { v4: '127.0.0.1/32', v6: '::1/128' },
    proxyUids: [String(uid)],
    proxyGids: [String(exempt?.gid ?? uid)],
    inbound: {
      ports: read(singlePortsOrAll, text(names.includeInboundPorts, proxy.includeInboundPorts)),
      excludePorts: excludedInbound(data, text(names.excludeInboundPorts, proxy.excludeInboundPorts)),
    },
    outbound: {
      cidrs: read(cidrListOrAll, text(names.includeOutboundIPRanges, proxy.includeIPRanges)),
      excludeCidrs: read(cidrList, text(names.excludeOutboundIPRanges, proxy.excludeIPRanges)),
      ports: read(singlePorts, text(names.includeOutboundPorts, proxy.includeOutboundPorts)),
      excludePorts: read(singlePorts, text(names.excludeOutboundPorts, proxy.excludeOutboundPorts)),
      excludeUsers: [],
      ownerGroups: 'all',
      excludeOwnerGroups: [],
    },
    excludeInterfaces: read(interfaceList, text(names.excludeInterfaces, '')),
    rerouteInterfaces: read(interfaceList, text(names.rerouteInterfaces, text(names.kubevirtInterfaces, ''))),
    // Variables of the init container switch these on; Istio passes no flags for them.
    dns: metadata['ISTIO_META_DNS_CAPTURE'] === 'true' ? { port: agentDnsPort, servers: 'all' } : undefined,
    dropInvalid: metadata['INVALID_DROP'] === 'true',
  };
}
