import { uniqueFindings, type Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import type { Service, ServicePort } from '../world/service.ts';
import { namesOf } from '../world/rule-names.ts';
import type { World } from '../world/world.ts';
import { chooseDestination, type ChosenDestination } from './destination-choice.ts';
import { policyOf, subsetsOf } from './destination-policy.ts';
import { isExportedTo } from './export.ts';
import { isParent } from './gateway-parents.ts';
import { translateGatewayRoutes } from './gateway-routes.ts';
import { hostOf, serviceOf } from './host-name.ts';
import { protocolOf } from './protocol.ts';
import type { RouteContext } from './route-context.ts';
import type { Backend, HashKey, RoutePlan } from './route-plan.ts';
import type { RuleIndex } from './rule-index.ts';
import type { Domains } from './service-plan.ts';
import { hashKeyOf, plainTraffic, type ServiceTraffic, type TrafficPolicy } from './traffic-policy.ts';
import { anyClient, type View } from './view.ts';
import { decideOnPort, noteRivals, rivalVirtualServices, type Note } from './virtual-service-choice.ts';

/** What objects say about the calls of one Service by some of its clients. */
export interface PlannedTraffic {
  readonly traffic: ServiceTraffic;
  /** Ports whose last good routes stay, because objects name what does not exist; they have no routes in `traffic`. */
  readonly heldPorts: ReadonlySet<number>;
  /** What authors should know, by the key of their object. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
}

/** What plans are made from. */
export interface Known {
  readonly world: World;
  readonly index: RuleIndex;
  readonly domains: Domains;
}

function looksAtClient({ http }: VirtualService): boolean {
  return http.some(({ match = [] }) =>
    match.some(({ sourceLabels, sourceNamespace }) => sourceLabels !== undefined || sourceNamespace !== undefined),
  );
}

/** Returns the Gateway API routes of a port: those of the clients' namespace, if it has any, stand above those of the Service's own. */
function chooseRoutes({ index }: Known, service: Service, port: number, { namespace }: View) {
  const ofPort = index
    .routes(service.key)
    .filter(({ ref, spec }) => spec.parentRefs.some((parent) => isParent(parent, ref, service, port)));
  const from = (owner: string) => ofPort.filter(({ ref }) => ref.namespace === owner);
  const consumers = namespace === service.namespace ? [] : from(namespace);
  return consumers.length > 0 ? consumers : from(service.namespace);
}

/** Makes the plans of one view; what DestinationRules say of a Service is looked up once. */
function createPlanner(known: Known, view: View) {
  const { world, domains, index } = known;
  const destinations = new Map<string, ChosenDestination | undefined>();

  function destinationOf(service: Service): ChosenDestination | undefined {
    if (!destinations.has(service.key)) {
      const host = hostOf(service, domains.cluster);
      const chosen = chooseDestination(
        index,
        { host, namespace: service.namespace },
        view.namespace,
        domains.rootNamespace,
      );
      destinations.set(service.key, chosen);
    }
    return destinations.get(service.key);
  }

  function policy(service: Service, number: number, subset?: string): TrafficPolicy {
    const chosen = destinationOf(service);
    return chosen === undefined ? {} : policyOf(chosen.spec, { number }, subset);
  }

  function hashOf({ service: key, port, subset }: Backend): HashKey | undefined {
    const service = world.service.get(key);
    return service === undefined ? undefined : hashKeyOf(policy(service, port, subset));
  }

  function contextOf(service: Service, port: number): RouteContext {
    const callable = (found: Service | undefined): Service | undefined =>
      found?.externalName === undefined ? found : undefined;
    return {
      view,
      service,
      port,
      hostOf: (one) => hostOf(one, domains.cluster),
      serviceAt: (namespace, name) => callable(world.service.get(`${namespace}/${name}`)),
      serviceOf: (host) => callable(serviceOf(world, host, domains.cluster)),
      hasSubset({ service: key, subset }) {
        const backend = world.service.get(key);
        const subsets = backend === undefined ? [] : (destinationOf(backend)?.spec.subsets ?? []);
        return subset === undefined || subsets.some(({ name }) => name === subset);
      },
      ruleOfClients({ service: key }) {
        const backend = world.service.get(key);
        const [ref] = backend === undefined ? [] : (destinationOf(backend)?.origins ?? []);
        return ref?.namespace === view.namespace && view.namespace !== backend?.namespace ? ref : undefined;
      },
      hashOf,
    };
  }

  return { destinationOf, policy, contextOf };
}

function mapPorts<T>(service: Service, make: (port: ServicePort) => T | undefined): ReadonlyMap<number, T> {
  return new Map(
    service.ports.flatMap((port) => {
      const made = protocolOf(port) === 'none' ? undefined : make(port);
      return made === undefined ? [] : [[port.number, made] as const];
    }),
  );
}

/** Returns what objects say about the calls of a Service by clients of a view. */
export function planTraffic(known: Known, key: string, view: View = anyClient): PlannedTraffic {
  const findings = new Map<string, readonly Finding[]>();
  const note: Note = (ref, finding) => {
    const id = objectKey(ref);
    findings.set(id, [...(findings.get(id) ?? []), finding]);
  };
  const service = known.world.service.get(key);
  if (service === undefined || service.externalName !== undefined) {
    return { traffic: plainTraffic, heldPorts: new Set(), findings };
  }
  const host = hostOf(service, known.domains.cluster);
  const planner = createPlanner(known, view);
  const virtual = rivalVirtualServices(known.index, host, view.namespace);
  const [first] = virtual;
  const deciding = new Set<ObjectRef>();
  const destination = planner.destinationOf(service);
  for (const [id, finding] of destination?.findings ?? []) findings.set(id, [...(findings.get(id) ?? []), finding]);
  const heldPorts = new Set<number>();

  function routesOf(port: ServicePort): RoutePlan | undefined {
    if (service === undefined) return undefined;
    const { number } = port;
    const context = planner.contextOf(service, number);
    const routes = chooseRoutes(known, service, number, view);
    if (protocolOf(port) === 'tcp') {
      for (const ref of [...(first === undefined ? [] : [first.rule.ref]), ...routes.map((route) => route.ref)]) {
        note(ref, {
          field: '',
          effect: 'warning',
          code: 'PortIsNotHttp',
          sentence: `port ${number} of ${host} is TCP by its name or appProtocol, so routes of HTTP do not count there; name it http-... or set appProtocol: http`,
        });
      }
      return undefined;
    }
    if (first !== undefined) {
      const { plan, isHeld } = decideOnPort(virtual, context, note);
      if (isHeld) heldPorts.add(number);
      const [ref = first.rule.ref] = plan?.origins ?? [];
      deciding.add(ref);
      for (const route of routes) {
        note(route.ref, {
          field: '/spec/parentRefs',
          effect: 'without-effect',
          code: 'VirtualServiceCounts',
          sentence: `VirtualService ${ref.namespace}/${ref.name} decides on ${host}; remove one of the two`,
        });
      }
      return plan;
    }
    if (routes.length === 0) return undefined;
    const translated = translateGatewayRoutes(routes, context, known.world.rules.ReferenceGrant);
    for (const route of routes) {
      for (const finding of translated.findings.get(objectKey(route.ref)) ?? []) note(route.ref, finding);
    }
    return { rules: translated.rules, origins: routes.map(({ ref }) => ref) };
  }

  const routes = mapPorts(service, routesOf);
  noteRivals(virtual, deciding, host, view.namespace, note);
  const subsets = destination === undefined ? [] : subsetsOf(destination.spec);
  const policies = mapPorts(service, ({ number }) => {
    const found = planner.policy(service, number);
    return Object.keys(found).length === 0 ? undefined : found;
  });
  return {
    traffic: {
      routes,
      policies,
      subsets: subsets.map(({ name, labels }) => ({
        name,
        labels,
        policies: mapPorts(service, ({ number }) => planner.policy(service, number, name)),
      })),
      origins: destination?.origins ?? [],
    },
    heldPorts,
    findings: new Map([...findings].map(([id, some]) => [id, uniqueFindings(some)])),
  };
}

/**
 * Returns whether clients of a Service may be told different things, by their namespace or their labels. It may say so of a Service
 * whose clients are all told the same.
 */
export function dependsOnClient(known: Known, key: string): boolean {
  const { world, index, domains } = known;
  const service = world.service.get(key);
  if (service === undefined) return false;
  const ofClients = (one: Service): boolean =>
    index.destinationRules(hostOf(one, domains.cluster)).some(({ rule: { ref, spec } }) => {
      const isOfAll = ref.namespace === one.namespace || ref.namespace === domains.rootNamespace;
      return !isOfAll || !isExportedTo(spec.exportTo, ref.namespace, '');
    });
  if (ofClients(service)) return true;
  const virtual = index.virtualServices(hostOf(service, domains.cluster));
  if (virtual.some(({ rule: { ref, spec } }) => looksAtClient(spec) || !isExportedTo(spec.exportTo, ref.namespace, '')))
    return true;
  const routes = index.routes(key);
  if (routes.some(({ ref }) => ref.namespace !== service.namespace)) return true;
  // What a route says may depend on the rules of the Service that it leads to.
  const rules = [...virtual.map(({ rule }) => rule), ...routes];
  return [...new Set(rules.flatMap((rule) => namesOf(rule.ref.kind, rule).backends))].some((backend) => {
    const found = world.service.get(backend);
    return found !== undefined && ofClients(found);
  });
}
