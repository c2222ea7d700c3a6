import { ports } from '../pod/conventions.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { accessLogs, tcpLogOptions } from './access-log.ts';
import { listenAddress } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { duration, extension, typed } from './extension.ts';
import { transparentHttp, type Routes } from './http.ts';
import type { TrafficIntent } from './intent.ts';
import { bufferBytes } from './buffers.ts';
import { keepAlive } from './keep-alive.ts';
import { countsMessages, grpcStats } from './metrics.ts';
import { passEverything, refuseEverything, type Direction } from './routes.ts';
import { tracing } from './tracing.ts';

const originalDst = extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst');

const tlsInspector = extension('tls_inspector', 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector');

/** Comes after the TLS inspector, which makes it skip TLS connections. */
const httpInspector = extension('http_inspector', 'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector');

/**
 * Returns the listener filters, of which the inspectors are disabled on opaque ports: they would wait for the client's first
 * bytes, which never come if the server speaks first.
 */
function listenerFilters(opaque: JsonObject): readonly JsonObject[] {
  return [originalDst, ...[tlsInspector, httpInspector].map((one) => ({ ...one, filter_disabled: opaque }))];
}

type Proxy = TrafficIntent['settings']['proxy'];

/** Merges adjacent port ranges. */
function joined(ranges: Proxy['opaquePorts']): { first: number; last: number }[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of ranges) {
    const previous = result.at(-1);
    if (previous !== undefined && previous.last + 1 === first) previous.last = last;
    else result.push({ first, last });
  }
  return result;
}

/**
 * Returns a `ListenerFilterChainMatchPredicate` of destination ports. Its upper bound is exclusive. An empty range
 * stands for no ports at all, and `or_match` needs at least two alternatives.
 */
function portPredicate(opaquePorts: Proxy['opaquePorts']): JsonObject {
  const ranges = joined(opaquePorts);
  const rules = (ranges.length === 0 ? [{ first: 0, last: -1 }] : ranges).map(({ first, last }) => ({
    destination_port_range: { start: first, end: last + 1 },
  }));
  const [only, second] = rules;
  return only !== undefined && second === undefined ? only : { or_match: { rules } };
}

/** Returns the listener filters of both directions. Inbound, they also skip the opaque ports that the pod declares. */
function filtersOf({
  settings,
  opaqueInboundPorts,
}: TrafficIntent): Readonly<Record<Direction, readonly JsonObject[]>> {
  const { opaquePorts } = settings.proxy;
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

const closed: Json = [tcpProxy(clusterNames.blackHole)];

/** Matches connections in which HTTP was detected. */
const isHttp: JsonObject = { transport_protocol: 'raw_buffer', application_protocols: ['http/1.0', 'http/1.1', 'h2c'] };

interface Capturing {
  readonly direction: Direction;
  readonly name: string;
  readonly port: number;
  readonly filters: readonly JsonObject[];
  readonly routes: Routes;
  /** Cluster for connections without HTTP. */
  readonly cluster: string;
}

function capture(intent: TrafficIntent, { direction, name, port, filters, routes, cluster }: Capturing): JsonObject {
  const { proxy, capture: captured } = intent.settings;
  const logOptions = tcpLogOptions(proxy);
  return {
    name,
    traffic_direction: direction.toUpperCase(),
    address: listenAddress(port, captured.families),
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    listener_filters: filters,
    listener_filters_timeout: duration(proxy.protocolDetectionTimeoutMs),
    continue_on_listener_filters_timeout: true,
    filter_chains: [
      // A connection to the listener's own port would be sent back to it in an endless loop.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      {
        name: 'http',
        filter_chain_match: isHttp,
        filters: [
          transparentHttp({
            name: direction,
            routes,
            filters: proxy.metrics.istio ? [grpcStats] : [],
            accessLog: accessLogs(proxy, direction, 'http'),
            tracing: tracing(intent),
          }),
        ],
      },
    ],
    default_filter_chain: {
      name: 'tcp',
      filters: [
        tcpProxy(cluster, {
          // As long as without a proxy; keep-alive detects peers that have vanished.
          idle_timeout: '0s',
          access_log: accessLogs(proxy, direction, 'tcp'),
          ...(logOptions === undefined ? {} : { access_log_options: logOptions }),
        }),
      ],
    },
  };
}

/** Returns the name of the cluster for destinations that nothing is known about. */
export function outboundCluster({ outboundTrafficPolicy }: Pick<Proxy, 'outboundTrafficPolicy'>): string {
  return outboundTrafficPolicy === 'ALLOW_ANY' ? clusterNames.passthrough : clusterNames.blackHole;
}

/** Source of the routes of captured requests, for each direction. */
export type CaptureRoutes = Readonly<Record<Direction, Routes>>;

/**
 * Returns the routes of a proxy that knows no destinations: requests go to their original destination or are refused.
 */
export function plainRoutes({
  outboundTrafficPolicy,
  metrics,
}: Pick<Proxy, 'outboundTrafficPolicy' | 'metrics'>): CaptureRoutes {
  const ofGrpc = metrics.istio ? countsMessages : undefined;
  const outbound =
    outboundTrafficPolicy === 'ALLOW_ANY'
      ? passEverything('allow_any', 'outbound', clusterNames.passthrough, ofGrpc)
      : refuseEverything('block_all', 502);
  return {
    outbound: { inline: outbound },
    inbound: { inline: passEverything('inbound', 'inbound', clusterNames.inbound, ofGrpc) },
  };
}

/**
 * Returns the listeners of captured connections, outbound and inbound. What happens to requests is defined by routes,
 * because routes can change while connections are open.
 */
export function captureListeners(
  intent: TrafficIntent,
  routes: CaptureRoutes = plainRoutes(intent.settings.proxy),
): readonly JsonObject[] {
  const filters = filtersOf(intent);
  return [
    capture(intent, {
      direction: 'outbound',
      name: 'virtualOutbound',
      port: ports.outbound,
      filters: filters.outbound,
      routes: routes.outbound,
      cluster: outboundCluster(intent.settings.proxy),
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
