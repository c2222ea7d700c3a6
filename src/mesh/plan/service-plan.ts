import type { Endpoint } from '../world/endpoint-slice.ts';
import type { Pod } from '../world/pod.ts';
import type { Service, ServicePort } from '../world/service.ts';
import type { World } from '../world/world.ts';
import { spiffeId } from './identity.ts';
import { protocolOf, type Protocol } from './protocol.ts';
import { visibilityOf } from './visibility.ts';

/** Where one port of a Service can be reached. */
export interface EndpointPlan {
  readonly address: string;
  readonly port: number;
  /** `unhealthy` and `draining` endpoints get no new requests; a client that is on one keeps it. */
  readonly health: 'healthy' | 'unhealthy' | 'draining';
  /** The pod behind it; undefined for an address of anything else. */
  readonly pod: Pod | undefined;
  /** Identity that its certificate must have; undefined if it is reached without TLS. */
  readonly identity: string | undefined;
}

/** One port of a Service as clients see it. */
export interface PortPlan {
  readonly number: number;
  readonly protocol: Exclude<Protocol, 'none'>;
  readonly endpoints: readonly EndpointPlan[];
}

/** What clients of a Service need to know. */
export interface ServicePlan {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  /** Its full name in DNS. */
  readonly host: string;
  readonly addresses: readonly string[];
  readonly isHeadless: boolean;
  readonly ports: readonly PortPlan[];
}

/** Names of a cluster that are not written in its objects. */
export interface Domains {
  /** DNS domain of the cluster. */
  readonly cluster: string;
  /** Trust domain of identities. */
  readonly trust: string;
}

function healthOf(endpoint: Endpoint, service: Service): EndpointPlan['health'] {
  if (endpoint.isTerminating) return endpoint.isServing ? 'draining' : 'unhealthy';
  return endpoint.isReady || service.includesUnready ? 'healthy' : 'unhealthy';
}

function takesMutualTls({ plainPorts }: Pod, port: number): boolean {
  return plainPorts !== 'all' && !plainPorts.some(({ first, last }) => first <= port && port <= last);
}

function endpointsOf(world: World, service: Service, port: ServicePort, domains: Domains): readonly EndpointPlan[] {
  const found = new Map<string, EndpointPlan>();
  for (const key of [...(world.slicesOfService.get(service.key) ?? [])].toSorted()) {
    const slice = world.slice.get(key);
    const target = slice?.ports.find(({ name, transport }) => name === port.name && transport === port.transport);
    if (slice === undefined || target?.number === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const pod = endpoint.pod === undefined ? undefined : world.pod.get(endpoint.pod);
      const plan: EndpointPlan = {
        address: endpoint.address,
        port: target.number,
        health: healthOf(endpoint, service),
        pod,
        identity:
          pod !== undefined && takesMutualTls(pod, target.number)
            ? spiffeId(domains.trust, pod.namespace, pod.serviceAccount)
            : undefined,
      };
      const at = `${plan.address} ${plan.port}`;
      // While controllers move an endpoint from one slice to another, it is in both: the one that can be used counts.
      if (found.get(at)?.health !== 'healthy') found.set(at, plan);
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, plan]) => plan);
}

/** Returns what clients of a Service need to know; undefined if it does not exist, or is a name of something else. */
export function planService(world: World, key: string, domains: Domains): ServicePlan | undefined {
  const service = world.service.get(key);
  if (service === undefined || service.externalName !== undefined) return undefined;
  if (visibilityOf(service.exportTo) === 'nobody') return undefined;
  return {
    key,
    name: service.name,
    namespace: service.namespace,
    host: `${service.name}.${service.namespace}.svc.${domains.cluster}`,
    addresses: service.addresses,
    isHeadless: service.isHeadless,
    ports: service.ports.flatMap((port) => {
      const protocol = protocolOf(port);
      if (protocol === 'none') return [];
      return [{ number: port.number, protocol, endpoints: endpointsOf(world, service, port, domains) }];
    }),
  };
}
