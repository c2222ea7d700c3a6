import type { Kind, ResourceName } from '../resources/kinds.ts';
import type { Proxy } from '../stream/rollout.ts';
import type { InboundLayer } from './inbound-layer.ts';
import type { Acknowledgements } from './mode-changes.ts';

/** A proxy that is connected, and what it should hold. */
export interface ConnectedProxy {
  /** Key of its pod. */
  readonly pod: string;
  readonly proxy: Pick<Proxy, 'holds' | 'owes'>;
  /** Returns the resources of a Service, as its clients get them. */
  readonly resourcesOf: (service: string) => Iterable<ResourceName>;
  /** Returns the newest version of a resource that it may get. */
  readonly newest: (kind: Kind, name: string) => string | undefined;
  /** What decides on what its pod takes. */
  readonly layer: Pick<InboundLayer, 'names'>;
}

/** Whether a proxy has acknowledged the newest version, or does not ask for the resource. */
function hasNewest({ proxy, newest }: ConnectedProxy, [kind, name]: ResourceName): boolean {
  const held = proxy.holds(kind, name);
  return held === newest(kind, name) || (held === undefined && !proxy.owes(kind, name));
}

/** Whether a proxy has acknowledged all that decides on what its pod takes. */
export function hasInbound(one: ConnectedProxy): boolean {
  return one.layer.names().every((name) => hasNewest(one, name));
}

/**
 * Returns who has to acknowledge changes of a pod: its own proxy, or those that are connected when its clients are told. One that has left needs
 * not any more; it gets what is new when it returns.
 *
 * @param servicesOf returns the Services by which a pod is called
 * @param drainMs returns how long the proxy of a pod keeps connections that it takes no longer
 */
export function createAcknowledgements(
  connected: ReadonlySet<ConnectedProxy>,
  servicesOf: (pod: string) => Iterable<string>,
  drainMs: Acknowledgements['drainMs'],
): Acknowledgements {
  return {
    // Also of a proxy that is connected to another replica, and may come here.
    drainMs,
    ofProxy: (pod) => () => [...connected].every((one) => one.pod !== pod || hasInbound(one)),
    ofClients(pod) {
      const services = [...servicesOf(pod)];
      // What is gone afterwards has to go everywhere, too.
      const before = new Map([...connected].map((one) => [one, services.flatMap((key) => [...one.resourcesOf(key)])]));
      return () => {
        for (const [one, names] of before) {
          const all = [...names, ...services.flatMap((key) => [...one.resourcesOf(key)])];
          if (!connected.has(one) || all.every((name) => hasNewest(one, name))) before.delete(one);
        }
        return before.size === 0;
      };
    },
  };
}
