import { canonicalText } from '../../json/json.ts';
import { askedLabels, viewOf } from '../plan/client-view.ts';
import { indexRules } from '../plan/rule-index.ts';
import type { ModesOf } from '../plan/peer-modes.ts';
import { planService, type Domains, type ServicePlan } from '../plan/service-plan.ts';
import { dependsOnClient, planTraffic, type Known } from '../plan/service-traffic.ts';
import { anyClient, type View } from '../plan/view.ts';
import type { Resource } from '../resources/resource.ts';
import { serviceResources } from '../resources/service-resources.ts';
import type { Published } from '../stream/published.ts';
import { emptyWorld, type Touched, type World } from '../world/world.ts';
import type { Pod } from '../world/pod.ts';
import { createIdentityMemory, type IdentityMemory } from './former-identities.ts';
import { trim } from './idle.ts';
import { createGoodTraffic, type GoodTraffic } from './good-traffic.ts';
import type { Shelf, ShelvedResource } from './shelf.ts';

/** Resources of Services for clients of one view. */
export interface Layer {
  readonly view: View;
  readonly shelf: Shelf;
  readonly traffic: GoodTraffic;
  readonly identities: IdentityMemory;
}

type Change = Published<ShelvedResource>;

/** Resources of Services: what all clients share, and for each view what differs from that. */
export interface ServiceShelves {
  readonly shared: Layer;
  readonly plans: ReadonlyMap<string, ServicePlan>;
  /** Takes the next world, without making anything of it yet. */
  look(world: World): Known;
  /** Makes anew what is touched in the world. Returns what differs. */
  advance(touched: Pick<Touched, 'services' | 'endpoints' | 'traffic'>): readonly Change[];
  /** Drops identities that no endpoint has had for a while. Returns what differs. */
  forgetIdentities(): readonly Change[];
  /** Labels of clients that rules ask for; the same value while these are the same. */
  readonly asked: () => ReadonlySet<string>;
  /** Returns the layer of a pod's view. */
  layerOf(pod: Pick<Pod, 'namespace' | 'labels'>): Layer;
  /** Forgets layers that nobody has used for the longest, and returns them. */
  trim(isIdle: (layer: Layer) => boolean): readonly Layer[];
  readonly layers: () => readonly Layer[];
  /** Returns what plans are made from. */
  readonly known: () => Known;
}

/** Whether a resource is part of what differs: one that differs itself, and endpoints of a cluster that does. */
function differing(resources: readonly Resource[], shared: readonly Resource[]): readonly Resource[] {
  const known = new Map(shared.map(({ kind, name, json }) => [`${kind} ${name}`, JSON.stringify(json)]));
  const others = resources.filter(({ kind, name, json }) => known.get(`${kind} ${name}`) !== JSON.stringify(json));
  const clusters = new Set(others.flatMap(({ kind, name }) => (kind === 'cluster' ? [name] : [])));
  return resources.filter((one) => others.includes(one) || (one.kind === 'endpoints' && clusters.has(one.name)));
}

/**
 * Creates the shelves of an empty world.
 *
 * @param calledBy how clients call a pod at the moment
 */
export function createServiceShelves(
  domains: Domains,
  createShelf: () => Shelf,
  nowMs: () => number,
  calledBy: ModesOf<Pod>,
): ServiceShelves {
  const plans = new Map<string, ServicePlan>();
  const views = new Map<string, Layer>();
  /** Services of which clients may be told different things. */
  const dependent = new Set<string>();
  let known: Known = { world: emptyWorld, domains, index: indexRules(emptyWorld.rules, domains) };
  let asked: ReadonlySet<string> = new Set();

  function createLayer(view: View, above?: GoodTraffic): Layer {
    const isDestination = (key: string): boolean => known.world.rulesOfBackend.has(key);
    return {
      view,
      shelf: createShelf(),
      traffic: createGoodTraffic(isDestination, above),
      identities: createIdentityMemory(nowMs),
    };
  }

  const shared = createLayer(anyClient);

  function resourcesOf({ traffic, identities }: Layer, key: string): readonly Resource[] {
    const plan = plans.get(key);
    if (plan === undefined) return [];
    return serviceResources(plan, traffic.of(key), {
      former: identities.of(key),
      serviceAt: (other) => known.world.service.get(other),
    });
  }

  function put(layer: Layer, key: string): readonly Change[] {
    const all = resourcesOf(layer, key);
    const resources = layer === shared ? all : differing(all, resourcesOf(shared, key));
    return layer.shelf.put(key, resources).map((change) => ({ ...change, content: layer.shelf.target }));
  }

  function replan(key: string): void {
    const plan = planService(known.world, key, domains, calledBy);
    if (plan === undefined) plans.delete(key);
    else plans.set(key, plan);
  }

  /**
   * Plans what objects say about these Services anew.
   *
   * @param endpoints Services of which only endpoints are others
   */
  function refresh(traffic: Iterable<string>, endpoints: Iterable<string>): readonly Change[] {
    const taken = shared.traffic.take(traffic, (key) => planTraffic(known, key, anyClient));
    for (const key of taken) {
      if (dependsOnClient(known, key)) dependent.add(key);
      else dependent.delete(key);
    }
    const keys = new Set([...taken, ...endpoints]);
    return [
      ...[...keys].flatMap((key) => put(shared, key)),
      ...[...views.values()].flatMap((layer) => {
        const isOf = (key: string): boolean => dependent.has(key) || layer.shelf.has(key);
        const own = layer.traffic.take([...taken].filter(isOf), (key) => planTraffic(known, key, layer.view));
        return [...new Set([...own, ...[...keys].filter(isOf)])].flatMap((key) => put(layer, key));
      }),
    ];
  }

  return {
    shared,
    plans,
    look(world) {
      const { rules } = known.world;
      const index = world.rules === rules ? known.index : indexRules(world.rules, domains);
      known = { world, domains, index };
      if (world.rules.VirtualService !== rules.VirtualService) {
        const next = askedLabels(world.rules);
        if (next.size !== asked.size || [...next].some((name) => !asked.has(name))) asked = next;
      }
      return known;
    },
    advance({ services, endpoints, traffic }) {
      for (const key of new Set([...services, ...endpoints])) replan(key);
      return refresh(new Set([...services, ...traffic]), endpoints);
    },
    forgetIdentities: () =>
      [shared, ...views.values()].flatMap((layer) => [...layer.identities.forget()].flatMap((key) => put(layer, key))),
    layerOf(pod) {
      const view = viewOf(pod, asked);
      const key = canonicalText({ ...view });
      const there = views.get(key);
      if (there !== undefined) return there;
      const layer = createLayer(view, shared.traffic);
      views.set(key, layer);
      for (const service of layer.traffic.take(dependent, (one) => planTraffic(known, one, view))) put(layer, service);
      return layer;
    },
    asked: () => asked,
    trim: (isIdle) => trim(views, isIdle),
    layers: () => [shared, ...views.values()],
    known: () => known,
  };
}
