import { portsText } from '../capture/rule-text.ts';
import type { CaptureIntent } from '../capture/intent.ts';
import type { Added, Decision } from '../injection/decision.ts';
import { member, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { applicationContainers, isInjectedName } from '../pod/containers.ts';
import { names, ports } from '../pod/conventions.ts';
import { viewPod } from '../pod/view.ts';

/** Connections of one direction, each as a short phrase: those that the proxy gets and those that pass it by. */
export interface Lane {
  /** Port of the proxy to which they are taken. */
  readonly port: number;
  readonly proxy: readonly string[];
  readonly direct: readonly string[];
}

/** Who talks to whom through which port, in an injected pod. */
export interface Traffic {
  /** The pod's own containers, with the ports that they declare. */
  readonly containers: readonly { readonly name: string; readonly ports: readonly string[] }[];
  /** What runs beside them. The first is the proxy. */
  readonly sidecars: readonly string[];
  /** How connections get to the proxy; undefined if nothing is captured. */
  readonly mode: CaptureIntent['mode'] | undefined;
  readonly inbound: Lane;
  readonly outbound: Lane;
  /** Where queries of DNS go; undefined if they are not captured. */
  readonly dns: { readonly port: number; readonly servers: string } | undefined;
  /** Ports of the proxy that answer the kubelet and Prometheus. */
  readonly own: readonly number[];
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${title} ${items.join(', ')}`];
}

function portList(ranges: Parameters<typeof portsText>[0]): string[] {
  return list(
    ranges.length === 1 && ranges[0]?.first === ranges[0]?.last ? 'port' : 'ports',
    ranges.length === 0 ? [] : [portsText(ranges)],
  );
}

function inboundLane({ inbound, inboundPort, excludeInterfaces }: CaptureIntent, own: readonly number[]): Lane {
  const byInterface = list('interface', excludeInterfaces);
  if (inbound.ports === 'all') {
    // What the proxy answers itself is in the picture anyway.
    const excluded = inbound.excludePorts.filter(({ first, last }) => first !== last || !own.includes(first));
    const direct = [...portList(excluded), ...byInterface];
    return { port: inboundPort, proxy: [direct.length === 0 ? 'TCP, every port' : 'TCP, every other port'], direct };
  }
  if (inbound.ports.length === 0) return { port: inboundPort, proxy: [], direct: ['everything'] };
  return { port: inboundPort, proxy: portList(inbound.ports), direct: ['every other port', ...byInterface] };
}

function outboundLane({ outbound, outboundPort, excludeInterfaces }: CaptureIntent): Lane {
  const { cidrs, ports: listed, excludeCidrs, excludePorts, excludeUsers, ownerGroups, excludeOwnerGroups } = outbound;
  const users = excludeUsers.map(({ uid, ports: to }) => `${uid}${to === 'all' ? '' : ` to ${portsText(to)}`}`);
  const excluded = [
    ...portList(excludePorts),
    ...list('to', excludeCidrs),
    ...list('user', users),
    ...list('group', excludeOwnerGroups),
    ...list('interface', excludeInterfaces),
    ...(ownerGroups === 'all' ? [] : [`groups other than ${ownerGroups.join(', ')}`]),
  ];
  if (cidrs === 'all') {
    return {
      port: outboundPort,
      proxy: [excluded.length === 0 ? 'TCP, any address' : 'TCP, any other address'],
      direct: excluded,
    };
  }
  const proxy = [...list('to', cidrs), ...portList(listed)];
  return { port: outboundPort, proxy, direct: [...excluded, proxy.length === 0 ? 'everything' : 'any other address'] };
}

function dnsOf({ dns }: CaptureIntent): Traffic['dns'] {
  if (dns === undefined) return undefined;
  return { port: dns.port, servers: dns.servers === 'all' ? 'any server' : dns.servers.join(', ') };
}

function ownPorts({ effective }: Added): number[] {
  const status = effective?.proxy.statusPort ?? ports.status;
  return [...(status === 0 ? [] : [status]), ports.health, ports.metrics];
}

/** Finds who talks to whom in a pod that gets the proxy. Undefined if it gets none. */
export function findTraffic({ added, capture }: Decision, pod: JsonObject): Traffic | undefined {
  if (added === undefined) return undefined;
  const sidecars = [...added.initContainers, ...added.containers].map(({ name }) => name);
  if (!sidecars.includes(names.proxyContainer)) return undefined;
  const own = ownPorts(added);
  const none = (port: number): Lane => ({ port, proxy: [], direct: ['everything'] });
  return {
    containers: applicationContainers(viewPod(pod))
      .filter(({ list: from }) => from === 'containers')
      .map(({ name, raw }) => ({
        name,
        ports: objectsMember(raw, 'ports').map((port) => {
          const protocol = stringMember(port, 'protocol') ?? 'TCP';
          return `${JSON.stringify(member(port, 'containerPort') ?? null)}${protocol === 'TCP' ? '' : `/${protocol}`}`;
        }),
      })),
    sidecars: [names.proxyContainer, ...sidecars.filter((name) => !isInjectedName(name))],
    mode: capture?.mode,
    inbound: capture === undefined ? none(ports.inbound) : inboundLane(capture, own),
    outbound: capture === undefined ? none(ports.outbound) : outboundLane(capture),
    dns: capture === undefined ? undefined : dnsOf(capture),
    own,
  };
}
