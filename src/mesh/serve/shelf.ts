import { kinds, type Kind } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import type { Target } from '../stream/target.ts';
import type { EncodedResource, Encoder, RefusedResource } from '../wire/encoder.ts';

/** An encoded resource of an owner. */
export interface ShelvedResource extends EncodedResource {
  readonly owner: string;
}

/** Encoded resources by kind and name, each of which belongs to an owner, such as a Service. */
export interface Shelf {
  /** The resources that are there now. The value stays the same; its content changes. */
  readonly target: Target<ShelvedResource>;
  /** Returns whether an owner has resources. */
  has(owner: string): boolean;
  /** Returns the kinds and names of an owner's resources. */
  namesOf(owner: string): Iterable<readonly [Kind, string]>;
  /** Replaces all resources of an owner, and returns the names that differ afterwards, with what was there before. */
  put(owner: string, resources: readonly Resource[]): readonly ShelfChange[];
}

/** A name whose content differs, and what was there before. */
export interface ShelfChange {
  readonly kind: Kind;
  readonly name: string;
  readonly before: ShelvedResource | undefined;
}

/**
 * Creates an empty shelf. If several owners have a resource of one name, that of the first in alphabetical order counts, so that
 * it does not depend on who came first. `refused` is called for what Envoy would reject; the owner's last good content stays.
 */
export function createShelf(encoder: Encoder, refused: (resource: RefusedResource, owner: string) => void): Shelf {
  const content = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, ShelvedResource>()])) as Readonly<
    Record<Kind, Map<string, ShelvedResource>>
  >;
  /** By kind and name, then by owner. */
  const entries = new Map<string, Map<string, ShelvedResource>>();
  const owned = new Map<string, ReadonlyMap<string, readonly [Kind, string]>>();

  /** Returns what an owner has now. What has not changed stays the same object, by which streams share bytes. */
  function entryOf(
    owner: string,
    resource: Resource,
    before: ShelvedResource | undefined,
  ): ShelvedResource | undefined {
    const encoded = encoder.encode(resource);
    if (!('violations' in encoded)) return before?.version === encoded.version ? before : { ...encoded, owner };
    refused(encoded, owner);
    return before;
  }

  /** Puts what counts for a name into the content, and returns the change if there is one. */
  function settle(id: string, kind: Kind, name: string): readonly ShelfChange[] {
    const [first] = [...(entries.get(id) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const before = content[kind].get(name);
    if (first === undefined) content[kind].delete(name);
    else content[kind].set(name, first[1]);
    return before?.version === content[kind].get(name)?.version ? [] : [{ kind, name, before }];
  }

  return {
    target: content,
    has: (owner) => owned.has(owner),
    namesOf: (owner) => owned.get(owner)?.values() ?? [],
    put(owner, resources) {
      const changes: ShelfChange[] = [];
      const now = new Map(resources.map(({ kind, name }) => [`${kind} ${name}`, [kind, name] as const]));
      for (const resource of resources) {
        const id = `${resource.kind} ${resource.name}`;
        const owners = entries.get(id) ?? new Map<string, ShelvedResource>();
        const entry = entryOf(owner, resource, owners.get(owner));
        if (entry === undefined) continue;
        owners.set(owner, entry);
        entries.set(id, owners);
        changes.push(...settle(id, resource.kind, resource.name));
      }
      for (const [id, [kind, name]] of owned.get(owner) ?? []) {
        if (now.has(id)) continue;
        entries.get(id)?.delete(owner);
        if (entries.get(id)?.size === 0) entries.delete(id);
        changes.push(...settle(id, kind, name));
      }
      if (now.size === 0) owned.delete(owner);
      else owned.set(owner, now);
      return changes;
    },
  };
}
