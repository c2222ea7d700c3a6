import { hasPort } from '../../grammar/port-range.ts';
import type { Endpoint } from '../world/endpoint-slice.ts';
import type { Pod } from '../world/pod.ts';
import type { Service, ServicePort } from '../world/service.ts';
import type { World } from '../world/world.ts';
import { spiffeId } from './identity.ts';
import { modeOf, permissive, type ModesOf } from './peer-modes.ts';
import { protocolOf, type Protocol } from './protocol.ts';
import { visibilityOf } from './visibility.ts';

/** Family of an address, as Kubernetes writes it. */
export type Family = 'IPv4' | 'IPv6';

/** Where one port of a Service can be reached. */
export interface EndpointPlan {
  readonly address: string;
  readonly port: number;
  /** `unhealthy` and `draining` endpoints get no new requests; a client that is on one keeps it. */
  readonly health: 'healthy' | 'unhealthy' | 'draining';
  /** The pod that has the address; undefined for an address of anything else. */
  readonly pod: Pod | undefined;
  /** Identity that its certificate must have; undefined if it is reached without TLS. */
  readonly identity: string | undefined;
}

/** One port of a Service as clients see it at one of its addresses. */
export interface PortPlan {
  readonly number: number;
  readonly protocol: Exclude<Protocol, 'none'>;
  /** Address of the Service; undefined if it is headless, so that clients call the endpoints themselves. */
  readonly address: string | undefined;
  /** Family of the Service's second address, for a port that is called there. */
  readonly secondFamily: Family | undefined;
  /** Those of the address's family: that an application listens in one family does not say that it does in the other. */
  readonly endpoints: readonly EndpointPlan[];
}

/** What clients of a Service need to know. */
export interface ServicePlan {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  /** Its full name in DNS. */
  readonly host: string;
  readonly isHeadless: boolean;
  /** Whether all connections of one client go to the same endpoint. */
  readonly hasAffinity: boolean;
  readonly ports: readonly PortPlan[];
}

/** Names of a cluster that are not written in its objects. */
export interface Domains {
  /** DNS domain of the cluster. */
  readonly cluster: string;
  /** Trust domain of identities. */
  readonly trust: string;
  /** Namespace whose rules count for all others where these have none. */
  readonly rootNamespace: string;
}

/** Returns the family of an address. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** Whether clients call a port of a pod by mutual TLS: its proxy is there for it, and they have been told to. */
function isCalledByTls(pod: Pod, port: number, calledBy: ModesOf<Pod>): boolean {
  const { plainPorts } = pod;
  return plainPorts !== 'all' && !hasPort(plainPorts, port) && modeOf(calledBy(pod), port) !== 'DISABLE';
}

/** The conditions mean what they mean to kube-proxy: an endpoint that is ready counts even if it terminates. */
function healthOf({ isReady, isServing, isTerminating }: Endpoint): EndpointPlan['health'] {
  if (isReady) return 'healthy';
  return isServing && isTerminating ? 'draining' : 'unhealthy';
}

/** As in kube-proxy, terminating endpoints that still serve are used where there are no others. */
export function withLastResort(endpoints: readonly EndpointPlan[]): readonly EndpointPlan[] {
  if (endpoints.some(({ health }) => health === 'healthy')) return endpoints;
  return endpoints.map((one) => (one.health === 'draining' ? { ...one, health: 'healthy' } : one));
}

/**
 * Returns the pod of an endpoint that names none, as those that people write: the pod of the mesh that has its address. Where several
 * pods have it, or one with the network of its node, nobody knows who answers there.
 */
function podAt(world: World, address: string): Pod | undefined {
  const [only, ...others] = [...(world.podsOfAddress.get(address) ?? [])].flatMap((key) => world.pod.get(key) ?? []);
  return others.length > 0 || only?.plainPorts === 'all' ? undefined : only;
}

/** What a plan is made from. */
interface Surroundings {
  readonly world: World;
  readonly domains: Domains;
  readonly calledBy: ModesOf<Pod>;
}

/** Returns the endpoints of a port, of both families, in an order that does not depend on that of the slices. */
function endpointsOf(
  { world, domains, calledBy }: Surroundings,
  service: Service,
  port: ServicePort,
): readonly EndpointPlan[] {
  const found = new Map<string, EndpointPlan>();
  for (const key of [...(world.slicesOfService.get(service.key) ?? [])].toSorted()) {
    const slice = world.slice.get(key);
    const target = slice?.ports.find(({ name, transport }) => name === port.name && transport === port.transport);
    if (slice === undefined || target?.number === undefined) continue;
    for (const endpoint of slice.endpoints) {
      const named = endpoint.pod === undefined ? podAt(world, endpoint.address) : world.pod.get(endpoint.pod);
      // Without the pod, its address may be anybody's, and nothing would tell them apart.
      if (named === undefined && endpoint.pod !== undefined) continue;
      const plan: EndpointPlan = {
        address: endpoint.address,
        port: target.number,
        health: healthOf(endpoint),
        // Whoever writes slices can name any pod beside any address.
        pod: named?.addresses.includes(endpoint.address) === true ? named : undefined,
        identity:
          named !== undefined && isCalledByTls(named, target.number, calledBy)
            ? spiffeId(domains.trust, named.namespace, named.serviceAccount)
            : undefined,
      };
      const at = `${plan.address} ${plan.port}`;
      // While controllers move an endpoint from one slice to another, it is in both: the one that can be used counts.
      if (found.get(at)?.health !== 'healthy') found.set(at, plan);
    }
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, plan]) => plan);
}

function planPort(around: Surroundings, service: Service, port: ServicePort): readonly PortPlan[] {
  const protocol = protocolOf(port);
  if (protocol === 'none') return [];
  const { number } = port;
  const endpoints = endpointsOf(around, service, port);
  if (service.isHeadless) return [{ number, protocol, address: undefined, secondFamily: undefined, endpoints }];
  return service.addresses.map((address, index) => {
    const family = familyOf(address);
    return {
      number,
      protocol,
      address,
      secondFamily: index === 0 ? undefined : family,
      endpoints: withLastResort(endpoints.filter((one) => familyOf(one.address) === family)),
    };
  });
}

/**
 * Returns what clients of a Service need to know; undefined if its connections are left alone, because it does not exist, is a name
 * of something else, or leads only to endpoints on the client's node, which its node knows.
 *
 * @param calledBy how clients call each pod, as far as its proxy takes mutual TLS; by default, as if nobody had said anything
 */
export function planService(
  world: World,
  key: string,
  domains: Domains,
  calledBy: ModesOf<Pod> = () => permissive,
): ServicePlan | undefined {
  const around = { world, domains, calledBy };
  const service = world.service.get(key);
  if (service === undefined || service.externalName !== undefined || service.isNodeLocal) return undefined;
  if (visibilityOf(service.exportTo) === 'nobody') return undefined;
  return {
    key,
    name: service.name,
    namespace: service.namespace,
    host: `${service.name}.${service.namespace}.svc.${domains.cluster}`,
    isHeadless: service.isHeadless,
    hasAffinity: service.hasAffinity,
    ports: service.ports.flatMap((port) => planPort(around, service, port)),
  };
}
