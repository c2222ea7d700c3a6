import { stringMember } from '../../json/json.ts';
import { headersAtRoutes, type Request } from './request.ts';
import { clientResources, type Client } from './client-resources.ts';
import { clusterFacts, type ClusterFacts, type Endpoint } from './cluster-facts.ts';
import type { Destination } from './destination.ts';
import { proxyConfiguration, walkOutbound, type Connection } from './listener-walk.ts';
import { policyOrigins, readPlace, rulesOfRoutes } from './origins.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { passedOver, type Remark } from './passed-over.ts';
import { walkRoutes, type Compared } from './route-walk.ts';
import { serviceOf } from '../plan/host-name.ts';
import type { Origin } from '../plan/route-plan.ts';
import { planTraffic, type Known } from '../plan/service-traffic.ts';
import type { TrafficIntent } from '../../envoy/intent.ts';
import { hasPort } from '../../grammar/port-range.ts';
import type { Pod } from '../world/pod.ts';
import type { Service } from '../world/service.ts';
import { serverFacts, type ServerFacts } from './server.ts';

/** A call: what a client dials, and what it asks for if it speaks HTTP. */
export interface Call {
  readonly destination: Destination;
  readonly port: number;
  readonly speaks: Connection['speaks'];
  readonly request: Request;
}

/** A route that the request was compared with, and where it comes from; undefined where no object speaks of the Service. */
export interface ComparedRoute extends Compared {
  readonly origin: Origin | undefined;
}

/** An endpoint, the pod that has its address, and what that one makes of the call. */
interface ExplainedEndpoint extends Omit<Endpoint, 'health'> {
  /** Nothing is known of one that the client has picked. */
  readonly health: Endpoint['health'] | 'dialled';
  /** `<namespace>/<name>`. */
  readonly pod: string | undefined;
  /** Undefined if it has no proxy of the mesh, or the port passes by its proxy. */
  readonly server: ServerFacts | undefined;
}

/** A cluster that the call may go to. */
export interface ExplainedCluster extends Omit<ClusterFacts, 'endpoints'> {
  /** Whether it gets a share of the requests, or copies of them. */
  readonly gets: 'requests' | 'copies';
  readonly percent: number;
  readonly endpoints: readonly ExplainedEndpoint[];
  /** Where it is said how the cluster is called. */
  readonly origins: readonly Origin[];
}

/** What a call meets, from the client's proxy to the endpoints. */
export interface Explanation {
  readonly listener: { readonly name: string; readonly filterChain: string; readonly reads: 'http' | 'bytes' };
  /** Undefined if no route matches, or if the connection is not read as HTTP. */
  readonly route: ComparedRoute | undefined;
  /** Routes before it, with the first condition that does not hold. */
  readonly passedRoutes: readonly (ComparedRoute & { readonly because: string })[];
  /** Undefined if the connection is not read as HTTP: its bytes go to the only cluster. */
  readonly outcome: Outcome | undefined;
  readonly clusters: readonly ExplainedCluster[];
  readonly remarks: readonly Remark[];
  /** Ports of the called Service whose last good routes stay, because an object names what does not exist. */
  readonly keepsLastRoutes: boolean;
}

/** A cluster that gets requests, and what its servers get. */
interface Target extends Pick<ExplainedCluster, 'name' | 'gets' | 'percent'> {
  readonly sent: Request;
}

function targetsOf(outcome: Outcome, request: Request): readonly Target[] {
  if (outcome.type !== 'forward') return [];
  const { path, authority, shares, mirrors } = outcome;
  const sent = { ...request, path, authority };
  return [
    ...shares.map(({ cluster, percent, authority: own = authority }): Target => ({
      name: cluster,
      gets: 'requests',
      percent,
      sent: { ...sent, authority: own },
    })),
    ...mirrors.map(({ cluster, percent }): Target => ({ name: cluster, gets: 'copies', percent, sent })),
  ];
}

/**
 * Explains a call of a client with a proxy of the mesh.
 *
 * @param trafficOf what the proxy of a pod says of itself
 */
