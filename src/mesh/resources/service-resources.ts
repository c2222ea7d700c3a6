import { metadataKeys, peerText, serviceText } from '../../envoy/flows.ts';
import { meshEndpoint, serviceCluster } from '../../envoy/service-cluster.ts';
import type { JsonObject } from '../../json/json.ts';
import { hasLabels } from '../../pod/label-selector.ts';
import type { Backend } from '../plan/route-plan.ts';
import { familyOf, withLastResort, type EndpointPlan, type PortPlan, type ServicePlan } from '../plan/service-plan.ts';
import { hashKeyOf, plainTraffic, type ServiceTraffic, type TrafficPolicy } from '../plan/traffic-policy.ts';
import type { Service } from '../world/service.ts';
import { clusterLimits, clusterTls, loadBalancer, outlierDetection } from './cluster-policy.ts';
import { balancedName, outboundName } from './names.ts';
import type { Resource } from './resource.ts';
import type { Clusters } from './routes/forward-action.ts';
import { plainConfiguration, routeConfiguration } from './routes/route-configuration.ts';

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

/**
 * Returns `LocalityLbEndpoints`: a locality for endpoints that are called by mutual TLS, and one for all others. An endpoint whose metadata alone
 * changes keeps its connections, and new requests would still come by those that its pod is about to refuse; one that moves to another locality gets new ones, and
 * requests under way come to their end.
 */
function localities(endpoints: readonly EndpointPlan[]): readonly JsonObject[] {
  const [secured, plain] = [true, false].map((isSecured) =>
    endpoints.filter(({ identity }) => (identity !== undefined) === isSecured).map(lbEndpoint),
  ) as [JsonObject[], JsonObject[]];
  return [
    ...(secured.length === 0 ? [] : [{ locality: { sub_zone: 'mesh' }, lb_endpoints: secured }]),
    ...(plain.length === 0 ? [] : [{ lb_endpoints: plain }]),
  ];
}

function endpointsResource(name: string, endpoints: readonly EndpointPlan[]): Resource {
  return {
    kind: 'endpoints',
    name,
    json: {
      cluster_name: name,
      ...(endpoints.length === 0 ? {} : { endpoints: localities(endpoints) }),
    },
  };
}

/** Returns identities that a cluster accepts, by its name, beside those of its endpoints. */
export type FormerIdentities = (cluster: string, current: readonly string[]) => readonly string[];

/** What decides on how requests reach a Service. */
export type ServiceShape = Pick<Service, 'addresses' | 'isHeadless' | 'hasAffinity'>;

/** What `serviceResources` knows beside the Service itself. */
export interface Surroundings {
  /** Returns identities that endpoints had until recently; a proxy may still have those endpoints when it gets the cluster. */
  readonly former?: FormerIdentities;
  /** Returns another Service, to which routes lead. */
  readonly serviceAt?: (key: string) => ServiceShape | undefined;
}

/** Returns where requests can be sent that come to a port of a Service. */
function clustersFor(plan: ServicePlan, port: PortPlan, serviceAt: Surroundings['serviceAt']): Clusters {
  const isSelf = ({ service }: Backend): boolean => service === plan.key;
  const shapeOf = (backend: Backend): Pick<ServiceShape, 'isHeadless' | 'hasAffinity'> | undefined =>
    isSelf(backend) ? plan : serviceAt?.(backend.service);
  const isDialled = (backend: Backend): boolean =>
    isSelf(backend) && plan.isHeadless && backend.port === port.number && backend.subset === undefined;
  /** The family of a called second address counts where the backend has one of it, too. */
  const familyAt = (backend: Backend): PortPlan['secondFamily'] => {
    if (isSelf(backend)) return port.secondFamily;
    const second = serviceAt?.(backend.service)?.addresses[1];
    return second !== undefined && familyOf(second) === port.secondFamily ? port.secondFamily : undefined;
  };
  return {
    nameOf(backend) {
      const { port: number, host, subset } = backend;
      if (isDialled(backend)) return outboundName(port, host);
      if (shapeOf(backend)?.isHeadless === true && subset === undefined) return balancedName(number, host);
      return outboundName({ number, secondFamily: familyAt(backend), subset }, host);
    },
    isDialled,
    hasAffinity: (backend) => shapeOf(backend)?.hasAffinity === true && !isDialled(backend),
  };
}

