import type { Progress } from '../report/progress.ts';
import { originsOf } from '../report/standing.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import type { Kind } from '../resources/kinds.ts';
import type { Proxy } from '../stream/rollout.ts';
import type { Layer } from './service-shelves.ts';

/** A proxy and the layer of its view. */
export interface Viewer {
  readonly proxy: Pick<Proxy, 'holds' | 'owes'>;
  readonly layer: Layer;
}

function isFrom(refs: readonly ObjectRef[], object: string): boolean {
  return refs.some((ref) => objectKey(ref) === object);
}

/** Returns the kinds and names of what comes from an object in a layer, for Services that fit. */
function resourcesFrom(
  { traffic, shelf }: Layer,
  shared: Layer,
  object: string,
  isFit: (service: string) => boolean,
): readonly (readonly [Kind, string])[] {
  return [...traffic.inForce()].flatMap(([service, inForce]) => {
    if (!isFit(service) || !isFrom(originsOf(inForce), object)) return [];
    const ports = new Set(
      [...inForce.routes].flatMap(([port, { origins }]) => (isFrom(origins, object) ? [port] : [])),
    );
    const isPolicy = isFrom(inForce.origins, object);
    return [...shared.shelf.namesOf(service), ...shelf.namesOf(service)].filter(([kind, name]) =>
      kind === 'routes' ? ports.has(Number(name.split('|')[1])) : kind === 'cluster' && isPolicy,
    );
  });
}

/** Counts the proxies that have what comes from an object. */
export function progressOf(object: string, viewers: Iterable<Viewer>, shared: Layer): Progress {
  const byLayer = new Map<Layer, readonly (readonly [Kind, string])[]>();
  let [proxies, holding] = [0, 0];
  for (const { proxy, layer } of viewers) {
    const resources = byLayer.get(layer) ?? [
      ...resourcesFrom(layer, shared, object, () => true),
      ...resourcesFrom(shared, shared, object, (service) => !layer.traffic.knows(service)),
    ];
    byLayer.set(layer, resources);
    const versionOf = (kind: Kind, name: string): string | undefined =>
      (layer.shelf.target[kind].get(name) ?? shared.shelf.target[kind].get(name))?.version;
    // Not every proxy asks for all routes: those of a family that it does not have, for example.
    const own = resources.filter(([kind, name]) => proxy.holds(kind, name) !== undefined || proxy.owes(kind, name));
    if (own.length === 0) continue;
    proxies += 1;
    if (own.every(([kind, name]) => proxy.holds(kind, name) === versionOf(kind, name))) holding += 1;
  }
  return { proxies, holding };
}