export function explain(known: Known, client: Client, call: Call, trafficOf: (pod: Pod) => TrafficIntent): Explanation {
  const { world, domains } = known;
  const { view } = client;
  const { destination, port, speaks, request } = call;
  const configuration = proxyConfiguration(clientResources(known, client));
  const { listener, chain, reading } = walkOutbound(configuration, { address: destination.address, port, speaks });

  const serviceNamed = (name: string): Service | undefined => {
    const place = readPlace(name);
    return place && serviceOf(world, place.host, domains.cluster);
  };

  const { self } = client.traffic;
  const sender = {
    namespace: self.namespace,
    serviceAccount: world.pod.get(`${self.namespace}/${self.name}`)?.serviceAccount ?? 'default',
    address: self.address,
  };

  function explainEndpoint(one: Omit<ExplainedEndpoint, 'pod' | 'server'>, sent: Request): ExplainedEndpoint {
    const [key] = world.podsOfAddress.get(one.address) ?? [];
    const pod = key === undefined ? undefined : world.pod.get(key);
    if (pod === undefined || pod.plainPorts === 'all' || hasPort(pod.plainPorts, one.port))
      return { ...one, pod: key, server: undefined };
    const arriving = { ...one, reads: reading.type, speaks, request: sent };
    return { ...one, pod: key, server: serverFacts(known, pod, trafficOf(pod), arriving, sender) };
  }

  function explainCluster({ name, gets, percent, sent }: Target): ExplainedCluster {
    const [place, service] = [readPlace(name), serviceNamed(name)];
    const facts = clusterFacts(configuration, name);
    const dialled = facts.protection && { address: destination.address, port, protection: facts.protection };
    const endpoints = dialled === undefined ? facts.endpoints : [{ ...dialled, health: 'dialled' as const }];
    const origins = place === undefined || service === undefined ? [] : policyOrigins(known, view, service, place);
    return { ...facts, gets, percent, endpoints: endpoints.map((one) => explainEndpoint(one, sent)), origins };
  }

  function remarksOn(clusters: readonly ExplainedCluster[]): readonly Remark[] {
    const { service } = destination;
    if (service === undefined) return [];
    const others = new Set(clusters.flatMap(({ name }) => serviceNamed(name) ?? []));
    others.delete(service);
    const keys = new Set(clusters.flatMap(({ endpoints }) => endpoints.flatMap(({ pod }) => pod ?? [])));
    const pods = [...keys].flatMap((key) => world.pod.get(key) ?? []);
    return passedOver(known, view, { service, port }, [...others], pods);
  }

  const planned = destination.service && planTraffic(known, destination.service.key, view);
  const common = {
    listener: { name: listener, filterChain: stringMember(chain, 'name') ?? '', reads: reading.type },
    keepsLastRoutes: planned?.heldPorts.has(port) === true,
  };
  if (reading.type === 'bytes') {
    const clusters = [explainCluster({ name: reading.cluster, gets: 'requests', percent: 100, sent: request })];
    const nothing = { route: undefined, passedRoutes: [], outcome: undefined };
    return { ...common, ...nothing, clusters, remarks: remarksOn(clusters) };
  }
  if (speaks !== 'http') {
    const outcome = { type: 'answer', status: 400, why: 'no HTTP' } as const;
    return { ...common, route: undefined, passedRoutes: [], outcome, clusters: [], remarks: remarksOn([]) };
  }
  const headers = headersAtRoutes(reading.manager, request);
  const { taken, passed } = walkRoutes(reading.routes, headers);
  const place = readPlace(stringMember(reading.routes, 'name') ?? '');
  const rules = rulesOfRoutes(planned?.traffic.routes.get(place?.port ?? port)?.rules ?? []);
  const withOrigin = <T extends Compared>(one: T) => ({ ...one, origin: rules[one.index]?.origin });
  const outcome = outcomeOf(taken?.route, headers);
  const clusters = targetsOf(outcome, request).map(explainCluster);
  const route = taken && withOrigin({ index: taken.index, name: taken.name, match: taken.match });
  const passedRoutes = passed.map(withOrigin);
  return { ...common, route, passedRoutes, outcome, clusters, remarks: remarksOn(clusters) };
}
