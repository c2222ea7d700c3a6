import { kinds, type Kind } from '../resources/kinds.ts';

/** What a stream has to know of a resource: which one it is, and which content it has. */
export interface Versioned {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  /** What it was made from, such as a Service. */
  readonly owner: string;
}

/** Resources of one kind by name. */
export interface ResourceSet<R> extends Pick<ReadonlyMap<string, R>, 'get' | 'has' | 'keys'> {
  /** Returns whether a name is there without a resource. Where this is missing, none is. */
  readonly withholds?: (name: string) => boolean;
}

/** Kinds whose resources Envoy never drops because they are missing: they go when nobody refers to them. */
export const namedKinds: ReadonlySet<Kind> = new Set<Kind>(['secret', 'endpoints', 'routes']);

/**
 * What a proxy should hold, by kind and name. Proxies that may see the same share one value. A name that is there without a
 * resource is withheld: a proxy keeps what it holds of it.
 */
export type Target<R extends Versioned = Versioned> = Readonly<Record<Kind, ResourceSet<R>>>;

/** Names that differ between two targets. */
export type Changes = Readonly<Partial<Record<Kind, Iterable<string>>>>;

const none = new Map<string, never>();

/** A target without resources. */
export const emptyTarget: Target<never> = {
  secret: none,
  cluster: none,
  endpoints: none,
  listener: none,
  routes: none,
};

function hasAny<R>(layers: readonly ResourceSet<R>[], name: string): boolean {
  for (const layer of layers) if (layer.has(name)) return true;
  return false;
}

function* allKeys<R>(layers: readonly ResourceSet<R>[]): Generator<string> {
  for (const [index, layer] of layers.entries()) {
    const above = layers.slice(0, index);
    for (const name of layer.keys()) if (!hasAny(above, name)) yield name;
  }
}

function layeredSet<R>(layers: readonly ResourceSet<R>[]): ResourceSet<R> {
  // Looked up once: layers without it are asked for thousands of names.
  const withholding = layers.map((layer) => layer.withholds);
  function get(name: string): R | undefined {
    for (let index = 0; index < layers.length; index += 1) {
      const resource = layers[index]?.get(name);
      if (resource !== undefined || withholding[index]?.(name) === true) return resource;
    }
    return undefined;
  }
  const withholds = (name: string): boolean =>
    withholding.some((one) => one?.(name) === true) && get(name) === undefined;
  return {
    get,
    has: (name) => hasAny(layers, name),
    keys: () => allKeys(layers) as MapIterator<string>,
    ...(withholding.some((one) => one !== undefined) && { withholds }),
  };
}

/** Returns a target that shows another one, whichever it is at the moment. */
export function changing<R extends Versioned>(current: () => Target<R>): Target<R> {
  const setOf = (kind: Kind): ResourceSet<R> => ({
    get: (name) => current()[kind].get(name),
    has: (name) => current()[kind].has(name),
    keys: () => current()[kind].keys(),
    withholds: (name) => current()[kind].withholds?.(name) === true,
  });
  return Object.fromEntries(kinds.map((kind) => [kind, setOf(kind)])) as unknown as Target<R>;
}

/** Returns a target of several, of which the first that has a name counts. Nothing is copied, so it shows their changes. */
export function layered<R extends Versioned>(targets: readonly Target<R>[]): Target<R> {
  return Object.fromEntries(
    kinds.map((kind) => [kind, layeredSet(targets.map((target) => target[kind]))]),
  ) as unknown as Target<R>;
}
