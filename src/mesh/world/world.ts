import { noRules } from '../rules/rule-kinds.ts';
import { Draft, link, unlink, type Sets } from './draft.ts';
import type { EndpointSlice } from './endpoint-slice.ts';
import type { Pod } from './pod.ts';
import { draftRules, type IndexedRules, type RuleEvent } from './rule-changes.ts';
import type { Service } from './service.ts';

/** The objects of a cluster that a mesh reads, by kind. */
export interface Objects {
  readonly service: Service;
  readonly slice: EndpointSlice;
  readonly pod: Pod;
}

/** A kind of object that every cluster has. */
export type ObjectKind = keyof Objects;

/** What the API server says, at one moment. A change makes a new value, which shares all that has not changed. */
export interface World extends IndexedRules {
  readonly service: ReadonlyMap<string, Service>;
  readonly slice: ReadonlyMap<string, EndpointSlice>;
  readonly pod: ReadonlyMap<string, Pod>;
  /** Keys of the slices of a Service. */
  readonly slicesOfService: Sets;
  /** Keys of the slices that name a pod, by its key, or an address without saying whose, by the address. */
  readonly slicesOfPod: Sets;
  /** Keys of the pods that have an address; ended pods have none. */
  readonly podsOfAddress: Sets;
}

/** A change of one object that every cluster has. */
export type ObjectEvent = {
  readonly [K in ObjectKind]: { readonly kind: K; readonly key: string; readonly value: Objects[K] | undefined };
}[ObjectKind];

/** A change of one object. */
export type WorldEvent = ObjectEvent | RuleEvent;

/** What has changed: keys of Services whose own plan, endpoints or rules may differ now, and keys of pods. */
export interface Touched {
  readonly services: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  readonly traffic: ReadonlySet<string>;
  readonly pods: ReadonlySet<string>;
  /** Namespaces whose objects that protect pods have changed. */
  readonly guarding: ReadonlySet<string>;
}

/** A world without objects. */
export const emptyWorld: World = {
  service: new Map(),
  slice: new Map(),
  pod: new Map(),
  slicesOfService: new Map(),
  slicesOfPod: new Map(),
  podsOfAddress: new Map(),
  rules: noRules,
  rulesOfBackend: new Map(),
};

/** Returns by what the endpoints of a slice find their pods. */
function podsOf(slice: EndpointSlice | undefined): readonly string[] {
  return (slice?.endpoints ?? []).map(({ pod, address }) => pod ?? address);
}

function addressesOf(pod: Pod | undefined): readonly string[] {
  return pod === undefined || pod.isOver ? [] : pod.addresses;
}

/** Returns the world after the events, and what they touch. A rule that becomes unreadable keeps what it said before. */
export function applyEvents(
  world: World,
  events: readonly WorldEvent[],
): { readonly world: World; readonly touched: Touched } {
  const service = new Draft(world.service);
  const slice = new Draft(world.slice);
  const pod = new Draft(world.pod);
  const slicesOfService = new Draft(world.slicesOfService);
  const slicesOfPod = new Draft(world.slicesOfPod);
  const podsOfAddress = new Draft(world.podsOfAddress);
  const rules = draftRules(world);
  const touched = { services: new Set<string>(), endpoints: new Set<string>(), pods: new Set<string>() };

  function applySlice(key: string, value: EndpointSlice | undefined): void {
    const before = slice.get(key);
    slice.put(key, value);
    for (const name of podsOf(before)) unlink(slicesOfPod, name, key);
    for (const name of podsOf(value)) link(slicesOfPod, name, key);
    if (before?.service !== undefined) unlink(slicesOfService, before.service, key);
    if (value?.service !== undefined) link(slicesOfService, value.service, key);
    for (const one of [before, value]) if (one?.service !== undefined) touched.endpoints.add(one.service);
  }

  function applyPod(key: string, value: Pod | undefined): void {
    const [before, after] = [addressesOf(pod.get(key)), addressesOf(value)];
    for (const address of before) unlink(podsOfAddress, address, key);
    for (const address of after) link(podsOfAddress, address, key);
    pod.put(key, value);
    touched.pods.add(key);
    for (const name of [key, ...before, ...after].flatMap((place) => [...(slicesOfPod.get(place) ?? [])])) {
      const owner = slice.get(name)?.service;
      if (owner !== undefined) touched.endpoints.add(owner);
    }
  }

  for (const event of events) {
    switch (event.kind) {
      case 'service':
        service.put(event.key, event.value);
        touched.services.add(event.key);
        break;
      case 'slice':
        applySlice(event.key, event.value);
        break;
      case 'pod':
        applyPod(event.key, event.value);
        break;
      case 'VirtualService':
      case 'DestinationRule':
      case 'HTTPRoute':
      case 'GRPCRoute':
      case 'ReferenceGrant':
      case 'PeerAuthentication':
      case 'AuthorizationPolicy':
      case 'RateLimit':
        rules.apply(event);
    }
  }
  return {
    world: {
      service: service.result(),
      slice: slice.result(),
      pod: pod.result(),
      slicesOfService: slicesOfService.result(),
      slicesOfPod: slicesOfPod.result(),
      podsOfAddress: podsOfAddress.result(),
      ...rules.result(),
    },
    touched: {
      ...touched,
      traffic: rules.touched(service.result(), touched.services),
      guarding: rules.guarding,
    },
  };
}
