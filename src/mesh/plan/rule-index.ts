import type { DestinationRule } from '../rules/destination-rule.ts';
import type { GrpcRoute, HttpRoute } from '../rules/gateway-route.ts';
import { byAge } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import { completeHost, fitOf } from './host-name.ts';
import type { Selectable } from '../rules/security/selector.ts';
import { indexAccess, type AccessPlan } from './access-plan.ts';
import { indexLimits, type LimitPlan } from './limit-plan.ts';
import type { Domains } from './service-plan.ts';
import { indexPeerAuthentications, type PeerAuthentications } from './peer-modes.ts';

/** A rule that can be used: it was understood. */
export type Usable<S> = Rule<S> & { readonly spec: S };

/** A route of Gateway API that can be used. */
export type UsableRoute = Usable<HttpRoute> | Usable<GrpcRoute>;

/** A rule under one of its hosts. */
export interface Hosted<S> {
  readonly rule: Usable<S>;
  /** The complete host. */
  readonly host: string;
}

/** Rules by what they are about, so that those of one Service are found without a look at all others. */
export interface RuleIndex {
  /** Rules that name a host, with those whose wildcard fits; first the best fit, then the oldest. */
  virtualServices(host: string): readonly Hosted<VirtualService>[];
  destinationRules(host: string): readonly Hosted<DestinationRule>[];
  readonly peers: PeerAuthentications;
  /** Returns how many requests to a pod are let in. */
  readonly limitsOf: (pod: Selectable) => readonly LimitPlan[];
  /** Returns who may call a pod. */
  readonly accessTo: (pod: Selectable) => AccessPlan;
  /** Routes that have a Service as parent, by its key; oldest first. */
  routes(service: string): readonly UsableRoute[];
}

function isUsable<S>(rule: Rule<S>): rule is Usable<S> {
  return rule.spec !== undefined;
}

/** Rules by host: those of a name, and those with a wildcard. */
function byHost<S>(
  rules: ReadonlyMap<string, Rule<S>>,
  hostsOf: (rule: Usable<S>) => readonly string[],
): (host: string) => readonly Hosted<S>[] {
  const exact = new Map<string, Hosted<S>[]>();
  const wild: Hosted<S>[] = [];
  for (const rule of rules.values()) {
    if (!isUsable(rule)) continue;
    for (const host of new Set(hostsOf(rule))) {
      const hosted = { rule, host };
      if (host.startsWith('*')) wild.push(hosted);
      else exact.set(host, [...(exact.get(host) ?? []), hosted]);
    }
  }
  const fit = (pattern: string, host: string): number => fitOf(pattern, host) ?? -1;
  return (host) =>
    [...(exact.get(host) ?? []), ...wild.filter((one) => fitOf(one.host, host) !== undefined)].toSorted(
      (one, other) => fit(other.host, host) - fit(one.host, host) || byAge(one.rule.ref, other.rule.ref),
    );
}

/** Returns the keys of the Services that are parents of a route. */
export function parentServices({ ref, spec }: UsableRoute): readonly string[] {
  const services = spec.parentRefs.filter(({ group, kind }) => group === '' && kind === 'Service');
  return services.map(({ namespace = ref.namespace, name }) => `${namespace}/${name}`);
}

/** Sorts the rules of a cluster by what they are about. */
export function indexRules(
  rules: Rules,
  { cluster, rootNamespace }: Pick<Domains, 'cluster' | 'rootNamespace'>,
): RuleIndex {
  const routes = new Map<string, UsableRoute[]>();
  const add = (rule: UsableRoute): void => {
    for (const key of new Set(parentServices(rule))) routes.set(key, [...(routes.get(key) ?? []), rule]);
  };
  for (const rule of rules.HTTPRoute.values()) if (isUsable(rule)) add(rule);
  for (const rule of rules.GRPCRoute.values()) if (isUsable(rule)) add(rule);
  for (const some of routes.values()) some.sort((one, other) => byAge(one.ref, other.ref));
  return {
    virtualServices: byHost(rules.VirtualService, ({ ref, spec }) =>
      spec.hosts.map((host) => completeHost(host, ref.namespace, cluster)),
    ),
    destinationRules: byHost(rules.DestinationRule, ({ ref, spec }) => [
      completeHost(spec.host, ref.namespace, cluster),
    ]),
    limitsOf: indexLimits(rules, rootNamespace),
    accessTo: indexAccess(rules, rootNamespace),
    peers: indexPeerAuthentications(rules, rootNamespace),
    routes: (service) => routes.get(service) ?? [],
  };
}
