import { transparentProxy } from '../pod/conventions.ts';
import { readCaptureFile, type Read } from '../settings/document.ts';
import type { CaptureFile } from '../settings/schema/capture-file.ts';
import type { CaptureIntent, DnsCapture } from './intent.ts';

/** Port on which Istio's agent answers captured DNS queries. */
const dnsPort = 15053;

/** DNS capture of the file; undefined if it names no server whose queries are captured. */
function dnsOf(file: CaptureFile): DnsCapture | undefined {
  if (!file.redirectDNS) return undefined;
  if (file.captureAllDNS) return { port: dnsPort, servers: 'all' };
  const listed = [...file.dnsServersV4, ...file.dnsServersV6];
  return listed.length === 0 ? undefined : { port: dnsPort, servers: listed };
}

function intentOf(file: CaptureFile): CaptureIntent {
  return {
    mode: file.interceptionMode === 'TPROXY' ? 'TPROXY' : 'REDIRECT',
    tproxy: {
      inboundMark: file.inboundTProxyMark,
      outboundMark: transparentProxy.outboundMark,
      routeTable: file.inboundTProxyRouteTable,
    },
    loading: file.loading,
    comment: undefined,
    families: file.ipv6 ? ['v4', 'v6'] : ['v4'],
    outboundPort: file.proxyPort,
    inboundPort: file.inboundCapturePort,
    tunnelPort: file.inboundTunnelPort,
    loopbackSource: { v4: file.loopbackSourceV4, v6: file.loopbackSourceV6 },
    loopbackCidr: { v4: file.hostIPv4LoopbackCidr, v6: '::1/128' },
    proxyUids: file.proxyUID,
    proxyGids: file.proxyGID ?? file.proxyUID,
    inbound: { ports: file.inboundPortsInclude, excludePorts: file.inboundPortsExclude },
    outbound: {
      cidrs: file.outboundIPRangesInclude,
      excludeCidrs: file.outboundIPRangesExclude,
      ports: file.outboundPortsInclude,
      excludePorts: file.outboundPortsExclude,
      excludeUsers: file.outboundUsersExclude,
      ownerGroups: file.ownerGroupsInclude,
      excludeOwnerGroups: file.ownerGroupsExclude,
    },
    excludeInterfaces: file.excludeInterfaces,
    rerouteInterfaces: file.rerouteVirtualInterfaces,
    dns: dnsOf(file),
    dropInvalid: file.dropInvalid,
  };
}

/**
 * Reads the intent from a parsed capture file, an object with the field names of `istio-iptables`. Returns either the
 * intent or every problem of the file with its field.
 */
export function readCaptureConfiguration(input: unknown): Read<CaptureIntent> {
  const file = readCaptureFile(input);
  return 'problems' in file ? file : { value: intentOf(file.value) };
}
