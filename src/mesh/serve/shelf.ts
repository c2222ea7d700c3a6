import { kinds, type Kind } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import type { Target } from '../stream/target.ts';
import type { EncodedResource, Encoder, RefusedResource } from '../wire/encoder.ts';

/** Encoded resources by kind and name, each of which belongs to an owner, such as a Service. */
export interface Shelf {
  /** The resources that are there now. The value stays the same; its content changes. */
  readonly target: Target<EncodedResource>;
  /** Replaces all resources of an owner, and returns the names that differ afterwards. */
  put(owner: string, resources: readonly Resource[]): ReadonlyMap<Kind, ReadonlySet<string>>;
}

/** One owner's content of a name: the bytes, and the text that they were made from. */
interface Entry {
  readonly source: string;
  readonly encoded: EncodedResource;
}

/**
 * Creates an empty shelf. If several owners have a resource of one name, that of the first in alphabetical order counts, so that
 * it does not depend on who came first. `refused` is called for what Envoy would reject; the owner's last good content stays.
 */
export function createShelf(encoder: Encoder, refused: (resource: RefusedResource, owner: string) => void): Shelf {
  const content = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, EncodedResource>()])) as Readonly<
    Record<Kind, Map<string, EncodedResource>>
  >;
  /** By kind and name, then by owner. */
  const entries = new Map<string, Map<string, Entry>>();
  const owned = new Map<string, ReadonlyMap<string, readonly [Kind, string]>>();

  function entryOf(owner: string, resource: Resource, before: Entry | undefined): Entry | undefined {
    // Building an object again is cheaper than encoding it.
    const source = JSON.stringify(resource.json);
    if (before?.source === source) return before;
    const encoded = encoder.encode(resource);
    if (!('violations' in encoded)) return { source, encoded };
    refused(encoded, owner);
    return before;
  }

  /** Puts what counts for a name into the content, and returns whether it differs from before. */
  function settle(id: string, kind: Kind, name: string): boolean {
    const [first] = [...(entries.get(id) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const before = content[kind].get(name)?.version;
    if (first === undefined) content[kind].delete(name);
    else content[kind].set(name, first[1].encoded);
    return before !== content[kind].get(name)?.version;
  }

  return {
    target: content,
    put(owner, resources) {
      const changed = new Map<Kind, Set<string>>(kinds.map((kind) => [kind, new Set()]));
      const now = new Map(resources.map(({ kind, name }) => [`${kind} ${name}`, [kind, name] as const]));
      for (const resource of resources) {
        const id = `${resource.kind} ${resource.name}`;
        const owners = entries.get(id) ?? new Map<string, Entry>();
        const entry = entryOf(owner, resource, owners.get(owner));
        if (entry === undefined) continue;
        owners.set(owner, entry);
        entries.set(id, owners);
        if (settle(id, resource.kind, resource.name)) changed.get(resource.kind)?.add(resource.name);
      }
      for (const [id, [kind, name]] of owned.get(owner) ?? []) {
        if (now.has(id)) continue;
        entries.get(id)?.delete(owner);
        if (entries.get(id)?.size === 0) entries.delete(id);
        if (settle(id, kind, name)) changed.get(kind)?.add(name);
      }
      if (now.size === 0) owned.delete(owner);
      else owned.set(owner, now);
      return changed;
    },
  };
}
