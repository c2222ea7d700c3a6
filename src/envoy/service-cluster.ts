import type { JsonObject } from '../json/json.ts';
import { circuitBreakers, transparentCluster } from './clusters.ts';
import { duration } from './extension.ts';
import { upstreamWith } from './http.ts';
import { keepAlive } from './keep-alive.ts';
import {
  clientTls,
  foreignTls,
  fromControlPlane,
  meshProtocols,
  plainText,
  serverNameOf,
  type ForeignTls,
} from './mesh-tls.ts';

/** Key and value in the metadata of endpoints that take mutual TLS. */
export const meshEndpoint: JsonObject = { tlsMode: 'istio' };

/** How connections of a cluster are protected: mutual TLS with endpoints that take it, none, mutual TLS with all, or TLS of another kind. */
export type ClusterTls =
  | { readonly type: 'automatic' | 'plain' }
  | { readonly type: 'mutual'; readonly sni: string | undefined }
  | ({ readonly type: 'foreign' } & ForeignTls);

/** A cluster of one port of a Service, or of a subset of its endpoints. */
export interface ServiceClusterIntent {
  /** Name of the cluster and of its endpoints. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Names of certificates of the mesh that its endpoints may have; none if no endpoint takes mutual TLS. */
  readonly identities: readonly string[];
  /** Metadata that metrics read, by key. */
  readonly metadata: JsonObject;
  readonly tls: ClusterTls;
  /** Members of the cluster that say how an endpoint is picked; undefined for the one that the client dials. */
  readonly balancer: JsonObject | undefined;
  readonly limits: ClusterLimits;
  /** `envoy.config.cluster.v3.OutlierDetection`, and the share of healthy endpoints below which all get requests. */
  readonly ejection: { readonly detection: JsonObject; readonly panicPercent: number } | undefined;
}

/** Limits of a cluster; undefined means none, or what all clusters have. */
export interface ClusterLimits {
  /** `CircuitBreakers.Thresholds`. */
  readonly thresholds: JsonObject;
  /** Whether a limit counts the connections of all clients together, so that they have to share them. */
  readonly sharesConnections: boolean;
  readonly connectTimeoutMs: number | undefined;
  /** Members of `TcpKeepalive`. */
  readonly tcpKeepalive: JsonObject;
  /** Members of `HttpProtocolOptions` and `Http2ProtocolOptions`. */
  readonly http: JsonObject;
  readonly http2: JsonObject;
  readonly isHttp2: boolean;
}

/** Connections of mutual TLS carry HTTP, unless their listener says otherwise. */
function meshTls({ host, port, identities }: ServiceClusterIntent, sni?: string): JsonObject {
  // A list without names would let everybody in who has a certificate of the mesh.
  const exact = identities.length === 0 ? ['spiffe://nobody'] : identities;
  return clientTls(sni ?? serverNameOf(port, host), { exact }, [meshProtocols.http]);
}

/**
 * Returns how connections are protected. Nothing is known of an endpoint that the client dials: automatically, it gets mutual TLS if any of the Service's
 * endpoints takes it.
 */
function sockets(intent: ServiceClusterIntent): JsonObject {
  const { tls, identities, balancer } = intent;
  switch (tls.type) {
    case 'plain':
      return {};
    case 'foreign':
      return { transport_socket: foreignTls(tls) };
    case 'mutual':
      return { transport_socket: meshTls(intent, tls.sni) };
    case 'automatic':
      if (identities.length === 0) return {};
      if (balancer === undefined) return { transport_socket: meshTls(intent) };
      return {
        transport_socket_matches: [
          { name: 'mesh', match: meshEndpoint, transport_socket: meshTls(intent) },
          { name: 'plain', match: {}, transport_socket: plainText },
        ],
      };
  }
}

/** Returns `UpstreamHttpProtocolOptions` of servers whose name is that of the request. */
function namesOfRequests(tls: ClusterTls): JsonObject | undefined {
  if (tls.type !== 'foreign' || tls.sni !== undefined) return undefined;
  return { auto_sni: true, ...(tls.isUnverified || tls.names !== undefined ? {} : { auto_san_validation: true }) };
}

function limited({ limits, tls }: ServiceClusterIntent): JsonObject {
  const { thresholds, sharesConnections, connectTimeoutMs, tcpKeepalive, http, http2, isHttp2 } = limits;
  return {
    ...transparentCluster,
    circuit_breakers: circuitBreakers(thresholds),
    ...(connectTimeoutMs === undefined ? {} : { connect_timeout: duration(connectTimeoutMs) }),
    ...(sharesConnections ? { connection_pool_per_downstream_connection: false } : {}),
    upstream_connection_options: { tcp_keepalive: { ...keepAlive, ...tcpKeepalive } },
    typed_extension_protocol_options: upstreamWith({ common: http, http2, isHttp2, names: namesOfRequests(tls) }),
  };
}

/** Returns the cluster: its endpoints come by themselves, or are those that clients dial. */
export function serviceCluster(intent: ServiceClusterIntent): JsonObject {
  const { name, metadata, balancer, ejection } = intent;
  const common = { name, ...limited(intent), metadata: { filter_metadata: { mesh: metadata } }, ...sockets(intent) };
  if (balancer === undefined) return { ...common, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' };
  return {
    ...common,
    type: 'EDS',
    eds_cluster_config: { eds_config: fromControlPlane },
    ...balancer,
    common_lb_config: {
      // With the default, half of the endpoints being unready would send requests to all of them.
      healthy_panic_threshold: { value: ejection?.panicPercent ?? 0 },
      // With the default, an ejection within a second after another change of endpoints waits until the second is over.
      ...(ejection === undefined ? {} : { update_merge_window: '0s' }),
    },
    ...(ejection === undefined ? {} : { outlier_detection: ejection.detection }),
  };
}
