import type { Resource } from '../resources/resource.ts';
import type { Target } from '../stream/target.ts';
import type { Shelf, ShelvedResource } from './shelf.ts';

/**
 * Owners of what a proxy has besides what it calls: for captured connections, which many proxies have; secrets, and what follows the
 * Services of its pod, which it has alone. Services that are called are owners with their namespaces.
 */
export const ownerOf = { capture: 'proxy', secrets: 'secrets', services: 'services of the pod' } as const;

/** Returns whether one proxy has a resource alone. */
export function isOwn({ owner }: ShelvedResource): boolean {
  return owner === ownerOf.secrets || owner === ownerOf.services;
}

/** How many are kept: those that were needed last. */
const keptSets = 64;

/**
 * Returns a function that says what a proxy has for captured connections, by what it should have. Most proxies have the same, so that it is
 * encoded once for them, and streams share its bytes.
 */
export function createCaptureSets(newShelf: () => Shelf): (resources: readonly Resource[]) => Target<ShelvedResource> {
  /** By the resources as text, those that were needed last at the end. */
  const sets = new Map<string, Shelf>();
  return (resources) => {
    const key = JSON.stringify(resources);
    const shelf = sets.get(key) ?? newShelf();
    if (!sets.delete(key)) shelf.put(ownerOf.capture, resources);
    sets.set(key, shelf);
    const [oldest] = sets.keys();
    if (sets.size > keptSets && oldest !== undefined) sets.delete(oldest);
    return shelf.target;
  };
}
