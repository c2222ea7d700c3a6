import { annotationNames as names } from '../pod/annotation-names.ts';
import type { CaptureIntent, PortRange } from './intent.ts';
import { cidrText } from './istio-iptables-flags.ts';

/** A node agent reads single ports, so ranges are written out. */
function portText(ports: 'all' | readonly PortRange[]): string {
  if (ports === 'all') return '*';
  return ports
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, offset) => first + offset))
    .join(',');
}

/**
 * The intent as the pod annotations that Istio's CNI plug-in reads (istio.io/istio cni/pkg/plugin), for clusters where an
 * agent on the node captures in the place of an init container. The user and group of the proxy have no annotation: the
 * plug-in reads them off the container `istio-proxy`.
 */
export function renderNodeAgentAnnotations(capture: CaptureIntent): Record<string, string> {
  const { inbound, outbound } = capture;
  const optional: [string, string][] = [
    [names.includeOutboundPorts, portText(outbound.ports)],
    [names.excludeOutboundIPRanges, cidrText(outbound.excludeCidrs)],
    [names.excludeInterfaces, capture.excludeInterfaces.join(',')],
    [names.rerouteInterfaces, capture.rerouteInterfaces.join(',')],
  ];
  return {
    [names.interceptionMode]: capture.mode,
    [names.includeOutboundIPRanges]: cidrText(outbound.cidrs),
    [names.includeInboundPorts]: portText(inbound.ports),
    [names.excludeInboundPorts]: portText(inbound.excludePorts),
    // The plug-in's own default is port 15020, the init container's is none; said here, both do the same.
    [names.excludeOutboundPorts]: portText(outbound.excludePorts),
    ...Object.fromEntries(optional.filter(([, value]) => value !== '')),
  };
}

/** What of the intent a node agent cannot be told, in words; it would be left out in silence. */
export function beyondNodeAgent(capture: CaptureIntent): string[] {
  return [
    ...(capture.outbound.excludeUsers.length > 0 ? ['users whose traffic passes by'] : []),
    ...(capture.outbound.ownerGroups !== 'all' ? ['groups whose traffic is captured'] : []),
    ...(capture.outbound.excludeOwnerGroups.length > 0 ? ['groups whose traffic passes by'] : []),
    ...(capture.dropInvalid ? ['dropping invalid packets'] : []),
    ...(capture.families.length === 1 ? ['one IP family alone'] : []),
  ];
}
