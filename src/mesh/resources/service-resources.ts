import { metadataKeys, peerText, serviceText } from '../../envoy/flows.ts';
import { countsMessages } from '../../envoy/grpc-messages.ts';
import { passEverything, type RequestTarget } from '../../envoy/routes.ts';
import { headlessCluster, meshEndpoint, serviceCluster } from '../../envoy/service-cluster.ts';
import type { JsonObject } from '../../json/json.ts';
import type { EndpointPlan, PortPlan, ServicePlan } from '../plan/service-plan.ts';
import { outboundName } from './names.ts';
import type { Resource } from './resource.ts';

const health = { healthy: 'HEALTHY', unhealthy: 'UNHEALTHY', draining: 'DRAINING' } as const;

/** Metadata of an endpoint: how it is reached, and what metrics say of it. */
function endpointMetadata({ pod, identity }: EndpointPlan): JsonObject {
  return {
    ...(identity === undefined ? {} : { 'envoy.transport_socket_match': meshEndpoint }),
    ...(pod === undefined ? {} : { mesh: { [metadataKeys.peer]: peerText(pod) } }),
  };
}

function lbEndpoint(endpoint: EndpointPlan): JsonObject {
  const metadata = endpointMetadata(endpoint);
  return {
    endpoint: { address: { socket_address: { address: endpoint.address, port_value: endpoint.port } } },
    health_status: health[endpoint.health],
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: { filter_metadata: metadata } }),
  };
}

function endpointsResource(name: string, { endpoints }: PortPlan): Resource {
  return {
    kind: 'endpoints',
    name,
    json: {
      cluster_name: name,
      ...(endpoints.length === 0 ? {} : { endpoints: [{ lb_endpoints: endpoints.map(lbEndpoint) }] }),
    },
  };
}

/** Returns the identities that endpoints of a port may have. */
function identitiesOf({ endpoints }: PortPlan): readonly string[] {
  return [...new Set(endpoints.flatMap(({ identity }) => identity ?? []))].toSorted();
}

function targetOf({ isHeadless, hasAffinity }: ServicePlan): RequestTarget {
  if (isHeadless) return 'outbound';
  return hasAffinity ? 'stickyService' : 'service';
}

/** Returns identities that a cluster accepts, by its name, beside those of its endpoints. */
export type FormerIdentities = (cluster: string, current: readonly string[]) => readonly string[];

/**
 * Returns what every proxy gets for a Service, whatever its settings: clusters, endpoints and routes of each port.
 *
 * @param former identities that endpoints had until recently; a proxy may still have those endpoints when it gets the cluster
 */
export function serviceResources(plan: ServicePlan, former: FormerIdentities = () => []): readonly Resource[] {
  return plan.ports.flatMap((port): readonly Resource[] => {
    const name = outboundName(port, plan.host);
    const current = identitiesOf(port);
    const identities = [...new Set([...current, ...former(name, current)])].toSorted();
    const intent = {
      name,
      host: plan.host,
      port: port.number,
      identities,
      metadata: { [metadataKeys.service]: serviceText(plan.host, plan.name, plan.namespace) },
    };
    const routes: Resource = {
      kind: 'routes',
      name,
      json: { name, ...passEverything(name, targetOf(plan), name, countsMessages.ofMesh) },
    };
    const ofProtocol = port.protocol === 'tcp' ? [] : [routes];
    if (plan.isHeadless) {
      // Pods without mutual TLS are reached like any other address.
      return identities.length === 0 ? [] : [{ kind: 'cluster', name, json: headlessCluster(intent) }, ...ofProtocol];
    }
    return [
      { kind: 'cluster', name, json: serviceCluster(intent, plan.hasAffinity) },
      endpointsResource(name, port),
      ...ofProtocol,
    ];
  });
}
