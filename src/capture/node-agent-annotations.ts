import { annotationNames as names } from '../pod/annotation-names.ts';
import type { CaptureIntent, PortRange } from './intent.ts';
import { cidrText } from './istio-iptables-flags.ts';

/** Ranges are expanded, because a node agent reads only single ports. */
function portText(ports: 'all' | readonly PortRange[]): string {
  if (ports === 'all') return '*';
  const single = ports.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, offset) => first + offset),
  );
  return [...new Set(single)].join(',');
}

/**
 * Renders the intent as the pod annotations that Istio's CNI plug-in reads (istio.io/istio cni/pkg/plugin), for
 * clusters where an agent on the node replaces the init container. The proxy's user and group have no annotation: the
 * plug-in reads them from the container `istio-proxy`.
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
    // Always written: the plug-in's default is port 15020, but the init container's is none.
    [names.excludeOutboundPorts]: portText(outbound.excludePorts),
    ...Object.fromEntries(optional.filter(([, value]) => value !== '')),
  };
}

/** The parts of the intent that these annotations cannot express, in words, so that they are not ignored silently. */
export function beyondNodeAgent(capture: CaptureIntent): string[] {
  return [
    ...(capture.outbound.excludeUsers.length > 0 ? ['users whose traffic passes by'] : []),
    ...(capture.outbound.ownerGroups !== 'all' ? ['groups whose traffic is captured'] : []),
    ...(capture.outbound.excludeOwnerGroups.length > 0 ? ['groups whose traffic passes by'] : []),
    ...(capture.dropInvalid ? ['dropping invalid packets'] : []),
    ...(capture.families.length === 1 ? ['one IP family alone'] : []),
  ];
}
