import { isObject, member, type Json, type JsonObject } from './json.ts';
import { mergeKeyOf } from './overlay.ts';

function keyOf(item: Json, key: string): Json | undefined {
  return isObject(item) ? member(item, key) : undefined;
}

/**
 * Two lists by key. Items of the patch keep their order, items of the base alone keep theirs; one of the base goes
 * first only before an item of the patch that the base has further back (apimachinery's strategic merge).
 */
function mergeList(base: readonly Json[], patch: readonly Json[], key: string): Json[] {
  const place = new Map(base.map((item, index) => [keyOf(item, key), index]));
  const patched = new Set(patch.map((item) => keyOf(item, key)));
  const alone = base.map((item, index) => ({ item, index })).filter(({ item }) => !patched.has(keyOf(item, key)));
  const merged: Json[] = [];
  let taken = 0;
  const takeBefore = (end: number): void => {
    for (let next = alone[taken]; next !== undefined && next.index < end; next = alone[taken]) {
      merged.push(next.item);
      taken += 1;
    }
  };
  for (const item of patch) {
    const at = place.get(keyOf(item, key));
    if (at !== undefined) takeBefore(at);
    if (isObject(item) && member(item, '$patch') === 'delete') continue;
    const original = at === undefined ? undefined : base[at];
    merged.push(isObject(original) && isObject(item) ? strategicMerge(original, item) : clean(item));
  }
  takeBefore(base.length);
  return merged;
}

/** A patch where there is nothing to merge with: its nulls and directives take nothing away. */
function clean(value: Json): Json {
  return isObject(value) ? strategicMerge({}, value) : value;
}

function mergeValue(base: Json | undefined, patch: Json, name: string): Json {
  if (isObject(patch)) return strategicMerge(isObject(base) ? base : {}, patch);
  const key = mergeKeyOf(name);
  if (key === undefined || !Array.isArray(patch)) return patch;
  return mergeList(Array.isArray(base) ? (base as readonly Json[]) : [], patch as readonly Json[], key);
}

/**
 * The patch on top of the base as the API server's strategic merge patch does it for pods: objects merge, keyed lists
 * merge by key, null takes away, `$patch: replace` takes the patch alone. Objects that the patch does not touch stay
 * the same objects.
 */
export function strategicMerge(base: JsonObject, patch: JsonObject): JsonObject {
  const isAlone = member(patch, '$patch') === 'replace';
  const merged = new Map(isAlone ? [] : Object.entries(base));
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$') || value === undefined) continue;
    if (value === null) merged.delete(name);
    else merged.set(name, mergeValue(merged.get(name), value, name));
  }
  return Object.fromEntries(merged);
}

/** Two lists of named objects, the patch first; objects that the patch does not name stay the same objects. */
export function mergeNamed(base: readonly JsonObject[], patch: readonly JsonObject[]): JsonObject[] {
  return mergeList(base, patch, 'name') as JsonObject[];
}
