import { ports } from '../pod/conventions.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { accessFilters } from './access-filters.ts';
import type { PortRange } from '../grammar/port-range.ts';
import { accessLogs, cutConnectionLogs, tcpLogOptions } from './access-log.ts';
import { listenAddress } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { duration, typed } from './extension.ts';
import { directionOf, filterChainName, isOfMesh, isOfPod, type Flow } from './flows.ts';
import { grpcRoutes, messageFilters } from './grpc-messages.ts';
import { hangUp } from './hang-up.ts';
import { transparentHttp, type Routes } from './http.ts';
import type { TrafficIntent } from './intent.ts';
import { inspectedPorts, isHttp, listenerFilters } from './inspection.ts';
import { bufferBytes } from './buffers.ts';
import { limitFilter } from './limit-filter.ts';
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
    name: 'tcp',
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
  /** What a control plane says of connections that arrive. */
  readonly mesh?: MeshInbound | undefined;
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
    filters: [
      proxy.metrics.istio && !isOfMesh(flow) ? hangUp.shared : hangUp.own,
      ...(isOfService ? ruleFilters : []),
      ...(isOfPod(flow) ? [...accessFilters, limitFilter.json] : []),
      ...(proxy.metrics.istio ? messageFilters(flow) : []),
    ],
    accessLog: accessLogs(proxy, flow, 'http'),
    tracing: tracing(intent),
    tellsPeer: isOfPod(flow),
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

/** What a pod takes. */
export interface Takes {
  readonly plainText: boolean;
  readonly mutualTls: boolean;
}

/** What a control plane says of the connections that arrive at a pod. */
export interface MeshInbound {
  /** Trust domain of clients that come with mutual TLS. */
  readonly trustDomain: string;
  /** What the pod takes on ports of which nothing else is said. */
  readonly takes: Takes;
  /** What it takes on other ports, by their number. */
  readonly ports: ReadonlyMap<number, Takes>;
  /** Network filters that decide on connections without HTTP. */
  readonly access: readonly JsonObject[];
}

/** Matches some connections, on one port or on all of which nothing else is said. */
function onPort(match: JsonObject, port: number | undefined): JsonObject {
  return port === undefined ? match : { ...match, destination_port: port };
}

function chainName(name: string, port: number | undefined): string {
  return port === undefined ? name : `${name}-${port}`;
}

/** Returns the filter chains of mutual TLS: clients of the mesh say by their application protocol what is inside. */
function securedChains(
  intent: TrafficIntent,
  { routes, cluster }: Capturing,
  { trustDomain, access }: MeshInbound,
  port: number | undefined,
): readonly JsonObject[] {
  const chain = (of: keyof typeof meshProtocols, filters: readonly JsonObject[]): JsonObject => ({
    name: chainName(`mtls-${of}`, port),
    filter_chain_match: onPort({ transport_protocol: 'tls', application_protocols: [meshProtocols[of]] }, port),
    transport_socket: serverTls({ prefix: `spiffe://${trustDomain}/` }),
    filters,
  });
  return [
    chain('http', [httpFilter(intent, 'secured', routes)]),
    chain('tcp', [
      ...access,
      tcpFilter(intent, 'secured', cluster, {
        stat_prefix: 'secured',
        // The application is not connected for a client that nobody knows.
        upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
        max_early_data_bytes: bufferBytes,
      }),
    ]),
  ];
}

/** Returns the filters of what is neither HTTP nor mutual TLS. Where it is not taken, connections are closed before a byte of them is read. */
function plainFilters(
  intent: TrafficIntent,
  { flow, cluster }: Capturing,
  takes: Takes,
  access: MeshInbound['access'],
) {
  return takes.plainText
    ? [...access, tcpFilter(intent, flow, cluster)]
    : [
        tcpFilter(intent, flow, clusterNames.blackHole, {
          stat_prefix: 'refused_plain_text',
          access_log: accessLogs(intent.settings.proxy, flow, 'refused'),
        }),
      ];
}

/** Returns the filter chains of connections to one port, or to those of which nothing else is said. */
function chains(intent: TrafficIntent, capturing: Capturing, takes: Takes, port?: number): readonly JsonObject[] {
  const { flow, inspected, routes, mesh } = capturing;
  const http: JsonObject = {
    name: chainName(filterChainName(flow, 'http'), port),
    filter_chain_match: onPort(isHttp, port),
    filters: [httpFilter(intent, flow, routes)],
  };
  return [
    ...(inspected.length > 0 && takes.plainText ? [http] : []),
    ...(mesh !== undefined && takes.mutualTls ? securedChains(intent, capturing, mesh, port) : []),
  ];
}

