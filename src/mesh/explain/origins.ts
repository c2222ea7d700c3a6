import { objectsMember } from '../../json/json.ts';
import { chooseDestination } from '../plan/destination-choice.ts';
import { hostOf } from '../plan/host-name.ts';
import type { Origin, RouteRule } from '../plan/route-plan.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { View } from '../plan/view.ts';
import { routeConfiguration } from '../resources/routes/route-configuration.ts';
import type { DestinationRule } from '../rules/destination-rule.ts';
import type { Service } from '../world/service.ts';

/** What a cluster, or a configuration of routes, is for. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly subset: string | undefined;
}

/** Reads a name that `outboundName` or `balancedName` has made; undefined for any other. */
export function readPlace(name: string): Place | undefined {
  const [direction, port, place = '', host, ...rest] = name.split('|');
  if (direction !== 'outbound' || host === undefined || rest.length > 0) return undefined;
  // Names of subsets have no capitals, as those of families and of what picks any endpoint have.
  const subset = place.split('.').find((part) => part !== '' && !/[A-Z]/.test(part));
  return { host, port: Number(port), subset };
}

const anyClusters = { nameOf: () => 'any', isDialled: () => false, hasAffinity: () => false };

function countRoutes(rule: RouteRule): number {
  const [host] = objectsMember(routeConfiguration('', { rules: [rule] }, anyClusters), 'virtual_hosts');
  return objectsMember(host, 'routes').length;
}

/** Returns the rules in the order of the routes that they have become, each once for each of its routes. */
export function rulesOfRoutes(rules: readonly RouteRule[]): readonly RouteRule[] {
  return rules.flatMap((rule) => Array.from({ length: countRoutes(rule) }, () => rule));
}

type Policy = NonNullable<DestinationRule['trafficPolicy']>;

/** The field of a policy that is about a port: its own settings, or else those of all ports. */
function policyField(policy: Policy | undefined, port: number, at: string): readonly string[] {
  if (policy === undefined) return [];
  const index = (policy.portLevelSettings ?? []).findIndex((one) => one.port.number === port);
  return [index < 0 ? at : `${at}/portLevelSettings/${index}`];
}

/** Returns where it is said how a port of a Service, or of a subset of it, is called by clients of a view. */
export function policyOrigins(known: Known, view: View, service: Service, place: Place): readonly Origin[] {
  const { index, domains, world } = known;
  const own = { host: hostOf(service, domains.cluster), namespace: service.namespace };
  const chosen = chooseDestination(index, own, view.namespace, domains.rootNamespace);
  if (chosen === undefined) return [];
  const { policyFrom } = chosen;
  const ofRule = policyField(chosen.spec.trafficPolicy, place.port, '/spec/trafficPolicy');
  const subset = place.subset === undefined ? undefined : chosen.subsetsFrom.get(place.subset);
  const spec = subset && world.rules.DestinationRule.get(`${subset.ref.namespace}/${subset.ref.name}`)?.spec;
  const at = `/spec/subsets/${subset?.index ?? 0}`;
  const ofSubset = policyField(spec?.subsets?.[subset?.index ?? 0]?.trafficPolicy, place.port, `${at}/trafficPolicy`);
  return [
    ...(subset === undefined ? [] : [at, ...ofSubset].map((field) => ({ ref: subset.ref, field }))),
    ...(policyFrom === undefined ? [] : ofRule.map((field) => ({ ref: policyFrom, field }))),
  ];
}
