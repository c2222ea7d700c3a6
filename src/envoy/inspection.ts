import type { JsonObject } from '../json/json.ts';
import { hasPort, type PortRange } from '../grammar/port-range.ts';
import { extension } from './extension.ts';
import type { TrafficIntent } from './intent.ts';
import type { Direction } from './routes.ts';

/** Returns the ranges in ascending order, with adjacent and overlapping ones merged. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((left, right) => left.first - right.first)) {
    const previous = result.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else result.push({ first, last });
  }
  return result;
}

/** Returns the ports of `all` that are in none of `without`, in ascending order. */
function difference(all: readonly PortRange[], without: readonly PortRange[]): PortRange[] {
  let left = merged(all);
  for (const hole of without) {
    left = left.flatMap(({ first, last }) =>
      [
        { first, last: Math.min(last, hole.first - 1) },
        { first: Math.max(first, hole.last + 1), last },
      ].filter((part) => part.first <= part.last),
    );
  }
  return merged(left);
}

function single(port: number): PortRange {
  return { first: port, last: port };
}

/** Ports on which connections are inspected for TLS and HTTP, ascending, for each direction. */
export type InspectedPorts = Readonly<Record<Direction, readonly PortRange[]>>;

/**
 * Returns the ports on which connections are inspected: those known for HTTP and, inbound, those that the pod declares, without
 * opaque ports. All others are forwarded as bytes from the start, because an inspection loses data: Envoy drops a connection
 * whose client closes it, or only ends its side, before the inspection and the server's connection are complete.
 */
export function inspectedPorts({ settings, httpInboundPorts, opaqueInboundPorts }: TrafficIntent): InspectedPorts {
  const { httpPorts, opaquePorts } = settings.proxy;
  const outbound = difference(httpPorts, opaquePorts);
  if (httpInboundPorts.length === 0 && opaqueInboundPorts.length === 0) return { outbound, inbound: outbound };
  return {
    outbound,
    inbound: difference(
      [...httpPorts, ...httpInboundPorts.map(single)],
      [...opaquePorts, ...opaqueInboundPorts.map(single)],
    ),
  };
}

/** Whether connections to a port are inspected. */
export function isInspected(intent: TrafficIntent, direction: Direction, port: number): boolean {
  return hasPort(inspectedPorts(intent)[direction], port);
}

/** Returns a `ListenerFilterChainMatchPredicate` of destination ports, at least one. Its upper bound is exclusive. */
function portPredicate(ranges: readonly PortRange[]): JsonObject {
  const rules = ranges.map(({ first, last }) => ({ destination_port_range: { start: first, end: last + 1 } }));
  const [only, second] = rules;
  // `or_match` needs at least two alternatives.
  return only !== undefined && second === undefined ? only : { or_match: { rules } };
}

const originalDst = extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst');

/** Listener filter that sees whether a connection is TLS. */
export const tlsInspector: JsonObject = extension(
  'tls_inspector',
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
);

/** Comes after the TLS inspector, which makes it skip TLS connections. */
const httpInspector = extension('http_inspector', 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector');

/** Listener filters that inspect every connection. */
export const inspectAll: readonly JsonObject[] = [tlsInspector, httpInspector];

/**
 * Returns the listener filters of captured connections: their original destination, and the inspection of those ports.
 *
 * @param takesTls whether connections to all other ports may be mutual TLS of the mesh, too
 */
export function listenerFilters(inspected: readonly PortRange[], takesTls = false): readonly JsonObject[] {
  if (inspected.length === 0) return takesTls ? [originalDst, tlsInspector] : [originalDst];
  const filter_disabled = { not_match: portPredicate(inspected) };
  const http = { ...httpInspector, filter_disabled };
  return [originalDst, takesTls ? tlsInspector : { ...tlsInspector, filter_disabled }, http];
}

/** Matches connections in which no TLS was detected. */
export const isPlain: JsonObject = { transport_protocol: 'raw_buffer' };

/** Matches connections in which HTTP was detected. */
export const isHttp: JsonObject = {
  transport_protocol: 'raw_buffer',
  application_protocols: ['http/1.0', 'http/1.1', 'h2c'],
};
