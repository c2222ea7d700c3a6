import type { CaptureIntent, PortRange } from './intent.ts';

/** A node agent reads single ports, so ranges are written out. */
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
 * The intent as the pod annotations that Istio's CNI plug-in reads (istio.io/istio cni/pkg/plugin), for clusters where an
 * agent on the node captures in the place of an init container. The user and group of the proxy have no annotation: the
 * plug-in reads them off the container `istio-proxy`.
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
    // The plug-in's own default is port 15020, the init container's is none; said here, both do the same.
    'traffic.sidecar.istio.io/excludeOutboundPorts': portText(outbound.excludePorts),
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
