import type { TrafficIntent } from '../../envoy/intent.ts';
import { canonicalText } from '../../json/json.ts';
import { noticesOf } from '../plan/notices.ts';
import { planService, type Domains, type ServicePlan } from '../plan/service-plan.ts';
import { indexRules } from '../plan/rule-index.ts';
import { planTraffic, type Known } from '../plan/service-traffic.ts';
import { anyClient } from '../plan/view.ts';
import type { Kind } from '../resources/kinds.ts';
import { proxyResources } from '../resources/proxy-resources.ts';
import { serviceListeners } from '../resources/service-listeners.ts';
import { serviceResources } from '../resources/service-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { createCohort, type Cohort, type Member as CohortMember } from '../stream/cohort.ts';
import type { Published } from '../stream/published.ts';
import type { Proxy } from '../stream/rollout.ts';
import type { Changes, Target } from '../stream/target.ts';
import type { Encoder, RefusedResource } from '../wire/encoder.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../world/world.ts';
import { createIdentityMemory } from './former-identities.ts';
import { createLookout } from './lookout.ts';
import { rememberRoutes } from './last-good-routes.ts';
import { createShelf, type Shelf, type ShelvedResource } from './shelf.ts';

/** Owner of what a proxy has besides what Services lead to. */
export const proxyOwner = 'proxy';

/** A proxy that takes part. */
export interface Member extends CohortMember<ShelvedResource> {
  /** Replaces the secrets of this proxy, and returns the names that differ. */
  useSecrets(secrets: readonly Resource[]): Changes;
}

/** Turns what the API server says into what proxies should hold. */
export interface Catalog {
  readonly world: () => World;
  /** Takes events. Proxies whose target has changed are called with the names that differ, in the order of their cohort. */
  apply(events: readonly WorldEvent[]): void;
  /** Drops identities that no endpoint has had for a minute, and looks for endpoints of nobody; to be called every few seconds. */
  sweep(): void;
  /** Takes in a proxy that runs a build of Envoy. */
  join(traffic: TrafficIntent, build: string, proxy: Proxy): Member;
  /** Returns how many resources of a kind are withheld, because a proxy has rejected them; those of each build count. */
  withheld(kind: Kind): number;
}

/** Proxies whose service listeners are the same, because their settings are. */
interface Profile {
  readonly traffic: TrafficIntent;
  readonly listeners: Shelf;
  /** How many proxies have it. */
  uses: number;
}

/** How many builds and how many profiles without a proxy are remembered: a proxy that restarts gets what was good for it before. */
const remembered = 4;

/** How many sets of listeners of captured connections are kept for proxies that need the same. */
const keptSets = 64;

/** Removes the first of the values that are idle, if there are too many. Returns what was removed. */
function trim<V>(values: Map<string, V>, isIdle: (value: V) => boolean): readonly V[] {
  const idle = [...values].filter(([, value]) => isIdle(value));
  const surplus = idle.slice(0, Math.max(0, idle.length - remembered));
  for (const [key] of surplus) values.delete(key);
  return surplus.map(([, value]) => value);
}

/** Returns a text that is the same for settings that lead to the same service listeners. */
function profileKey({ settings: { proxy, capture }, workload, self }: TrafficIntent): string {
  const { accessLog, metrics, tracing, protocolDetectionTimeoutMs, httpPorts, opaquePorts } = proxy;
  const { families } = capture;
  // Traces name the workload.
  const named = tracing === undefined ? undefined : `${workload.name}.${self.namespace}`;
  return canonicalText({
    accessLog,
    metrics,
    tracing,
    protocolDetectionTimeoutMs,
    httpPorts,
    opaquePorts,
    families,
    named,
  });
}

/** What a catalog needs. */
export interface CatalogOptions {
  readonly encoder: Encoder;
  readonly domains: Domains;
  readonly nowMs: () => number;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
  /** Called for resources that Envoy would reject. */
  readonly refused: (resource: RefusedResource, owner: string) => void;
  /** Called when a Service asks for something else than before that its clients do not get. */
  readonly noticed: (service: string, notices: readonly string[]) => void;
  /** Called when the last proxy that gets a change has answered, with the time since then. */
  readonly converged: (milliseconds: number) => void;
}

