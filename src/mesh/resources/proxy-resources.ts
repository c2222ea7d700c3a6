import { clusterNames, captureClusters } from '../../envoy/clusters.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { captureListeners, plainRoutes } from '../../envoy/listeners.ts';
import { meshProtocols, serverTls } from '../../envoy/mesh-tls.ts';
import { passEverything } from '../../envoy/routes.ts';
import { objectMember, objectsMember, type JsonObject } from '../../json/json.ts';
import type { Resource } from './resource.ts';

/** Name of the routes of requests that arrive at a pod. */
export const inboundRoutes = 'inbound';

/** What a proxy gets for itself. */
export interface ProxyResourcesIntent {
  readonly traffic: TrafficIntent;
  readonly trustDomain: string;
}

function named(listener: JsonObject): Resource {
  return { kind: 'listener', name: String(listener['name']), json: listener };
}

/** Returns the inbound listener with two filter chains more: mutual TLS around HTTP, and around anything else. */
function withMutualTls(listener: JsonObject, trustDomain: string): JsonObject {
  const chains = objectsMember(listener, 'filter_chains');
  const http = chains.find(({ name }) => name === 'http');
  const tcp = objectMember(listener, 'default_filter_chain');
  if (http === undefined || tcp === undefined) throw new Error('the inbound listener has no chains for HTTP and TCP');
  const secured = ({ name, filters }: JsonObject, protocol: string): JsonObject => ({
    name: `mtls-${String(name)}`,
    filter_chain_match: { transport_protocol: 'tls', application_protocols: [protocol] },
    transport_socket: serverTls({ prefix: `spiffe://${trustDomain}/` }),
    ...(filters === undefined ? {} : { filters }),
  });
  return {
    ...listener,
    filter_chains: [...chains, secured(http, meshProtocols.http), secured(tcp, meshProtocols.tcp)],
  };
}

/** Returns the listeners of captured connections, their routes, and the clusters for what no Service stands for. */
export function proxyResources({ traffic, trustDomain }: ProxyResourcesIntent): readonly Resource[] {
  const { outbound } = plainRoutes(traffic.settings.proxy);
  const listeners = captureListeners(traffic, { outbound, inbound: { rds: inboundRoutes } });
  const [first, second] = listeners;
  if (first === undefined || second === undefined) throw new Error('a proxy has an outbound and an inbound listener');
  return [
    ...captureClusters(traffic).map((json): Resource => ({ kind: 'cluster', name: String(json['name']), json })),
    // Connections to the address of a Service are handed to the listener of that address.
    named({ ...first, use_original_dst: true }),
    named(withMutualTls(second, trustDomain)),
    {
      kind: 'routes',
      name: inboundRoutes,
      json: { name: inboundRoutes, ...passEverything(inboundRoutes, 'inbound', clusterNames.inbound) },
    },
  ];
}
