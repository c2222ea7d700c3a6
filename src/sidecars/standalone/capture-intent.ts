import type { CaptureIntent } from '../../capture/intent.ts';
import { captureComment, loopbackSource, ports, transparentProxy, type ProxyIdentity } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { hasPort, onePort, type PortRange } from '../../grammar/port-range.ts';

/** Removes port 0: it is legal in the annotations but matches no traffic, so no rule is needed. */
function withoutZero(ranges: readonly PortRange[]): PortRange[] {
  return ranges
    .filter((range) => range.last > 0)
    .map((range) => (range.first === 0 ? { first: 1, last: range.last } : range));
}

/** Returns the proxy's own ports that must bypass capture. */
function ownPorts(effective: PodSettings): PortRange[] {
  const { statusPort } = effective.proxy;
  return [ports.metrics, ports.health, ...(statusPort === 0 ? [] : [statusPort])].map(onePort);
}

/**
 * Returns ports of other pods' proxies that connections must not be captured to. A proxy of the mesh hands each outbound connection
 * to a listener of its port, and its own pages for metrics and health are listeners: a scraper would get its own proxy's page for every pod.
 */
function pagesOfOthers(effective: PodSettings): PortRange[] {
  return effective.mesh === undefined ? [] : ownPorts(effective);
}

/**
 * Returns what is captured of the pod's traffic, or undefined with interception mode NONE.
 *
 * @param probePorts ports of probes that are not rewritten; excluded inbound as well
 */
export function captureIntent(
  effective: PodSettings,
  identity: ProxyIdentity,
  probePorts: readonly number[],
): CaptureIntent | undefined {
  const { capture } = effective;
  if (capture.mode === 'NONE') return undefined;
  return {
    mode: 'REDIRECT',
    tproxy: transparentProxy,
    loading: 'replace',
    comment: captureComment,
    families: capture.families,
    outboundPort: ports.outbound,
    inboundPort: ports.inbound,
    tunnelPort: ports.tunnel,
    loopbackSource,
    loopbackCidr: { v4: '127.0.0.1/32', v6: '::1/128' },
    proxyUids: [String(identity.uid)],
    proxyGids: [String(identity.gid)],
    inbound: {
      ports: capture.includeInboundPorts === 'all' ? 'all' : withoutZero(capture.includeInboundPorts),
      excludePorts: [...ownPorts(effective), ...withoutZero(capture.excludeInboundPorts), ...probePorts.map(onePort)],
    },
    outbound: {
      cidrs: capture.includeOutboundIPRanges,
      excludeCidrs: capture.excludeOutboundIPRanges,
      ports: withoutZero(capture.includeOutboundPorts),
      excludePorts: [...withoutZero(capture.excludeOutboundPorts), ...pagesOfOthers(effective)],
      excludeUsers: capture.excludeOutboundUsers.map(({ uid, ports: to }) => ({
        uid,
        ports: to === 'all' ? 'all' : withoutZero(to),
      })),
      ownerGroups: capture.includeOutboundGroups,
      excludeOwnerGroups: capture.excludeOutboundGroups,
    },
    excludeInterfaces: capture.excludeInterfaces,
    rerouteInterfaces: capture.rerouteInterfaces,
    // Nothing in the standalone proxy answers DNS.
    dns: undefined,
    dropInvalid: capture.dropInvalidPackets,
  };
}

/** Returns whether connections to this port of the pod go through the proxy. */
export function capturesInbound(effective: PodSettings, port: number): boolean {
  const { capture } = effective;
  if (capture.mode === 'NONE' || port === ports.tunnel) return false;
  if (capture.includeInboundPorts !== 'all') return hasPort(capture.includeInboundPorts, port);
  return !hasPort(ownPorts(effective), port) && !hasPort(capture.excludeInboundPorts, port);
}

/** Returns the ports between the ranges. */
function between(ranges: readonly PortRange[]): PortRange[] {
  const free: PortRange[] = [];
  let next = 1;
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    if (first > next) free.push({ first: next, last: first - 1 });
    next = Math.max(next, last + 1);
  }
  return next > 65_535 ? free : [...free, { first: next, last: 65_535 }];
}

/**
 * Returns the ports whose connections pass by the proxy. Those that no proxy captures are not among them.
 *
 * @param probePorts ports of probes that are not rewritten
 */
export function bypassedInbound({ capture, proxy }: PodSettings, probePorts: readonly number[]): PortRange[] {
  const { mode, includeInboundPorts: included, excludeInboundPorts: excluded } = capture;
  if (mode === 'NONE') return between([]);
  if (included !== 'all') return between(withoutZero(included));
  const { statusPort } = proxy;
  const own = statusPort === 0 || statusPort === ports.status ? [] : [statusPort];
  return [...withoutZero(excluded), ...[...own, ...probePorts].map(onePort)];
}