/** Endpoints that one cluster has, and how they are called. */
interface Group {
  readonly name: string;
  readonly endpoints: readonly EndpointPlan[];
  readonly policy: TrafficPolicy;
  /** Whether the client picks an endpoint by dialling it. */
  readonly isDialled: boolean;
}

/** Returns the identities that endpoints of a group may have. */
function identitiesOf({ name, endpoints }: Group, former: FormerIdentities): readonly string[] {
  const current = [...new Set(endpoints.flatMap(({ identity }) => identity ?? []))].toSorted();
  return [...new Set([...current, ...former(name, current)])].toSorted();
}

function leavesItToClient({ loadBalancer: balancer }: TrafficPolicy): boolean {
  return balancer?.type === 'dialled';
}

function groupsOf(plan: ServicePlan, port: PortPlan, traffic: ServiceTraffic): readonly Group[] {
  const { number, endpoints } = port;
  const { routes, subsets, policies, isDestination = routes.size > 0 } = traffic;
  const policy = policies.get(number) ?? {};
  const all = { endpoints, policy };
  return [
    { ...all, name: outboundName(port, plan.host), isDialled: plan.isHeadless || leavesItToClient(policy) },
    ...(plan.isHeadless && isDestination
      ? [{ ...all, name: balancedName(number, plan.host), endpoints: withLastResort(endpoints), isDialled: false }]
      : []),
    ...subsets.map(({ name, labels, policies: own }): Group => {
      const ofSubset = own.get(number) ?? {};
      return {
        name: outboundName({ ...port, subset: name }, plan.host),
        endpoints: withLastResort(endpoints.filter(({ pod }) => hasLabels(pod?.labels, labels))),
        policy: ofSubset,
        isDialled: leavesItToClient(ofSubset),
      };
    }),
  ];
}

function groupResources(
  plan: ServicePlan,
  port: PortPlan,
  group: Group,
  former: FormerIdentities,
): readonly Resource[] {
  const { name, endpoints, policy, isDialled } = group;
  const { ejection, transport } = policy;
  const ofMesh = identitiesOf(group, former);
  // Pods of a headless Service without mutual TLS are reached like any other address.
  if (plan.isHeadless && ofMesh.length === 0 && name === outboundName(port, plan.host)) return [];
  const panicPercent = ejection?.panicPercent ?? 0;
  const cluster = serviceCluster({
    name,
    host: plan.host,
    port: port.number,
    identities: transport?.type === 'mutual' ? (transport.names ?? ofMesh) : ofMesh,
    metadata: { [metadataKeys.service]: serviceText(plan.host, plan.name, plan.namespace) },
    tls: clusterTls(transport),
    balancer: isDialled ? undefined : loadBalancer(policy.loadBalancer, plan.hasAffinity),
    limits: clusterLimits(policy),
    ejection: ejection === undefined ? undefined : { detection: outlierDetection(ejection), panicPercent },
  });
  if (isDialled) return [{ kind: 'cluster', name, json: cluster }];
  // In a panic Envoy would call those, too, that are not ready.
  const callable = panicPercent > 0 ? endpoints.filter((one) => one.health === 'healthy') : endpoints;
  return [{ kind: 'cluster', name, json: cluster }, endpointsResource(name, callable)];
}

/** Returns what proxies get for a Service, whatever their settings: clusters, endpoints and routes of each port. */
export function serviceResources(
  plan: ServicePlan,
  traffic: ServiceTraffic = plainTraffic,
  { former = () => [], serviceAt }: Surroundings = {},
): readonly Resource[] {
  return plan.ports.flatMap((port): readonly Resource[] => {
    const name = outboundName(port, plan.host);
    const clusters = groupsOf(plan, port, traffic).flatMap((group) => groupResources(plan, port, group, former));
    if (port.protocol === 'tcp' || !clusters.some((one) => one.name === name)) return clusters;
    const self = { service: plan.key, host: plan.host, port: port.number };
    const targets = clustersFor(plan, port, serviceAt);
    const routes = traffic.routes.get(port.number);
    const json =
      routes === undefined
        ? plainConfiguration(name, self, targets, hashKeyOf(traffic.policies.get(port.number)))
        : routeConfiguration(name, routes, targets);
    return [...clusters, { kind: 'routes', name, json }];
  });
}
