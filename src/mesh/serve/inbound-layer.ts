import type { TrafficIntent } from '../../envoy/intent.ts';
import { planInbound } from '../plan/inbound-plan.ts';
import type { ModesOf } from '../plan/peer-modes.ts';
import type { Domains } from '../plan/service-plan.ts';
import type { ResourceName } from '../resources/kinds.ts';
import { inboundResources } from '../resources/proxy-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { emptyTarget, type Changes, type Target } from '../stream/target.ts';
import type { Pod } from '../world/pod.ts';
import type { World } from '../world/world.ts';
import type { ShelvedResource } from './shelf.ts';

/** What decides on the connections that arrive at one pod. */
export interface InboundLayer {
  readonly target: () => Target<ShelvedResource>;
  readonly names: () => readonly ResourceName[];
  /** Looks whether it is something else now. Returns the names that differ; undefined if none do. */
  look(): Changes | undefined;
}

/** What an inbound layer needs. */
export interface InboundSurroundings {
  readonly world: () => World;
  readonly domains: Domains;
  /** What the proxy of a pod takes at the moment. */
  readonly servedBy: ModesOf<Pod>;
  /** Returns a target that has these resources. Proxies with the same share it. */
  readonly share: (resources: readonly Resource[]) => Target<ShelvedResource>;
}

/** What is known of a pod that the API server does not have: nothing that a selector could fit. */
function unknownPod(namespace: string): Pick<Pod, 'namespace' | 'labels'> {
  return { namespace, labels: {} };
}

/** Creates the layer of a pod, by its key. */
export function createInboundLayer(pod: string, traffic: TrafficIntent, around: InboundSurroundings): InboundLayer {
  const { world, domains, servedBy, share } = around;
  let target: Target<ShelvedResource> = emptyTarget;
  let text = '';
  let names: readonly ResourceName[] = [];

  function look(): Changes | undefined {
    const known = world().pod.get(pod);
    // What is no longer known of a pod whose proxy goes on is as it was.
    if (known === undefined && text !== '') return undefined;
    const subject = known ?? { ...unknownPod(traffic.self.namespace), key: pod };
    const plan = planInbound(world().rules, subject, servedBy(subject as Pod), domains.rootNamespace);
    const next = JSON.stringify([plan, [...plan.modes.ports]]);
    if (next === text) return undefined;
    text = next;
    const resources = inboundResources(traffic, plan, domains.trust);
    names = resources.map(({ kind, name }) => [kind, name] as const);
    target = share(resources);
    return Object.fromEntries(names.map(([kind, name]) => [kind, [name]]));
  }

  look();
  return { target: () => target, names: () => names, look };
}
