import type { CaptureIntent, PortRange } from './intent.ts';

/** Ranges are expanded, because a node agent reads only single ports. */
function portText(ports: 'all' | readonly PortRange[]): string {
  if (ports === 'all') return '*';
  return ports
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, offset) => first + offset))
    .join(',');
}

function cidrText(cidrs: 'all' | readonly string[]): string {
  return cidrs === 'all' ? '*' : cidrs.join(',');
}

/**
 * Renders the intent as the pod annotations that Istio's CNI plug-in reads (istio.io/istio cni/pkg/plugin), for
 * clusters where an agent on the node replaces the init container. The proxy's user and group have no annotation: the
 * plug-in reads them from the container `istio-proxy`.
 */
export function renderNodeAgentAnnotations(capture: CaptureIntent): Record<string, string> {
  const { inbound, outbound } = capture;
  const optional: [string, string][] = [
    ['traffic.sidecar.istio.io/includeOutboundPorts', portText(outbound.ports)],
    ['traffic.sidecar.istio.io/excludeOutboundIPRanges', cidrText(outbound.excludeCidrs)],
    ['traffic.sidecar.istio.io/excludeInterfaces', capture.excludeInterfaces.join(',')],
    ['istio.io/reroute-virtual-interfaces', capture.rerouteInterfaces.join(',')],
  ];
  return {
    'sidecar.istio.io/interceptionMode': capture.mode,
    'traffic.sidecar.istio.io/includeOutboundIPRanges': cidrText(outbound.cidrs),
    'traffic.sidecar.istio.io/includeInboundPorts': portText(inbound.ports),
    'traffic.sidecar.istio.io/excludeInboundPorts': portText(inbound.excludePorts),
    // Always written: the plug-in's default is port 15020, but the init container's is none.
    'traffic.sidecar.istio.io/excludeOutboundPorts': portText(outbound.excludePorts),
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
