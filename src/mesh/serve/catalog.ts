import type { TrafficIntent } from '../../envoy/intent.ts';
import { canonicalText } from '../../json/json.ts';
import { noticesOf } from '../plan/notices.ts';
import { ownServices } from '../plan/own-services.ts';
import type { Domains } from '../plan/service-plan.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { Kind } from '../resources/kinds.ts';
import { applicationCluster } from '../resources/proxy-resources.ts';
import { serviceListeners } from '../resources/service-listeners.ts';
import type { Resource } from '../resources/resource.ts';
import type { Progress } from '../report/progress.ts';
import { standingsOf, type Standing } from '../report/standing.ts';
import { createCohort, type Cohort, type Member as CohortMember } from '../stream/cohort.ts';
import type { Published } from '../stream/published.ts';
import type { Proxy } from '../stream/rollout.ts';
import { layered, type Changes } from '../stream/target.ts';
import type { Encoder, RefusedResource } from '../wire/encoder.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../world/world.ts';
import { createCaptureSets, ownerOf } from './capture-sets.ts';
import { trim } from './idle.ts';
import { createProxyViews, type PlacedProxy } from './proxy-views.ts';
import { progressOf } from './rule-progress.ts';
import { createServiceShelves } from './service-shelves.ts';
import { createFollowers } from './followers.ts';
import { createLookout } from './lookout.ts';
import { createShelf, type Shelf, type ShelvedResource } from './shelf.ts';

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
  /** Returns what plans are made from. */
  readonly known: () => Known;
  /** Returns what has become of each rule, by the key of the object. */
  standings(): ReadonlyMap<string, Standing>;
  /** Returns how many proxies hold what comes from a rule, by the key of the object. */
  progressOf(object: string): Progress;
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
  const services = createServiceShelves(domains, () => createShelf(encoder, refused), options.nowMs);
  const captureSet = createCaptureSets(domains.trust, () => createShelf(encoder, refused));
  const lookForStrangers = createLookout(noticed);
  let world = emptyWorld;
  const notices = new Map<string, string>();
  const profiles = new Map<string, Profile>();
  const followers = createFollowers();
  /** By build of Envoy. */
  const cohorts = new Map<string, Cohort<ShelvedResource>>();

  const views = createProxyViews(
    services,
    () => world,
    ({ shelf }) => {
      for (const one of cohorts.values()) one.drop(shelf.target);
    },
  );

  const viewers = new Set<{ readonly proxy: Proxy; readonly place: PlacedProxy }>();

  function notice(key: string): void {
    const service = world.service.get(key);
    const now = service === undefined ? [] : noticesOf(service);
    const text = now.join();
    if (text === (notices.get(key) ?? '')) return;
    notices.set(key, text);
    if (now.length === 0) notices.delete(key);
    else noticed(key, now);
  }

  function relisten({ listeners, traffic }: Profile, key: string): readonly Published<ShelvedResource>[] {
    const plan = services.plans.get(key);
    const changes = listeners.put(key, plan === undefined ? [] : serviceListeners(plan, traffic));
    return changes.map((change) => ({ ...change, content: listeners.target }));
  }

  function profileOf(key: string, traffic: TrafficIntent): Profile {
    const known = profiles.get(key);
    if (known !== undefined) return known;
    const profile: Profile = { traffic, listeners: createShelf(encoder, refused), uses: 0 };
    profiles.set(key, profile);
    for (const service of services.plans.keys()) relisten(profile, service);
    return profile;
  }

  function cohortOf(build: string): Cohort<ShelvedResource> {
    const cohort = cohorts.get(build) ?? createCohort<ShelvedResource>(options);
    cohorts.set(build, cohort);
    return cohort;
  }

  function publish(changes: readonly Published<ShelvedResource>[]): void {
    const now = options.nowMs();
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
      const before = world;
      world = next;
      for (const key of touched.services) notice(key);
      // Endpoints are listeners only of headless Services.
      const headless = [...touched.endpoints].filter((key) => world.service.get(key)?.isHeadless === true);
      const listening = new Set([...touched.services, ...headless]);
      publish([
        ...services.advance(world, touched),
        ...[...listening].flatMap((key) => [...profiles.values()].flatMap((profile) => relisten(profile, key))),
      ]);
      views.look(touched.pods);
      followers.moved(before, world, touched);
    },
    sweep() {
      publish(services.forgetIdentities());
      lookForStrangers(world);
    },
    join(traffic, build, proxy) {
      const key = profileKey(traffic);
      const profile = profileOf(key, traffic);
      const own = createShelf(encoder, refused);
      const { name, namespace } = traffic.self;
      const pod = `${namespace}/${name}`;
      const putServices = () =>
        own.put(ownerOf.services, [applicationCluster(traffic, ownServices(world, pod, domains))]);
      putServices();
      const unfollow = followers.follow(pod, () => {
        const changes = putServices();
        if (changes.length > 0) proxy.changed({ cluster: changes.map((change) => change.name) });
      });
      const place = views.place(namespace, name, ({ shelf }) => member.useView(shelf.target));
      const member = cohortOf(build).join(
        layered([own.target, captureSet(traffic)]),
        services.shared.shelf.target,
        profile.listeners.target,
        proxy,
        place.layer().shelf.target,
      );
      profile.uses += 1;
      const viewer = { proxy, place };
      viewers.add(viewer);
      return {
        ...member,
        useSecrets: (secrets) => ({ secret: own.put(ownerOf.secrets, secrets).map(({ name }) => name) }),
        leave() {
          profile.uses -= 1;
          unfollow();
          member.leave();
          place.leave();
          viewers.delete(viewer);
          tidy(build, key);
        },
      };
    },
    known: services.known,
    standings: () =>
      standingsOf(
        services.known(),
        services
          .layers()
          .map(({ traffic }) => ({ findings: () => traffic.findings(), inForce: () => traffic.inForce().values() })),
      ),
    progressOf: (object) =>
      progressOf(
        object,
        [...viewers].map(({ proxy, place }) => ({ proxy, layer: place.layer() })),
        services.shared,
      ),
    withheld: (kind) => [...cohorts.values()].reduce((sum, cohort) => sum + cohort.withheld(kind), 0),
  };
}
