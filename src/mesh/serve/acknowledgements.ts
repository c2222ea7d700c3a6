import type { Kind, ResourceName } from '../resources/kinds.ts';
import type { Proxy } from '../stream/rollout.ts';
import type { InboundLayer } from './inbound-layer.ts';
import type { Acknowledgements } from './mode-changes.ts';
import type { Shelf } from './shelf.ts';

type NamedShelf = Pick<Shelf, 'namesOf'>;

/** A proxy that is connected, and what it should hold. */
export interface ConnectedProxy {
  /** Key of its pod. */
  readonly pod: string;
  readonly proxy: Pick<Proxy, 'holds' | 'owes'>;
  /** Returns where the resources of Services are that it gets. */
  readonly shelves: () => readonly NamedShelf[];
  /** Returns the newest version of a resource that it may get. */
  readonly newest: (kind: Kind, name: string) => string | undefined;
  /** Whether it is known to have acknowledged the newest version of everything, without a look at each: false where something is withheld. */
  readonly hasAllNewest: () => boolean;
  /** What decides on what its pod takes. */
  readonly layer: Pick<InboundLayer, 'names'>;
  /** Whether it has had the time to end connections that it was told to take no longer by a replica that was there before. */
  readonly isAtRest: () => boolean;
}

/** How long connections that clients had begun before they were told may take until the pod's proxy has seen what they are. */
const beginningMs = 1_000;

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
  nowMs: () => number,
): Acknowledgements {
  /** Returns a function that says whether these proxies have what is new of a Service. Each is looked at until it has, one after the other. */
  function ofService(
    service: string,
    clients: readonly ConnectedProxy[],
    shelves: Iterable<NamedShelf>,
  ): () => boolean {
    // What is gone afterwards has to go everywhere, too.
    const before = new Map(
      [...shelves].flatMap((shelf) => [...shelf.namesOf(service)]).map((name) => [name.join(' '), name]),
    );
    let left = 0;
    return () => {
      const more = new Map<NamedShelf, readonly ResourceName[]>();
      const moreIn = (shelf: NamedShelf): readonly ResourceName[] => {
        const names = more.get(shelf) ?? [...shelf.namesOf(service)].filter((name) => !before.has(name.join(' ')));
        more.set(shelf, names);
        return names;
      };
      for (; left < clients.length; left += 1) {
        const one = clients[left] as ConnectedProxy;
        if (!connected.has(one) || one.hasAllNewest()) continue;
        for (const name of before.values()) if (!hasNewest(one, name)) return false;
        for (const shelf of one.shelves()) if (!moreIn(shelf).every((name) => hasNewest(one, name))) return false;
      }
      return true;
    };
  }

  return {
    // Also of a proxy that is connected to another replica, and may come here.
    drainMs,
    ofProxy(pod) {
      return () => {
        for (const one of connected) if (one.pod === pod && !hasInbound(one)) return false;
        return true;
      };
    },
    clients() {
      const all = [...connected];
      const shelves = new Set(all.flatMap((one) => one.shelves()));
      const byService = new Map<string, () => boolean>();
      return (pod) => {
        const looks = [...servicesOf(pod)].map((service) => {
          const look = byService.get(service) ?? ofService(service, all, shelves);
          byService.set(service, look);
          return look;
        });
        let sinceMs: number | undefined;
        return () => {
          if (!looks.every((look) => look())) return false;
          sinceMs ??= nowMs();
          return nowMs() - sinceMs >= beginningMs;
        };
      };
    },
  };
}
