import type { TrafficIntent } from '../../envoy/intent.ts';
import { ownServices } from '../plan/own-services.ts';
import { planService } from '../plan/service-plan.ts';
import { planTraffic, type Known } from '../plan/service-traffic.ts';
import type { View } from '../plan/view.ts';
import { applicationCluster, outboundResources } from '../resources/proxy-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { serviceListeners } from '../resources/service-listeners.ts';
import { serviceResources } from '../resources/service-resources.ts';

/** A proxy of the mesh: what it says of itself, and which objects count for it. */
export interface Client {
  readonly view: View;
  readonly traffic: TrafficIntent;
}

/**
 * Returns what the control plane sends to a proxy that has just started, in a world that it has just read, but for certificates. (In one
 * that has changed, it also remembers: identities of former endpoints, and the last good routes.) Of two with one name, the first counts.
 */
export function clientResources(known: Known, { view, traffic }: Client): readonly Resource[] {
  const { world, domains } = known;
  const { namespace, name } = traffic.self;
  return [
    ...outboundResources(traffic),
    applicationCluster(traffic, ownServices(world, `${namespace}/${name}`, domains)),
    ...[...world.service.keys()].toSorted().flatMap((key) => {
      const plan = planService(world, key, domains, known.index.peers.modesOf);
      if (plan === undefined) return [];
      const planned = { ...planTraffic(known, key, view).traffic, isDestination: world.rulesOfBackend.has(key) };
      const serviceAt = (other: string) => world.service.get(other);
      return [...serviceListeners(plan, traffic), ...serviceResources(plan, planned, { serviceAt })];
    }),
  ];
}
