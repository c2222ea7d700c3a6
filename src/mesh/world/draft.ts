/** Sets by key. */
export type Sets = ReadonlyMap<string, ReadonlySet<string>>;

/** A map that is copied when it is first written to. */
export class Draft<V> {
  readonly #original: ReadonlyMap<string, V>;
  #copy: Map<string, V> | undefined;

  constructor(original: ReadonlyMap<string, V>) {
    this.#original = original;
  }

  get(key: string): V | undefined {
    return (this.#copy ?? this.#original).get(key);
  }

  put(key: string, value: V | undefined): void {
    this.#copy ??= new Map(this.#original);
    if (value === undefined) this.#copy.delete(key);
    else this.#copy.set(key, value);
  }

  result(): ReadonlyMap<string, V> {
    return this.#copy ?? this.#original;
  }
}

/** Puts an item into the set of a key. */
export function link(sets: Draft<ReadonlySet<string>>, key: string, item: string): void {
  const known = sets.get(key);
  if (known?.has(item) === true) return;
  sets.put(key, new Set(known).add(item));
}

/** Takes an item out of the set of a key. */
export function unlink(sets: Draft<ReadonlySet<string>>, key: string, item: string): void {
  const rest = new Set(sets.get(key));
  if (!rest.delete(item)) return;
  sets.put(key, rest.size === 0 ? undefined : rest);
}
