/** Values that were put last, within a number of them and within a sum of bytes: no caller can fill the memory. */
export interface RecentlyUsed<V> {
  get(key: string): V | undefined;
  /** Puts the value behind all others; one that is larger than an entry may be is not kept, nor what was there before. */
  put(key: string, value: V): void;
  delete(key: string): void;
}

/** Bounds of one memory. */
export interface MemoryBounds {
  readonly entries: number;
  /** Of one key with its value, as `weigh` counts. */
  readonly entryBytes: number;
  /** Of all together. */
  readonly bytes: number;
}

/** What an object or a list takes beside its members, and a member beside its value; V8's own numbers are near these. */
const objectBytes = 32;
const memberBytes = 16;

/**
 * Roughly the bytes of memory that a plain value takes, texts as two bytes a character. More than `most` is not counted
 * on: the answer is then some number above it.
 */
export function weigh(value: unknown, most: number): number {
  if (typeof value === 'string') return memberBytes + 2 * value.length;
  if (typeof value !== 'object' || value === null) return memberBytes;
  let bytes = objectBytes;
  // Not by `in`, which makes a text of every index.
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && bytes <= most; index++) bytes += weigh(value[index], most - bytes);
    return bytes;
  }
  for (const key in value) {
    if (bytes > most) return bytes;
    bytes += 2 * key.length;
    bytes += weigh((value as { readonly [key: string]: unknown })[key], most - bytes);
  }
  return bytes;
}

/** An empty memory. `weighed` is what of a value counts, for values that hold what is not theirs alone. */
export function rememberRecent<V>(
  { entries, entryBytes, bytes }: MemoryBounds,
  weighed: (value: V) => unknown,
): RecentlyUsed<V> {
  const kept = new Map<string, { readonly value: V; readonly weight: number }>();
  let sum = 0;
  const remove = (key: string): void => {
    sum -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  };
  return {
    get: (key) => kept.get(key)?.value,
    delete: remove,
    put(key, value) {
      const before = kept.get(key);
      // The same object weighs what it weighed.
      const weight =
        before?.value === value ? before.weight : weigh(key, entryBytes) + weigh(weighed(value), entryBytes);
      remove(key);
      if (weight > entryBytes) return;
      // A map keeps the order of insertion: its first key is the one that was not put for longest.
      while (kept.size >= entries || sum + weight > bytes) {
        const [oldest] = kept.keys();
        if (oldest === undefined) return;
        remove(oldest);
      }
      kept.set(key, { value, weight });
      sum += weight;
    },
  };
}
