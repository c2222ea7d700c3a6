import { captureClusters } from '../../envoy/clusters.ts';
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

/** Returns the listeners of captured connections, their routes, and the clusters for what no Service stands for. */
export function proxyResources(traffic: TrafficIntent, trustDomain: string): readonly Resource[] {
  const { outbound, inbound } = plainRoutes(traffic.settings.proxy, countsMessages.ofMesh);
  const listeners = captureListeners(traffic, { outbound, inbound: { rds: inboundRoutes } }, { trustDomain });
  return [
    ...captureClusters(traffic).map((json) => named('cluster', json)),
    ...listeners.map((json) => named('listener', json)),
    named('routes', { name: inboundRoutes, ...inbound.inline }),
  ];
}
