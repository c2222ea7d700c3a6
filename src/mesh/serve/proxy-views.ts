import type { World } from '../world/world.ts';
import type { Layer, ServiceShelves } from './service-shelves.ts';

/** A proxy and the view that it is in. */
export interface PlacedProxy {
  readonly layer: () => Layer;
  leave(): void;
}

/** Which proxy is in which view. */
export interface ProxyViews {
  /** Takes in the proxy of a pod. `move` is called when the pod is in another view, because its labels or the rules have changed. */
  place(namespace: string, pod: string, move: (layer: Layer) => void): PlacedProxy;
  /** Looks whether the proxies of these pods are in other views now. */
  look(pods: ReadonlySet<string>): void;
}

interface Place {
  readonly namespace: string;
  /** Key of the pod. */
  readonly pod: string;
  readonly move: (layer: Layer) => void;
  layer: Layer;
}

/** Creates it without proxies. `dropped` is called for a view that no proxy has had for a while. */
export function createProxyViews(
  shelves: ServiceShelves,
  world: () => World,
  dropped: (layer: Layer) => void,
): ProxyViews {
  const places = new Set<Place>();
  let asked = shelves.asked();

  function layerOf(namespace: string, pod: string): Layer {
    return shelves.layerOf({ namespace, labels: world().pod.get(pod)?.labels ?? {} });
  }

  function tidy(): void {
    const used = new Set([...places].map(({ layer }) => layer));
    for (const layer of shelves.trim((one) => !used.has(one))) dropped(layer);
  }

  return {
    place(namespace, name, move) {
      const pod = `${namespace}/${name}`;
      const place: Place = { namespace, pod, move, layer: layerOf(namespace, pod) };
      places.add(place);
      return {
        layer: () => place.layer,
        leave() {
          places.delete(place);
          tidy();
        },
      };
    },
    look(pods) {
      const isAskedAnew = asked !== shelves.asked();
      asked = shelves.asked();
      for (const place of places) {
        if (!isAskedAnew && !pods.has(place.pod)) continue;
        // What is no longer known of a pod whose proxy goes on is as it was.
        if (!world().pod.has(place.pod)) continue;
        const layer = layerOf(place.namespace, place.pod);
        if (layer === place.layer) continue;
        place.layer = layer;
        place.move(layer);
      }
      tidy();
    },
  };
}
