import type { TrafficIntent } from '../../envoy/intent.ts';
import { canonicalText } from '../../json/json.ts';
import { noticesOf } from '../plan/notices.ts';
import { planService, type Domains, type ServicePlan } from '../plan/service-plan.ts';
import type { Kind } from '../resources/kinds.ts';
import { proxyResources } from '../resources/proxy-resources.ts';
import { serviceListeners } from '../resources/service-listeners.ts';
import { serviceResources } from '../resources/service-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { layered, type Changes, type Target } from '../stream/target.ts';
import type { EncodedResource, Encoder, RefusedResource } from '../wire/encoder.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../world/world.ts';
import { createIdentityMemory } from './former-identities.ts';
import { createShelf, type Shelf } from './shelf.ts';

/** A proxy that takes part. */
export interface Member {
  /** What it should hold. The value stays the same; its content changes. */
  readonly target: Target<EncodedResource>;
  /** Replaces the secrets of this proxy, and returns the names that differ. */
  useSecrets(secrets: readonly Resource[]): Changes;
  /** Ends its part. */
  leave(): void;
}

/** Turns what the API server says into what proxies should hold. */
export interface Catalog {
  readonly world: () => World;
  /** Takes events. Members whose target has changed are called with the names that differ. */
  apply(events: readonly WorldEvent[]): void;
  /** Drops identities that no endpoint has had for a minute; to be called every few seconds. */
  forgetIdentities(): void;
  /** Takes in a proxy; `changed` is called after each change of its target. */
  join(traffic: TrafficIntent, changed: (changes: Changes) => void): Member;
}

type Names = ReadonlyMap<Kind, ReadonlySet<string>>;

function merge(all: readonly Names[]): Changes {
  const merged: Partial<Record<Kind, Set<string>>> = {};
  for (const names of all) {
    for (const [kind, some] of names) {
      if (some.size === 0) continue;
      const into = (merged[kind] ??= new Set());
      for (const name of some) into.add(name);
    }
  }
  return merged;
}

/** Proxies whose service listeners are the same, because their settings are. */
interface Profile {
  readonly traffic: TrafficIntent;
  readonly listeners: Shelf;
  readonly members: Map<Member, (changes: Changes) => void>;
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

/**
 * Creates a catalog of an empty world. `refused` is called for resources that Envoy would reject, `noticed` when a Service asks for
 * something else than before that its clients do not get.
 */
export function createCatalog(
  encoder: Encoder,
  domains: Domains,
  nowMs: () => number,
  refused: (resource: RefusedResource, owner: string) => void,
  noticed: (service: string, notices: readonly string[]) => void,
): Catalog {
  const identities = createIdentityMemory(nowMs);
  let world = emptyWorld;
  const plans = new Map<string, ServicePlan>();
  const notices = new Map<string, string>();
  const shared = createShelf(encoder, refused);
  const profiles = new Map<string, Profile>();

  function notice(key: string): void {
    const service = world.service.get(key);
    const now = service === undefined ? [] : noticesOf(service);
    const text = now.join();
    if (text === (notices.get(key) ?? '')) return;
    notices.set(key, text);
    if (now.length === 0) notices.delete(key);
    else noticed(key, now);
  }

  function replan(key: string): Names {
    const plan = planService(world, key, domains);
    if (plan === undefined) plans.delete(key);
    else plans.set(key, plan);
    return shared.put(key, plan === undefined ? [] : serviceResources(plan, identities.of(key)));
  }

  function relisten({ listeners, traffic }: Profile, key: string): Names {
    const plan = plans.get(key);
    return listeners.put(key, plan === undefined ? [] : serviceListeners(plan, traffic));
  }

  function profileOf(traffic: TrafficIntent): Profile {
    const key = profileKey(traffic);
    const known = profiles.get(key);
    if (known !== undefined) return known;
    const profile: Profile = { traffic, listeners: createShelf(encoder, refused), members: new Map() };
    profiles.set(key, profile);
    for (const service of plans.keys()) relisten(profile, service);
    return profile;
  }

  /** Plans Services anew, and tells the members what differs. */
  function update(services: Iterable<string>, listening: Iterable<string>): void {
    const common = [...services].map(replan);
    for (const profile of profiles.values()) {
      const changes = merge([...common, ...[...listening].map((key) => relisten(profile, key))]);
      if (Object.keys(changes).length === 0) continue;
      for (const notify of profile.members.values()) notify(changes);
    }
  }

  return {
    world: () => world,
    apply(events) {
      const { world: next, touched } = applyEvents(world, events);
      world = next;
      for (const key of touched.services) notice(key);
      // Endpoints are listeners only of headless Services.
      const headless = [...touched.endpoints].filter((key) => world.service.get(key)?.isHeadless === true);
      update(new Set([...touched.services, ...touched.endpoints]), new Set([...touched.services, ...headless]));
    },
    forgetIdentities: () => update(identities.forget(), []),
    join(traffic, changed) {
      const profile = profileOf(traffic);
      const own = createShelf(encoder, refused);
      own.put('proxy', proxyResources(traffic, domains.trust));
      const member: Member = {
        target: layered([own.target, shared.target, profile.listeners.target]),
        useSecrets: (secrets) => merge([own.put('secrets', secrets)]),
        leave() {
          profile.members.delete(member);
          if (profile.members.size === 0) profiles.delete(profileKey(traffic));
        },
      };
      profile.members.set(member, changed);
      return member;
    },
  };
}
