import type { TrafficIntent } from '../../envoy/intent.ts';
import { proxyResources } from '../resources/proxy-resources.ts';
import type { Target } from '../stream/target.ts';
import type { Shelf, ShelvedResource } from './shelf.ts';

/** Owner of what a proxy has besides what Services lead to. */
export const proxyOwner = 'proxy';

/** How many are kept: those that were needed last. */
const keptSets = 64;

/**
 * Returns a function that says what a proxy has for captured connections. Most proxies have the same, so that it is encoded once for
 * them, and streams share its bytes.
 */
export function createCaptureSets(
  trustDomain: string,
  newShelf: () => Shelf,
): (traffic: TrafficIntent) => Target<ShelvedResource> {
  /** By the resources as text, those that were needed last at the end. */
  const sets = new Map<string, Shelf>();
  return (traffic) => {
    const resources = proxyResources(traffic, trustDomain);
    const key = JSON.stringify(resources);
    const shelf = sets.get(key) ?? newShelf();
    if (!sets.delete(key)) shelf.put(proxyOwner, resources);
    sets.set(key, shelf);
    const [oldest] = sets.keys();
    if (sets.size > keptSets && oldest !== undefined) sets.delete(oldest);
    return shelf.target;
  };
}
