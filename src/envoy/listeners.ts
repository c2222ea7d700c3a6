import { ports } from '../pod/conventions.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { PortRange } from '../grammar/port-range.ts';
import { accessLogs, cutConnectionLogs, tcpLogOptions } from './access-log.ts';
import { listenAddress } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { duration, typed } from './extension.ts';
import { directionOf, filterChainName, type Flow } from './flows.ts';
import { countsMessages, messageFilters } from './grpc-messages.ts';
import { transparentHttp, type Routes } from './http.ts';
import type { TrafficIntent } from './intent.ts';
import { inspectedPorts, isHttp, listenerFilters } from './inspection.ts';
import { bufferBytes } from './buffers.ts';
import { keepAlive } from './keep-alive.ts';
import { meshProtocols, serverTls } from './mesh-tls.ts';
import { passEverything, refuseEverything, type Direction } from './routes.ts';
import { ruleFilters } from './rule-filters.ts';
import { tracing } from './tracing.ts';

type Proxy = TrafficIntent['settings']['proxy'];

/** Returns a TCP proxy to a cluster. */
export function tcpProxy(cluster: string, more: JsonObject = {}): JsonObject {
  const type = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
  return {
    name: 'tcp_proxy',
    typed_config: typed(type, { stat_prefix: cluster, cluster, ...more }),
  };
}

const closed: Json = [tcpProxy(clusterNames.blackHole)];

interface Capturing {
  readonly flow: Exclude<Flow, 'service' | 'headless' | 'secured'>;
  readonly name: string;
  readonly port: number;
  /** Ports on which connections are inspected. */
  readonly inspected: readonly PortRange[];
  readonly routes: Routes;
  /** Cluster for connections without HTTP. */
  readonly cluster: string;
  /** Trust domain of clients that come with mutual TLS; undefined if none do. */
  readonly trustDomain?: string | undefined;
}

/** Returns what a listener does about connections that it inspects: how long, and how it reports those that end meanwhile. */
export function inspection(proxy: Proxy): JsonObject {
  const cut = cutConnectionLogs(proxy);
  return {
    listener_filters_timeout: duration(proxy.protocolDetectionTimeoutMs),
    continue_on_listener_filters_timeout: true,
    ...(cut.length === 0 ? {} : { access_log: cut }),
  };
}

/** Returns the filter of connections that are HTTP. */
export function httpFilter(intent: TrafficIntent, flow: Flow, routes: Routes): JsonObject {
  const { proxy } = intent.settings;
  const isOfService = flow === 'service' || flow === 'headless';
  return transparentHttp({
    name: directionOf(flow),
    routes,
    forwardedProto: isOfService ? 'copied' : 'marked',
    filters: [...(isOfService ? ruleFilters : []), ...(proxy.metrics.istio ? messageFilters(flow) : [])],
    accessLog: accessLogs(proxy, flow, 'http'),
    tracing: tracing(intent),
    tellsPeer: flow === 'plain' || flow === 'secured',
  });
}

/** Returns the filter of all other connections. */
export function tcpFilter(
  { settings: { proxy } }: TrafficIntent,
  flow: Flow,
  cluster: string,
  more: JsonObject = {},
): JsonObject {
  const logOptions = tcpLogOptions(proxy, flow);
  return tcpProxy(cluster, {
    // As long as without a proxy; keep-alive detects peers that have vanished.
    idle_timeout: '0s',
    access_log: accessLogs(proxy, flow, 'tcp'),
    ...(logOptions === undefined ? {} : { access_log_options: logOptions }),
    ...more,
  });
}

