import { captureClusters, clusterNames, inboundCluster } from '../../envoy/clusters.ts';
import { metadataKeys } from '../../envoy/flows.ts';
import { countsMessages } from '../../envoy/grpc-messages.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { captureListeners, plainRoutes } from '../../envoy/listeners.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { Resource } from './resource.ts';

/** Name of the routes of requests that arrive at a pod. */
const inboundRoutes = 'inbound';

function named(kind: Resource['kind'], json: JsonObject): Resource {
  return { kind, name: stringMember(json, 'name') ?? '', json };
}

/**
 * Returns the cluster of the application. It says which Services lead to the pod, which metrics read. Unlike listeners, it can change without
 * the end of connections.
 */
export function applicationCluster(traffic: TrafficIntent, services: Readonly<Record<string, string>>): Resource {
  const mesh = { [metadataKeys.services]: services };
  return named('cluster', { ...inboundCluster(traffic), metadata: { filter_metadata: { mesh } } });
}

/** Returns the listeners of captured connections, their routes, and the clusters for what no Service stands for. */
export function proxyResources(traffic: TrafficIntent, trustDomain: string): readonly Resource[] {
  const { outbound, inbound } = plainRoutes(traffic.settings.proxy, countsMessages.ofMesh);
  const listeners = captureListeners(traffic, { outbound, inbound: { rds: inboundRoutes } }, { trustDomain });
  return [
    ...captureClusters(traffic)
      .filter(({ name }) => name !== clusterNames.inbound)
      .map((json) => named('cluster', json)),
    ...listeners.map((json) => named('listener', json)),
    named('routes', { name: inboundRoutes, ...inbound.inline }),
  ];
}
