import { ports } from '../pod/conventions.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { accessLogs, tcpLogOptions } from './access-log.ts';
import { listenAddress } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { duration, extension, typed } from './extension.ts';
import { transparentHttp, type Routes } from './http.ts';
import type { ProxyIntent } from './intent.ts';
import { grpcStats } from './metrics.ts';
import { passEverything, refuseEverything, type Direction } from './routes.ts';
import { tracing } from './tracing.ts';

const originalDst = extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst');

const tlsInspector = extension('tls_inspector', 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector');

/** After the TLS one, which tells it to leave TLS connections alone. */
const httpInspector = extension('http_inspector', 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector');

/** On an opaque port nobody waits for the client's first bytes: where the server speaks first they never come. */
function listenerFilters(opaque: JsonObject): readonly JsonObject[] {
  return [originalDst, ...[tlsInspector, httpInspector].map((one) => ({ ...one, filter_disabled: opaque }))];
}

/** Neighbouring ranges as one. */
function joined(ranges: ProxyIntent['opaquePorts']): { first: number; last: number }[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of ranges) {
    const previous = result.at(-1);
    if (previous !== undefined && previous.last + 1 === first) previous.last = last;
    else result.push({ first, last });
  }
  return result;
}

/**
 * `ListenerFilterChainMatchPredicate` of destination ports. Its upper bound is exclusive; an empty range stands for no
 * ports at all, and a list of alternatives must have two at least.
 */
function portPredicate(opaquePorts: ProxyIntent['opaquePorts']): JsonObject {
  const ranges = joined(opaquePorts);
  const rules = (ranges.length === 0 ? [{ first: 0, last: -1 }] : ranges).map(({ first, last }) => ({
    destination_port_range: { start: first, end: last + 1 },
  }));
  const [only, second] = rules;
  return only !== undefined && second === undefined ? only : { or_match: { rules } };
}

/** Filters of both capture listeners; those inbound leave further ports alone, which the pod itself declares. */
function filtersOf({
  opaquePorts,
  opaqueInboundPorts,
}: ProxyIntent): Readonly<Record<Direction, readonly JsonObject[]>> {
  const declared = opaqueInboundPorts
    .filter((port) => !opaquePorts.some(({ first, last }) => first <= port && port <= last))
    .map((port) => ({ first: port, last: port }));
  const shared = portPredicate(opaquePorts);
  const outbound = listenerFilters(shared);
  if (declared.length === 0) return { outbound, inbound: outbound };
  return { outbound, inbound: listenerFilters({ or_match: { rules: [shared, portPredicate(declared)] } }) };
}

function tcpProxy(cluster: string, more: JsonObject = {}): JsonObject {
  const type = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed(type, { stat_prefix: cluster, cluster, ...more }),
  };
}

/** The kernel's own times. */
const keepAlive: JsonObject = {};

const closed: Json = [tcpProxy(clusterNames.blackHole)];

/** Connections that HTTP was recognised in. */
const isHttp: JsonObject = { transport_protocol: 'raw_buffer', application_protocols: ['http/1.0', 'http/1.1', 'h2c'] };

interface Capturing {
  readonly direction: Direction;
  readonly name: string;
  readonly port: number;
  readonly filters: readonly JsonObject[];
  readonly routes: Routes;
  /** Where connections without HTTP go. */
  readonly cluster: string;
}

function capture(intent: ProxyIntent, { direction, name, port, filters, routes, cluster }: Capturing): JsonObject {
  const logOptions = tcpLogOptions(intent);
  return {
    name,
    traffic_direction: direction.toUpperCase(),
    address: listenAddress(port, intent.families),
    tcp_keepalive: keepAlive,
    listener_filters: filters,
    listener_filters_timeout: duration(intent.protocolDetectionTimeoutMs),
    continue_on_listener_filters_timeout: true,
    filter_chains: [
      // Whoever dials the listener's own port would be sent back to it for ever.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      {
        name: 'http',
        filter_chain_match: isHttp,
        filters: [
          transparentHttp({
            name: direction,
            routes,
            filters: intent.metrics.istio ? [grpcStats] : [],
            accessLog: accessLogs(intent, direction, 'http'),
            tracing: tracing(intent),
          }),
        ],
      },
    ],
    default_filter_chain: {
      name: 'tcp',
      filters: [
        tcpProxy(cluster, {
          // As long as without a proxy; who vanishes is noticed by the kernel.
          idle_timeout: '0s',
          access_log: accessLogs(intent, direction, 'tcp'),
          ...(logOptions === undefined ? {} : { access_log_options: logOptions }),
        }),
      ],
    },
  };
}

/** Where connections go that nothing is known about. */
export function outboundCluster({ outboundTrafficPolicy }: Pick<ProxyIntent, 'outboundTrafficPolicy'>): string {
  return outboundTrafficPolicy === 'ALLOW_ANY' ? clusterNames.passthrough : clusterNames.blackHole;
}

const routesOf: Readonly<Record<ProxyIntent['outboundTrafficPolicy'] | 'inbound', JsonObject>> = {
  ALLOW_ANY: passEverything('allow_any', 'outbound', clusterNames.passthrough),
  REGISTRY_ONLY: refuseEverything('block_all', 502),
  inbound: passEverything('inbound', 'inbound', clusterNames.inbound),
};

/** Where the routes of captured requests come from. */
export type CaptureRoutes = Readonly<Record<Direction, Routes>>;

/** Routes of a proxy that knows no destinations: everything goes where it was going, or is refused. */
export function plainRoutes({ outboundTrafficPolicy }: Pick<ProxyIntent, 'outboundTrafficPolicy'>): CaptureRoutes {
  return { outbound: { inline: routesOf[outboundTrafficPolicy] }, inbound: { inline: routesOf.inbound } };
}

/**
 * The listeners that captured connections arrive at: those of the application, and those to it. What becomes of requests
 * stands in routes, which change on open connections.
 */
export function captureListeners(
  intent: ProxyIntent,
  routes: CaptureRoutes = plainRoutes(intent),
): readonly JsonObject[] {
  const filters = filtersOf(intent);
  return [
    capture(intent, {
      direction: 'outbound',
      name: 'virtualOutbound',
      port: ports.outbound,
      filters: filters.outbound,
      routes: routes.outbound,
      cluster: outboundCluster(intent),
    }),
    capture(intent, {
      direction: 'inbound',
      name: 'virtualInbound',
      port: ports.inbound,
      filters: filters.inbound,
      routes: routes.inbound,
      cluster: clusterNames.inbound,
    }),
  ];
}