/** Returns the filter chains of mutual TLS: clients of the mesh say by their application protocol what is inside. */
function securedChains(
  intent: TrafficIntent,
  trustDomain: string,
  routes: Routes,
  cluster: string,
): readonly JsonObject[] {
  const chain = (of: keyof typeof meshProtocols, filter: JsonObject): JsonObject => ({
    name: `mtls-${of}`,
    filter_chain_match: { transport_protocol: 'tls', application_protocols: [meshProtocols[of]] },
    transport_socket: serverTls({ prefix: `spiffe://${trustDomain}/` }),
    filters: [filter],
  });
  return [
    chain('http', httpFilter(intent, 'secured', routes)),
    chain(
      'tcp',
      tcpFilter(intent, 'secured', cluster, {
        stat_prefix: 'secured',
        // The application is not connected for a client that nobody knows.
        upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
        max_early_data_bytes: bufferBytes,
      }),
    ),
  ];
}

function capture(intent: TrafficIntent, capturing: Capturing): JsonObject {
  const { flow, name, port, inspected, routes, cluster, trustDomain } = capturing;
  const { proxy, capture: captured } = intent.settings;
  const takesTls = trustDomain !== undefined;
  const inspects = inspected.length > 0;
  const http: JsonObject = {
    name: filterChainName(flow, 'http'),
    filter_chain_match: isHttp,
    filters: [httpFilter(intent, flow, routes)],
  };
  return {
    name,
    traffic_direction: directionOf(flow).toUpperCase(),
    address: listenAddress(port, captured.families),
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    listener_filters: listenerFilters(inspected, takesTls),
    ...(inspects || takesTls ? inspection(proxy) : {}),
    filter_chains: [
      // A connection to the listener's own port would be sent back to it in an endless loop.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      ...(inspects ? [http] : []),
      ...(takesTls ? securedChains(intent, trustDomain, routes, cluster) : []),
    ],
    default_filter_chain: { name: filterChainName(flow, 'tcp'), filters: [tcpFilter(intent, flow, cluster)] },
  };
}

/** Returns the name of the cluster for destinations that nothing is known about. */
export function outboundCluster({ outboundTrafficPolicy }: Pick<Proxy, 'outboundTrafficPolicy'>): string {
  return outboundTrafficPolicy === 'ALLOW_ANY' ? clusterNames.passthrough : clusterNames.blackHole;
}

/** Source of the routes of captured requests, for each direction. */
export type CaptureRoutes = Readonly<Record<Direction, Routes>>;

/** What a control plane adds to the listeners of captured connections. */
export interface MeshCapture {
  /** Trust domain of clients that come with mutual TLS. */
  readonly trustDomain: string;
}

/**
 * Returns the routes of a proxy that knows no destinations: requests go to their original destination or are refused.
 *
 * @param counts `typed_per_filter_config` of routes that count messages of gRPC
 */
export function plainRoutes(
  { outboundTrafficPolicy, metrics }: Pick<Proxy, 'outboundTrafficPolicy' | 'metrics'>,
  counts: JsonObject = countsMessages.alone,
): Readonly<Record<Direction, { readonly inline: JsonObject }>> {
  const ofGrpc = metrics.istio ? counts : undefined;
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
 *
 * @param mesh by default, the proxy has no control plane
 */
export function captureListeners(
  intent: TrafficIntent,
  routes: CaptureRoutes = plainRoutes(intent.settings.proxy),
  mesh?: MeshCapture,
): readonly JsonObject[] {
  const inspected = inspectedPorts(intent);
  return [
    {
      ...capture(intent, {
        flow: mesh === undefined ? 'outbound' : 'passthrough',
        name: 'virtualOutbound',
        port: ports.outbound,
        inspected: inspected.outbound,
        routes: routes.outbound,
        cluster: outboundCluster(intent.settings.proxy),
      }),
      // Connections to the address of a Service are handed to the listener of that address.
      ...(mesh === undefined ? {} : { use_original_dst: true }),
    },
    capture(intent, {
      flow: mesh === undefined ? 'inbound' : 'plain',
      name: 'virtualInbound',
      port: ports.inbound,
      inspected: inspected.inbound,
      routes: routes.inbound,
      cluster: clusterNames.inbound,
      trustDomain: mesh?.trustDomain,
    }),
  ];
}
