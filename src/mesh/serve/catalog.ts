import type { TrafficIntent } from '../../envoy/intent.ts';
import { ownServices, servicesOfPod } from '../plan/own-services.ts';
import type { Domains } from '../plan/service-plan.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { Kind } from '../resources/kinds.ts';
import { applicationCluster, outboundResources } from '../resources/proxy-resources.ts';
import type { Resource } from '../resources/resource.ts';
import type { Progress } from '../report/progress.ts';
import { standingsOf, type Standing } from '../report/standing.ts';
import { createCohort, type Cohort, type Member as CohortMember } from '../stream/cohort.ts';
import type { Published } from '../stream/published.ts';
import type { Proxy } from '../stream/rollout.ts';
import { changing, layered, type Changes } from '../stream/target.ts';
import type { Encoder, RefusedResource } from '../wire/encoder.ts';
import { applyEvents, emptyWorld, type Touched, type World, type WorldEvent } from '../world/world.ts';
import { createAcknowledgements, type ConnectedProxy } from './acknowledgements.ts';
import { createCaptureSets, ownerOf } from './capture-sets.ts';
import { trim } from './idle.ts';
import { guardAt, guardProgress, guardReport } from './guard-progress.ts';
import type { GuardReport } from './guard-reports.ts';
import { createInboundLayer, type InboundLayer } from './inbound-layer.ts';
import { hashOfObjects, haveAcknowledged, type ModeReport, type PeerReports } from './mode-reports.ts';
import { createModeChanges, type Stepped } from './mode-changes.ts';
import { createProxyViews, type PlacedProxy } from './proxy-views.ts';
import { progressOf } from './rule-progress.ts';
import { createServiceNotices } from './service-notices.ts';
import { createServiceShelves } from './service-shelves.ts';
import { createFollowers } from './followers.ts';
import { createListenerProfiles, type Profile } from './listener-profiles.ts';
import { createLookout } from './lookout.ts';
import { createShelf, type ShelvedResource } from './shelf.ts';

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
  /** Returns how far this replica is with pods that change to other modes of mutual TLS. */
  readonly modeReport: () => ModeReport;
  /** Returns which objects that protect pods are not in force in all proxies of this replica. */
  readonly guardReport: () => GuardReport;
  /** Returns how many resources of a kind are withheld, because a proxy has rejected them; those of each build count. */
  withheld(kind: Kind): number;
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
  /** Returns what other replicas last said of the pods that change. */
  readonly peerReports: () => PeerReports;
  /** Called for each step of a pod to other modes. */
  readonly stepped: Stepped;
  /** Called when the last proxy that gets a change has answered, with the time since then. */
  readonly converged: (milliseconds: number) => void;
}

/** How often it is looked whether proxies have acknowledged a step of a change. */
const stepMs = 50;

/** Proxies that come so soon after the start may have been told something just before, by the replica in whose place this one is. */
const inheritedMs = 60_000;

/** A proxy that takes part, and what is asked of it. */
interface Viewer extends ConnectedProxy {
  readonly proxy: Proxy;
  readonly place: PlacedProxy;
  readonly layer: InboundLayer;
}