const everything: Takes = { plainText: true, mutualTls: true };

/**
 * Returns a listener of captured connections. While it has mutual TLS or not, and plain text or not, nothing but its filter chains differs: so those
 * that stay keep their connections.
 */
function capture(intent: TrafficIntent, capturing: Capturing): JsonObject {
  const { flow, name, port, inspected, mesh } = capturing;
  const { proxy, capture: captured } = intent.settings;
  const { takes, ports: others, access } = mesh ?? { takes: everything, ports: new Map<number, Takes>(), access: [] };
  const fallback = filterChainName(flow, 'tcp');
  return {
    name,
    traffic_direction: directionOf(flow).toUpperCase(),
    address: listenAddress(port, captured.families),
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    listener_filters: listenerFilters(inspected, mesh !== undefined),
    ...(inspected.length > 0 || mesh !== undefined ? inspection(proxy) : {}),
    filter_chains: [
      // A connection to the listener's own port would be sent back to it in an endless loop.
      { name: 'loop-guard', filter_chain_match: { destination_port: port }, filters: closed },
      ...chains(intent, capturing, takes),
      // Where chains have a connection's port, no others are looked at.
      ...[...others].flatMap(([one, own]) => [
        ...chains(intent, capturing, own, one),
        {
          name: chainName(fallback, one),
          filter_chain_match: { destination_port: one },
          filters: plainFilters(intent, capturing, own, access),
        },
      ]),
    ],
    default_filter_chain: { name: fallback, filters: plainFilters(intent, capturing, takes, access) },
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
 *
 * @param grpc what routes of gRPC say besides, with Istio's metrics
 */
export function plainRoutes(
  { outboundTrafficPolicy, metrics }: Pick<Proxy, 'outboundTrafficPolicy' | 'metrics'>,
  grpc: JsonObject = grpcRoutes.alone,
): Readonly<Record<Direction, { readonly inline: JsonObject }>> {
  const ofGrpc = metrics.istio ? grpc : undefined;
  const { metadata } = ofGrpc ?? {};
  const outbound =
    outboundTrafficPolicy === 'ALLOW_ANY'
      ? passEverything('allow_any', 'outbound', clusterNames.passthrough, ofGrpc)
      : refuseEverything('block_all', 502, metadata === undefined ? undefined : { metadata });
  return {
    outbound: { inline: outbound },
    inbound: { inline: passEverything('inbound', 'inbound', clusterNames.inbound, ofGrpc) },
  };
}

/** Returns the listener of connections from the pod. With a control plane, those to a Service are handed to the listener of its address. */
export function outboundListener(intent: TrafficIntent, routes: Routes, isOfMesh: boolean): JsonObject {
  const listener = capture(intent, {
    flow: isOfMesh ? 'passthrough' : 'outbound',
    name: 'virtualOutbound',
    port: ports.outbound,
    inspected: inspectedPorts(intent).outbound,
    routes,
    cluster: outboundCluster(intent.settings.proxy),
  });
  return isOfMesh ? { ...listener, use_original_dst: true } : listener;
}

/**
 * Returns the listener of connections to the pod.
 *
 * @param mesh by default, the proxy has no control plane
 */
export function inboundListener(intent: TrafficIntent, routes: Routes, mesh?: MeshInbound): JsonObject {
  return capture(intent, {
    flow: mesh === undefined ? 'inbound' : 'plain',
    name: 'virtualInbound',
    port: ports.inbound,
    inspected: inspectedPorts(intent).inbound,
    routes,
    cluster: clusterNames.inbound,
    mesh,
  });
}

/**
 * Returns the listeners of captured connections of a proxy without a control plane, outbound and inbound. What happens to requests is defined by
 * routes, because routes can change while connections are open.
 */
export function captureListeners(
  intent: TrafficIntent,
  routes: CaptureRoutes = plainRoutes(intent.settings.proxy),
): readonly JsonObject[] {
  return [outboundListener(intent, routes.outbound, false), inboundListener(intent, routes.inbound)];
}
