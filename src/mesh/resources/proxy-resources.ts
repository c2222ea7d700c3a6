import { captureClusters, clusterNames, inboundCluster } from '../../envoy/clusters.ts';
import { metadataKeys } from '../../envoy/flows.ts';
import { grpcRoutes } from '../../envoy/grpc-messages.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { inboundListener, outboundListener, plainRoutes, type Takes } from '../../envoy/listeners.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { InboundPlan } from '../plan/inbound-plan.ts';
import type { PeerModes } from '../plan/peer-modes.ts';
import { httpAccess, tcpAccess } from './access.ts';
import { httpLimits } from './limits.ts';
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

/** Returns the listener of connections from a pod, and the clusters for what no Service stands for. */
export function outboundResources(traffic: TrafficIntent): readonly Resource[] {
  const { outbound } = plainRoutes(traffic.settings.proxy, grpcRoutes.ofMesh);
  return [
    ...captureClusters(traffic)
      .filter(({ name }) => name !== clusterNames.inbound)
      .map((json) => named('cluster', json)),
    named('listener', outboundListener(traffic, outbound, true)),
  ];
}

const takes: Readonly<Record<PeerModes['base'], Takes>> = {
  DISABLE: { plainText: true, mutualTls: false },
  PERMISSIVE: { plainText: true, mutualTls: true },
  STRICT: { plainText: false, mutualTls: true },
};

/** Adds to each virtual host what decides on its requests. */
function withFilters(routes: JsonObject, access: JsonObject): JsonObject {
  if (Object.keys(access).length === 0) return routes;
  const hosts = routes['virtual_hosts'] as readonly JsonObject[];
  return { ...routes, virtual_hosts: hosts.map((host) => ({ ...host, typed_per_filter_config: access })) };
}

/** Returns the listener of connections to a pod, and the routes of its requests, which change without the end of connections. */
export function inboundResources(
  traffic: TrafficIntent,
  { modes: { base, ports }, access, limits }: InboundPlan,
  trustDomain: string,
): readonly Resource[] {
  const { inbound } = plainRoutes(traffic.settings.proxy, grpcRoutes.ofMesh);
  const mesh = {
    trustDomain,
    takes: takes[base],
    ports: new Map([...ports].map(([port, mode]) => [port, takes[mode]])),
    access: tcpAccess(access, trustDomain),
  };
  return [
    named('listener', inboundListener(traffic, { rds: inboundRoutes }, mesh)),
    named('routes', {
      name: inboundRoutes,
      ...withFilters(inbound.inline, {
        ...httpAccess(access, trustDomain),
        ...httpLimits(limits),
      }),
    }),
  ];
}
