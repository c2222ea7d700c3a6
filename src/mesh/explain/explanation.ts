import { stringMember } from '../../json/json.ts';
import { headersAtRoutes, type Request } from './request.ts';
import { clientResources, type Client } from './client-resources.ts';
import { clusterFacts, type ClusterFacts, type Endpoint } from './cluster-facts.ts';
import type { Destination } from './destination.ts';
import { proxyConfiguration, walkListener, type Connection } from './listener-walk.ts';
import { policyOrigins, readPlace, rulesOfRoutes } from './origins.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { passedOver, type Remark } from './passed-over.ts';
import { walkRoutes, type Compared } from './route-walk.ts';
import { serviceOf } from '../plan/host-name.ts';
import type { Origin } from '../plan/route-plan.ts';
import { planTraffic, type Known } from '../plan/service-traffic.ts';
import type { Service } from '../world/service.ts';

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

/** An endpoint, and the pod that has its address. */
interface ExplainedEndpoint extends Endpoint {
  /** `<namespace>/<name>`. */
  readonly pod: string | undefined;
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

function targetsOf(outcome: Outcome): readonly Pick<ExplainedCluster, 'name' | 'gets' | 'percent'>[] {
  if (outcome.type !== 'forward') return [];
  const as = (gets: ExplainedCluster['gets']) => (one: { readonly cluster: string; readonly percent: number }) => ({
    name: one.cluster,
    gets,
    percent: one.percent,
  });
  return [...outcome.shares.map(as('requests')), ...outcome.mirrors.map(as('copies'))];
}

/** Explains a call of a client with a proxy of the mesh. */
export function explain(known: Known, client: Client, call: Call): Explanation {
  const { world, domains } = known;
  const { view } = client;
  const { destination, port, speaks, request } = call;
  const configuration = proxyConfiguration(clientResources(known, client));
  const { listener, chain, reading } = walkListener(configuration, { address: destination.address, port, speaks });

  const serviceNamed = (name: string): Service | undefined => {
    const place = readPlace(name);
    return place && serviceOf(world, place.host, domains.cluster);
  };

  function explainCluster(target: ReturnType<typeof targetsOf>[number]): ExplainedCluster {
    const { name } = target;
    const [place, service] = [readPlace(name), serviceNamed(name)];
    const facts = clusterFacts(configuration, name);
    const endpoints = facts.endpoints.map((one) => ({
      ...one,
      pod: [...(world.podsOfAddress.get(one.address) ?? [])][0],
    }));
    const origins = place === undefined || service === undefined ? [] : policyOrigins(known, view, service, place);
    return { ...facts, ...target, endpoints, origins };
  }

  function remarksOn(clusters: readonly ExplainedCluster[]): readonly Remark[] {
    const { service } = destination;
    if (service === undefined) return [];
    const others = new Set(clusters.flatMap(({ name }) => serviceNamed(name) ?? []));
    others.delete(service);
    return passedOver(known, view, { service, port }, [...others]);
  }

  const planned = destination.service && planTraffic(known, destination.service.key, view);
  const common = {
    listener: { name: listener, filterChain: chain, reads: reading.type },
    keepsLastRoutes: planned?.heldPorts.has(port) === true,
  };
  if (reading.type === 'bytes') {
    const clusters = [explainCluster({ name: reading.cluster, gets: 'requests', percent: 100 })];
    const nothing = { route: undefined, passedRoutes: [], outcome: undefined };
    return { ...common, ...nothing, clusters, remarks: remarksOn(clusters) };
  }
  const headers = headersAtRoutes(reading.manager, request);
  const { taken, passed } = walkRoutes(reading.routes, headers);
  const place = readPlace(stringMember(reading.routes, 'name') ?? '');
  const rules = rulesOfRoutes(planned?.traffic.routes.get(place?.port ?? port)?.rules ?? []);
  const withOrigin = <T extends Compared>(one: T) => ({ ...one, origin: rules[one.index]?.origin });
  const outcome = outcomeOf(taken?.route, headers);
  const clusters = targetsOf(outcome).map(explainCluster);
  const route = taken && withOrigin({ index: taken.index, name: taken.name, match: taken.match });
  const passedRoutes = passed.map(withOrigin);
  return { ...common, route, passedRoutes, outcome, clusters, remarks: remarksOn(clusters) };
}
