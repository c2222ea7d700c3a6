import type { JsonObject } from '../json/json.ts';
import { bufferBytes } from './buffers.ts';
import { unlimited } from './clusters.ts';
import { transparentUpstream } from './http.ts';
import { keepAlive } from './keep-alive.ts';
import { clientTls, fromControlPlane, plainText } from './mesh-tls.ts';

/** Key and value in the metadata of endpoints that take mutual TLS. */
export const meshEndpoint: JsonObject = { tlsMode: 'istio' };

/** A cluster whose endpoints come by themselves. */
export interface ServiceClusterIntent {
  /** Name of the cluster and of its endpoints. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** SPIFFE ids that its endpoints may have; none if no endpoint takes mutual TLS. */
  readonly identities: readonly string[];
  /** Application protocol of connections with mutual TLS. */
  readonly alpn: string;
  /** Metadata that metrics read, by key. */
  readonly metadata: JsonObject;
}

/** Returns the cluster of one port of a Service. */
export function serviceCluster({ name, host, port, identities, alpn, metadata }: ServiceClusterIntent): JsonObject {
  const sni = `outbound_.${port}_._.${host}`;
  return {
    name,
    type: 'EDS',
    eds_cluster_config: { eds_config: fromControlPlane },
    connect_timeout: '10s',
    lb_policy: 'LEAST_REQUEST',
    // With the default, half of the endpoints being unready would send requests to all of them.
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    circuit_breakers: unlimited,
    connection_pool_per_downstream_connection: true,
    per_connection_buffer_limit_bytes: bufferBytes,
    upstream_connection_options: { tcp_keepalive: keepAlive },
    metadata: { filter_metadata: { mesh: metadata } },
    ...(identities.length === 0
      ? {}
      : {
          transport_socket_matches: [
            { name: 'mesh', match: meshEndpoint, transport_socket: clientTls(sni, { exact: identities }, [alpn]) },
            { name: 'plain', match: {}, transport_socket: plainText },
          ],
        }),
    typed_extension_protocol_options: transparentUpstream,
  };
}
