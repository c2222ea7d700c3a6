import type { JsonObject } from '../json/json.ts';
import { transparentCluster } from './clusters.ts';
import { clientTls, fromControlPlane, meshProtocols, plainText } from './mesh-tls.ts';

/** Key and value in the metadata of endpoints that take mutual TLS. */
export const meshEndpoint: JsonObject = { tlsMode: 'istio' };

/** A cluster of one port of a Service. */
export interface ServiceClusterIntent {
  /** Name of the cluster and of its endpoints. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** SPIFFE ids that its endpoints may have; none if no endpoint takes mutual TLS. */
  readonly identities: readonly string[];
  /** Metadata that metrics read, by key. */
  readonly metadata: JsonObject;
}

/** Connections of mutual TLS carry HTTP, unless their listener says otherwise. */
function tls({ host, port, identities }: ServiceClusterIntent): JsonObject {
  return clientTls(`outbound_.${port}_._.${host}`, { exact: identities }, [meshProtocols.http]);
}

/** Returns what the clusters of a Service have in common. */
function common({ name, metadata }: ServiceClusterIntent): JsonObject {
  return { name, ...transparentCluster, metadata: { filter_metadata: { mesh: metadata } } };
}

/**
 * Returns the cluster of a Service with an address: its endpoints come by themselves, each with or without mutual TLS.
 *
 * @param isSticky whether routes and TCP proxies say by which hash an endpoint is picked
 */
export function serviceCluster(intent: ServiceClusterIntent, isSticky: boolean): JsonObject {
  return {
    ...common(intent),
    type: 'EDS',
    eds_cluster_config: { eds_config: fromControlPlane },
    lb_policy: isSticky ? 'RING_HASH' : 'LEAST_REQUEST',
    // With the default, half of the endpoints being unready would send requests to all of them.
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    ...(intent.identities.length === 0
      ? {}
      : {
          transport_socket_matches: [
            { name: 'mesh', match: meshEndpoint, transport_socket: tls(intent) },
            { name: 'plain', match: {}, transport_socket: plainText },
          ],
        }),
  };
}

/** Returns the cluster of a headless Service, for those of its pods that take mutual TLS: the client picks the pod. */
export function headlessCluster(intent: ServiceClusterIntent): JsonObject {
  return { ...common(intent), type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', transport_socket: tls(intent) };
}
