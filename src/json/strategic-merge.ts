import { isObject, member, type Json, type JsonObject } from './json.ts';
import { mergeKeyOf } from './overlay.ts';

function keyOf(item: Json, key: string): Json | undefined {
  return isObject(item) ? member(item, key) : undefined;
}

/**
 * Merges two lists by key. Items of the patch keep their order, and so do items that only the base has. Such an item
 * goes before an item of the patch only if it precedes that item in the base (apimachinery's strategic merge).
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

/** Returns the patch as it is where there is nothing to merge with: its nulls and directives are dropped. */
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
 * Returns the base with the patch laid over it, as the API server's strategic merge patch does for pods: objects merge,
 * keyed lists merge by key, null removes a member, and `$patch: replace` drops the base. Objects that the patch does
 * not touch keep their identity.
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

/** Merges two lists of named objects, the patch first. Objects that the patch does not name keep their identity. */
export function mergeNamed(base: readonly JsonObject[], patch: readonly JsonObject[]): JsonObject[] {
  return mergeList(base, patch, 'name') as JsonObject[];
}
