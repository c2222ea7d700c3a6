import { isObject, type Json } from '../../../src/json/json.ts';

/** Every value with one key or item less, the biggest parts first. */
function* smaller(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    for (const index of items.keys()) yield items.toSpliced(index, 1);
    for (const [index, item] of items.entries()) for (const less of smaller(item)) yield items.with(index, less);
  } else if (isObject(value)) {
    const entries = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
    for (const [key] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== key));
    for (const [key, inner] of entries) for (const less of smaller(inner)) yield { ...value, [key]: less };
  }
}

/** The smallest value found, by leaving out one part after another, that still is what is wanted. */
export async function reduce<T extends Json>(value: T, isWanted: (candidate: T) => Promise<boolean>): Promise<T> {
  for (const candidate of smaller(value)) {
    if (await isWanted(candidate as T)) return reduce(candidate as T, isWanted);
  }
  return value;
}
