import type { TrafficIntent } from '../../envoy/intent.ts';
import { closedInbound, type InboundPlan } from '../plan/inbound-plan.ts';
import type { ModesOf } from '../plan/peer-modes.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { ResourceName } from '../resources/kinds.ts';
import { inboundResources } from '../resources/proxy-resources.ts';
import type { Resource } from '../resources/resource.ts';
import { emptyTarget, type Changes, type Target } from '../stream/target.ts';
import type { Pod } from '../world/pod.ts';
import type { ShelvedResource } from './shelf.ts';

/** What decides on the connections that arrive at one pod. */
export interface InboundLayer {
  readonly target: () => Target<ShelvedResource>;
  readonly names: () => readonly ResourceName[];
  /** Looks whether it is something else now. Returns the names that differ; undefined if none do. */
  look(): Changes | undefined;
  /** Takes the news that the proxy has rejected a resource: if it is one of these, nobody is let in until something else is meant. */
  rejected(resource: Pick<ShelvedResource, 'kind' | 'name' | 'version'>): Changes | undefined;
}

/** What an inbound layer needs. */
export interface InboundSurroundings {
  readonly known: () => Known;
  /** What the proxy of a pod takes at the moment. */
  readonly servedBy: ModesOf<Pod>;
  /** Returns a target that has these resources, but for those that Envoy would reject. Proxies with the same share it. */
  readonly share: (resources: readonly Resource[]) => Target<ShelvedResource>;
}

/** Creates the layer of a pod, by its key. */
export function createInboundLayer(pod: string, traffic: TrafficIntent, around: InboundSurroundings): InboundLayer {
  const { known, servedBy, share } = around;
  let target: Target<ShelvedResource> = emptyTarget;
  /** What is meant, as text. */
  let meant: string | undefined;
  let names: readonly ResourceName[] = [];
  let isClosed = false;

  function put(plan: InboundPlan): boolean {
    const resources = inboundResources(traffic, plan, known().domains.trust);
    const next = share(resources);
    names = resources.map(({ kind, name }) => [kind, name] as const);
    target = next;
    return names.every(([kind, name]) => next[kind].has(name));
  }

  function close(): void {
    isClosed = true;
    put(closedInbound);
  }

  const changes = (): Changes => Object.fromEntries(names.map(([kind, name]) => [kind, [name]]));

  function look(): Changes | undefined {
    const { world, index } = known();
    const subject = world.pod.get(pod);
    if (subject === undefined) {
      // What is no longer known of a pod whose proxy goes on is as it was.
      if (meant === undefined) close();
      return undefined;
    }
    const plan = { modes: servedBy(subject), access: index.accessTo(subject), limits: index.limitsOf(subject) };
    const next = JSON.stringify([plan.access, plan.limits, plan.modes.base, [...plan.modes.ports]]);
    if (next === meant) return undefined;
    meant = next;
    isClosed = false;
    if (!put(plan)) close();
    return changes();
  }

  look();
  return {
    target: () => target,
    names: () => names,
    look,
    rejected({ kind, name, version }) {
      const isOwn = names.some(([one, other]) => one === kind && other === name);
      if (!isOwn || isClosed || target[kind].get(name)?.version !== version) return undefined;
      close();
      return changes();
    },
  };
}
