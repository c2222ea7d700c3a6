import type { TrafficIntent } from '../../envoy/intent.ts';
import { canonicalText } from '../../json/json.ts';
import type { ServicePlan } from '../plan/service-plan.ts';
import { serviceListeners } from '../resources/service-listeners.ts';
import type { Published } from '../stream/published.ts';
import { trim } from './idle.ts';
import type { Shelf, ShelvedResource } from './shelf.ts';

/** Proxies whose service listeners are the same, because their settings are. */
export interface Profile {
  readonly key: string;
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

/** The listeners of Services, for all settings that proxies have. */
export interface ListenerProfiles {
  /** Takes in a proxy. */
  join(traffic: TrafficIntent): Profile;
  /** Lets a proxy go. Returns the listeners that are forgotten, because nobody has used them for the longest. */
  leave(profile: Profile): readonly Shelf[];
  /** Makes the listeners of Services anew. Returns what differs. */
  relisten(services: Iterable<string>): readonly Published<ShelvedResource>[];
}

/** Creates it without proxies. */
export function createListenerProfiles(
  plans: () => ReadonlyMap<string, ServicePlan>,
  createShelf: () => Shelf,
): ListenerProfiles {
  const profiles = new Map<string, Profile>();

  function relisten({ listeners, traffic }: Profile, key: string): readonly Published<ShelvedResource>[] {
    const plan = plans().get(key);
    const changes = listeners.put(key, plan === undefined ? [] : serviceListeners(plan, traffic));
    return changes.map((change) => ({ ...change, content: listeners.target }));
  }

  function profileOf(key: string, traffic: TrafficIntent): Profile {
    const known = profiles.get(key);
    if (known !== undefined) return known;
    const profile: Profile = { key, traffic, listeners: createShelf(), uses: 0 };
    profiles.set(key, profile);
    for (const service of plans().keys()) relisten(profile, service);
    return profile;
  }

  return {
    join(traffic) {
      const profile = profileOf(profileKey(traffic), traffic);
      profile.uses += 1;
      return profile;
    },
    leave(profile) {
      profile.uses -= 1;
      // What is used the latest is at the end.
      if (profile.uses === 0 && profiles.delete(profile.key)) profiles.set(profile.key, profile);
      return trim(profiles, ({ uses }) => uses === 0).map(({ listeners }) => listeners);
    },
    relisten: (services) => [...services].flatMap((key) => [...profiles.values()].flatMap((one) => relisten(one, key))),
  };
}
