import { isObject, member, type Json, type JsonObject } from './json.ts';
import { identityIn, type Identify } from './overlay.ts';
import { withoutChoice, withUniquePortNames } from './unions.ts';

/**
 * Merges two lists by key. Items of the patch keep their order, and so do items that only the base has. Such an item
 * goes before an item of the patch only if it precedes that item in the base (apimachinery's strategic merge).
 */
function mergeList(base: readonly Json[], patch: readonly Json[], list: string, identify: Identify): Json[] {
  const place = new Map(base.map((item, index) => [identify(item), index]));
  const patched = new Set(patch.map((item) => identify(item)));
  const alone = base.map((item, index) => ({ item, index })).filter(({ item }) => !patched.has(identify(item)));
  const merged: Json[] = [];
  let taken = 0;
  const takeBefore = (end: number): void => {
    for (let next = alone[taken]; next !== undefined && next.index < end; next = alone[taken]) {
      merged.push(next.item);
      taken += 1;
    }
  };
  for (const item of patch) {
    const at = place.get(identify(item));
    if (at !== undefined) takeBefore(at);
    if (isObject(item) && member(item, '$patch') === 'delete') continue;
    const original = at === undefined ? undefined : base[at];
    merged.push(isObject(original) && isObject(item) ? mergeObject(original, item, list) : clean(item));
  }
  takeBefore(base.length);
  return merged;
}

/** Returns the patch as it is where there is nothing to merge with: its nulls and directives are dropped. */
function clean(value: Json): Json {
  return isObject(value) ? strategicMerge({}, value) : value;
}

function mergeObject(base: JsonObject, patch: JsonObject, name: string): JsonObject {
  return strategicMerge(withoutChoice(base, patch, name, true), patch);
}

function mergeValue(base: Json | undefined, patch: Json, name: string): Json {
  if (isObject(patch)) return mergeObject(isObject(base) ? base : {}, patch, name);
  const identify = identityIn(name);
  if (identify === undefined || !Array.isArray(patch)) return patch;
  const items = patch as readonly Json[];
  const merged = mergeList(Array.isArray(base) ? (base as readonly Json[]) : [], items, name, identify);
  return name === 'ports' ? withUniquePortNames(merged, items, identify) : merged;
}

/**
 * Returns the base with the patch laid over it, as the API server's strategic merge patch does for pods: objects merge,
 * keyed lists merge by key, null removes a member, and `$patch: replace` drops the base. Objects that the patch does
 * not touch keep their identity. Unlike there, the patch's choice replaces the base's where only one may be (the action
 * of a probe, the source of a volume), and ports are matched by number and protocol: the merged pod has to be valid.
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

const byName: Identify = (item) => (isObject(item) ? member(item, 'name') : undefined);

/**
 * Merges two lists of named objects, the patch first. Objects that the patch does not name keep their identity.
 *
 * @param list what the objects are
 */
export function mergeNamed(
  base: readonly JsonObject[],
  patch: readonly JsonObject[],
  list: 'containers' | 'volumes' | 'imagePullSecrets',
): JsonObject[] {
  return mergeList(base, patch, list, byName) as JsonObject[];
}
