import { kinds, type Kind } from '../resources/kinds.ts';
import type { Resource } from '../resources/resource.ts';
import type { Target } from '../stream/target.ts';
import type { EncodedResource, Encoder, RefusedResource } from '../wire/encoder.ts';

/** Encoded resources by kind and name, each of which belongs to one owner, such as a Service. */
export interface Shelf {
  /** The resources that are there now. The value stays the same; its content changes. */
  readonly target: Target<EncodedResource>;
  /** Replaces all resources of an owner, and returns the names that differ afterwards. */
  put(owner: string, resources: readonly Resource[]): ReadonlyMap<Kind, ReadonlySet<string>>;
}

/** Creates an empty shelf. `refused` is called for what Envoy would reject; the last good content of that name stays. */
export function createShelf(encoder: Encoder, refused: (resource: RefusedResource, owner: string) => void): Shelf {
  const content = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, EncodedResource>()])) as Readonly<
    Record<Kind, Map<string, EncodedResource>>
  >;
  const owned = new Map<string, readonly (readonly [Kind, string])[]>();
  /** What the bytes were made from: building an object again is cheaper than encoding it. */
  const sources = new Map<string, string>();

  return {
    target: content,
    put(owner, resources) {
      const changed = new Map<Kind, Set<string>>(kinds.map((kind) => [kind, new Set()]));
      const keep = new Set<string>();
      for (const resource of resources) {
        const { kind, name } = resource;
        const id = `${kind} ${name}`;
        keep.add(id);
        const source = JSON.stringify(resource.json);
        if (sources.get(id) === source) continue;
        sources.set(id, source);
        const encoded = encoder.encode(resource);
        if ('violations' in encoded) {
          refused(encoded, owner);
          continue;
        }
        if (content[kind].get(name)?.version === encoded.version) continue;
        content[kind].set(name, encoded);
        changed.get(kind)?.add(name);
      }
      for (const [kind, name] of owned.get(owner) ?? []) {
        if (keep.has(`${kind} ${name}`)) continue;
        sources.delete(`${kind} ${name}`);
        if (content[kind].delete(name)) changed.get(kind)?.add(name);
      }
      if (resources.length === 0) owned.delete(owner);
      else
        owned.set(
          owner,
          resources.map(({ kind, name }) => [kind, name] as const),
        );
      return changed;
    },
  };
}