/** Creates a catalog of an empty world. */
export function createCatalog({ encoder, domains, refused, noticed, ...options }: CatalogOptions): Catalog {
  const identities = createIdentityMemory(options.nowMs);
  const lookForStrangers = createLookout(noticed);
  const routes = rememberRoutes();
  let world = emptyWorld;
  let known: Known = { world, domains, index: indexRules(world.rules, domains.cluster) };
  const plans = new Map<string, ServicePlan>();
  const notices = new Map<string, string>();
  const shared = createShelf(encoder, refused);
  const profiles = new Map<string, Profile>();
  /** By the resources as text, those that were needed last at the end. */
  const ownSets = new Map<string, Shelf>();
  /** By build of Envoy. */
  const cohorts = new Map<string, Cohort<ShelvedResource>>();

  function notice(key: string): void {
    const service = world.service.get(key);
    const now = service === undefined ? [] : noticesOf(service);
    const text = now.join();
    if (text === (notices.get(key) ?? '')) return;
    notices.set(key, text);
    if (now.length === 0) notices.delete(key);
    else noticed(key, now);
  }

  function replan(key: string): readonly Published<ShelvedResource>[] {
    const plan = planService(world, key, domains);
    if (plan === undefined) {
      plans.delete(key);
      routes.forget(key);
    } else plans.set(key, plan);
    const changes = shared.put(
      key,
      plan === undefined
        ? []
        : serviceResources(plan, routes.settle(key, planTraffic(known, key, anyClient)), {
            former: identities.of(key),
            serviceAt: (other) => world.service.get(other),
          }),
    );
    return changes.map((change) => ({ ...change, content: shared.target }));
  }

  function relisten({ listeners, traffic }: Profile, key: string): readonly Published<ShelvedResource>[] {
    const plan = plans.get(key);
    const changes = listeners.put(key, plan === undefined ? [] : serviceListeners(plan, traffic));
    return changes.map((change) => ({ ...change, content: listeners.target }));
  }

  function profileOf(key: string, traffic: TrafficIntent): Profile {
    const found = profiles.get(key);
    if (found !== undefined) return found;
    const profile: Profile = { traffic, listeners: createShelf(encoder, refused), uses: 0 };
    profiles.set(key, profile);
    for (const service of plans.keys()) relisten(profile, service);
    return profile;
  }

  /** Returns what a proxy has to itself, apart from secrets. Most proxies have the same, so that it is encoded once for them. */
  function ownOf(traffic: TrafficIntent): Target<ShelvedResource> {
    const resources = proxyResources(traffic, domains.trust);
    const key = JSON.stringify(resources);
    const shelf = ownSets.get(key) ?? createShelf(encoder, refused);
    if (!ownSets.delete(key)) shelf.put(proxyOwner, resources);
    ownSets.set(key, shelf);
    const [oldest] = ownSets.keys();
    if (ownSets.size > keptSets && oldest !== undefined) ownSets.delete(oldest);
    return shelf.target;
  }

  function cohortOf(build: string): Cohort<ShelvedResource> {
    const cohort = cohorts.get(build) ?? createCohort<ShelvedResource>(options);
    cohorts.set(build, cohort);
    return cohort;
  }

  /** Plans Services anew, and publishes what differs. */
  function update(services: Iterable<string>, listening: Iterable<string>): void {
    const now = options.nowMs();
    const changes = [
      ...[...services].flatMap(replan),
      ...[...listening].flatMap((key) => [...profiles.values()].flatMap((profile) => relisten(profile, key))),
    ];
    if (changes.length > 0) for (const cohort of cohorts.values()) cohort.publish(changes, now);
  }

  /** Puts what is used the latest to the end, and forgets what has not been used the longest. */
  function tidy(build: string, key: string): void {
    const [cohort, profile] = [cohorts.get(build), profiles.get(key)];
    if (cohort?.isEmpty() === true && cohorts.delete(build)) cohorts.set(build, cohort);
    if (profile?.uses === 0 && profiles.delete(key)) profiles.set(key, profile);
    trim(cohorts, (one) => one.isEmpty());
    for (const { listeners } of trim(profiles, ({ uses }) => uses === 0)) {
      for (const one of cohorts.values()) one.drop(listeners.target);
    }
  }

  return {
    world: () => world,
    apply(events) {
      const { world: next, touched } = applyEvents(world, events);
      const index = next.rules === world.rules ? known.index : indexRules(next.rules, domains.cluster);
      world = next;
      known = { world, domains, index };
      for (const key of touched.services) notice(key);
      // Endpoints are listeners only of headless Services.
      const headless = [...touched.endpoints].filter((key) => world.service.get(key)?.isHeadless === true);
      update(
        new Set([...touched.services, ...touched.endpoints, ...touched.traffic]),
        new Set([...touched.services, ...headless]),
      );
    },
    sweep() {
      update(identities.forget(), []);
      lookForStrangers(world);
    },
    join(traffic, build, proxy) {
      const key = profileKey(traffic);
      const profile = profileOf(key, traffic);
      const secret = createShelf(encoder, refused);
      const own = { ...ownOf(traffic), secret: secret.target.secret };
      const member = cohortOf(build).join(own, shared.target, profile.listeners.target, proxy);
      profile.uses += 1;
      return {
        ...member,
        useSecrets: (secrets) => ({ secret: secret.put(proxyOwner, secrets).map(({ name }) => name) }),
        leave() {
          profile.uses -= 1;
          member.leave();
          tidy(build, key);
        },
      };
    },
    withheld: (kind) => [...cohorts.values()].reduce((sum, cohort) => sum + cohort.withheld(kind), 0),
  };
}