/** Creates a catalog of an empty world. */
export function createCatalog({ encoder, domains, refused, noticed, ...options }: CatalogOptions): Catalog {
  const startedMs = options.nowMs();
  const viewers = new Set<Viewer>();
  const acknowledgements = createAcknowledgements(
    viewers,
    (pod) => servicesOfPod(world, pod),
    (pod) => 1_000 * (world.pod.get(pod)?.drainSeconds ?? 0),
    options.nowMs,
  );
  const modes = createModeChanges(
    (pod) => services.known().index.peers.modesOf(pod),
    acknowledgements,
    options.nowMs,
    options.stepped,
  );
  const services = createServiceShelves(
    domains,
    () => createShelf(encoder, refused),
    options.nowMs,
    (pod) => modes.calledBy(pod),
  );
  const captureSet = createCaptureSets(() => createShelf(encoder, refused));
  const inboundSet = createCaptureSets(() => createShelf(encoder, refused));
  const lookForStrangers = createLookout(noticed);
  let world = emptyWorld;
  const notice = createServiceNotices(noticed);
  const profiles = createListenerProfiles(
    () => services.plans,
    () => createShelf(encoder, refused),
  );
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

  function cohortOf(build: string): Cohort<ShelvedResource> {
    const cohort = cohorts.get(build) ?? createCohort<ShelvedResource>(options);
    cohorts.set(build, cohort);
    return cohort;
  }

  function publish(changes: readonly Published<ShelvedResource>[]): void {
    const now = options.nowMs();
    if (changes.length > 0) for (const cohort of cohorts.values()) cohort.publish(changes, now);
  }

  /** Makes anew what is made of these Services, and of what else is touched. */
  function remake(touched: Pick<Touched, 'services' | 'endpoints' | 'traffic'>): void {
    // Endpoints are listeners only of headless Services.
    const headless = [...touched.endpoints].filter((key) => world.service.get(key)?.isHeadless === true);
    const listening = new Set([...touched.services, ...headless]);
    publish([...services.advance(touched), ...profiles.relisten(listening)]);
  }

  /** Makes anew what arrives at the pods of proxies. */
  function reopen(isMeant: (viewer: Viewer) => boolean): void {
    for (const viewer of viewers) {
      const changes = isMeant(viewer) ? viewer.layer.look() : undefined;
      if (changes !== undefined) viewer.proxy.changed(changes);
    }
  }

  let isWaiting = false;

  /** Takes the next steps of pods that change, as soon as proxies have acknowledged the last ones. */
  function awaitSteps(): void {
    if (isWaiting || modes.isStill()) return;
    isWaiting = true;
    options.after(stepMs, () => {
      isWaiting = false;
      const [peers, objects] = [options.peerReports(), hashOfObjects(world)];
      const { served, called } = modes.step((step, sinceMs) => haveAcknowledged(peers, objects, step, sinceMs));
      if (called.size > 0) {
        const endpoints = new Set([...called].flatMap((pod) => [...servicesOfPod(world, pod)]));
        remake({ services: new Set(), endpoints, traffic: new Set() });
      }
      if (served.size > 0) reopen(({ pod }) => served.has(pod));
      awaitSteps();
    });
  }

  /** Puts what is used the latest to the end, and forgets what has not been used the longest. */
  function tidy(build: string, profile: Profile): void {
    const cohort = cohorts.get(build);
    if (cohort?.isEmpty() === true && cohorts.delete(build)) cohorts.set(build, cohort);
    trim(cohorts, (one) => one.isEmpty());
    for (const { target } of profiles.leave(profile)) for (const one of cohorts.values()) one.drop(target);
  }

  return {
    world: () => world,
    apply(events) {
      const { world: next, touched } = applyEvents(world, events);
      const before = world;
      world = next;
      for (const key of touched.services) notice(world, key);
      const said = services.known().index.peers;
      const { served } = modes.advance(before, world, touched, said, services.look(world).index.peers);
      remake(touched);
      views.look(touched.pods);
      const { guarding, pods } = touched;
      const isGuarded = (pod: string): boolean => guarding.has(pod.slice(0, pod.indexOf('/')));
      const isRoot = guarding.has(domains.rootNamespace);
      reopen(({ pod }) => isRoot || isGuarded(pod) || pods.has(pod) || served.has(pod));
      awaitSteps();
      followers.moved(before, world, touched);
    },
    sweep() {
      publish(services.forgetIdentities());
      lookForStrangers(world);
    },
    join(traffic, build, proxy) {
      const profile = profiles.join(traffic);
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
      const inbound = createInboundLayer(pod, traffic, {
        known: services.known,
        servedBy: modes.servedBy,
        share: inboundSet,
      });
      const place = views.place(namespace, name, ({ shelf }) => member.useView(shelf.target));
      const member = cohortOf(build).join(
        layered([own.target, changing(inbound.target), captureSet(outboundResources(traffic))]),
        services.shared.shelf.target,
        profile.listeners.target,
        proxy,
        place.layer().shelf.target,
      );
      const layers = () => [place.layer().shelf, services.shared.shelf, profile.listeners];
      const joinedMs = options.nowMs();
      const viewer: Viewer = {
        pod,
        proxy,
        place,
        layer: inbound,
        shelves: layers,
        hasAllNewest: () => proxy.holdsAll() && member.isOfferedNewest(),
        isAtRest: () =>
          joinedMs - startedMs >= inheritedMs || options.nowMs() - joinedMs >= acknowledgements.drainMs(pod),
        newest(kind, name) {
          const own = inbound.target()[kind].get(name);
          return (
            own ??
            layers()
              .find(({ target }) => target[kind].has(name))
              ?.target[kind].get(name)
          )?.version;
        },
      };
      viewers.add(viewer);
      return {
        ...member,
        useSecrets: (secrets) => ({ secret: own.put(ownerOf.secrets, secrets).map(({ name }) => name) }),
        rejected(resource) {
          const closed = inbound.rejected(resource);
          if (closed !== undefined) proxy.changed(closed);
          return member.rejected(resource);
        },
        leave() {
          unfollow();
          member.leave();
          place.leave();
          viewers.delete(viewer);
          tidy(build, profile);
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
    progressOf(object) {
      const guard = guardAt(world, object);
      if (guard !== undefined) return guardProgress(guard, world, viewers, modes, domains.rootNamespace);
      const placed = [...viewers].map(({ proxy, place }) => ({ proxy, layer: place.layer() }));
      return progressOf(object, placed, services.shared);
    },
    guardReport: () => guardReport(world, viewers, modes, domains.rootNamespace),
    modeReport: () => ({ objects: hashOfObjects(world), ...modes.report() }),
    withheld: (kind) => [...cohorts.values()].reduce((sum, cohort) => sum + cohort.withheld(kind), 0),
  };
}
