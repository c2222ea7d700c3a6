import { ports } from '../pod/conventions.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { PortRange } from '../grammar/port-range.ts';
import { accessLogs, cutConnectionLogs, tcpLogOptions } from './access-log.ts';
import { listenAddress } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { duration, typed } from './extension.ts';
import { transparentHttp, type Routes } from './http.ts';
import type { TrafficIntent } from './intent.ts';
import { inspectedPorts, isHttp, listenerFilters } from './inspection.ts';
import { bufferBytes } from './buffers.ts';
import { keepAlive } from './keep-alive.ts';
import { countsMessages, grpcStats } from './metrics.ts';
import { passEverything, refuseEverything, type Direction } from './routes.ts';
import { tracing } from './tracing.ts';

type Proxy = TrafficIntent['settings']['proxy'];

function tcpProxy(cluster: string, more: JsonObject = {}): JsonObject {
  const type = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: typed(type, { stat_prefix: cluster, cluster, ...more }),
  };
}

const closed: Json = [tcpProxy(clusterNames.blackHole)];

interface Capturing {
  readonly direction: Direction;
  readonly name: string;
  readonly port: number;
  /** Ports on which connections are inspected. */
  readonly inspected: readonly PortRange[];
  readonly routes: Routes;
  /** Cluster for connections without HTTP. */
  readonly cluster: string;
}

/** Returns what a listener does about connections that it inspects: how long, and how it reports those that end meanwhile. */
function inspection(proxy: Proxy): JsonObject {
  const cut = cutConnectionLogs(proxy);
  return {
    listener_filters_timeout: duration(proxy.protocolDetectionTimeoutMs),
    continue_on_listener_filters_timeout: true,
    ...(cut.length === 0 ? {} : { access_log: cut }),
  };
}

/** Returns the filter chain of connections in which HTTP was detected. */
function httpChain(intent: TrafficIntent, direction: Direction, routes: Routes): JsonObject {
  const { proxy } = intent.settings;
  const manager = transparentHttp({
    name: direction,
    routes,
    filters: proxy.metrics.istio ? [grpcStats] : [],
    accessLog: accessLogs(proxy, direction, 'http'),
    tracing: tracing(intent),
  });
  return { name: 'http', filter_chain_match: isHttp, filters: [manager] };
}

function capture(intent: TrafficIntent, { direction, name, port, inspected, routes, cluster }: Capturing): JsonObject {
  const { proxy, capture: captured } = intent.settings;
  const logOptions = tcpLogOptions(proxy);
  const inspects = inspected.length > 0;
  return {
    name,
    traffic_direction: direction.toUpperCase(),
    address: listenAddress(port, captured.families),
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    listener_filters: listenerFilters(inspected),
    ...(inspects ? inspection(proxy) : {}),
    filter_chains: [
      // A connection to the listener's own port would be sent back to it in an endless loop.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      ...(inspects ? [httpChain(intent, direction, routes)] : []),
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
  const inspected = inspectedPorts(intent);
  return [
    capture(intent, {
      direction: 'outbound',
      name: 'virtualOutbound',
      port: ports.outbound,
      inspected: inspected.outbound,
      routes: routes.outbound,
      cluster: outboundCluster(intent.settings.proxy),
    }),
    capture(intent, {
      direction: 'inbound',
      name: 'virtualInbound',
      port: ports.inbound,
      inspected: inspected.inbound,
      routes: routes.inbound,
      cluster: clusterNames.inbound,
    }),
  ];
}
