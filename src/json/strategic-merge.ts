import { isObject, member, type Json, type JsonObject } from './json.ts';
import { mergeKeyOf } from './overlay.ts';
import { withoutChoice, withUniqueNames } from './unions.ts';

/** Prefixes of directives that name a list beside it, and the directives for an object (apimachinery's strategicpatch). */
export const directives = {
  patch: '$patch',
  retainKeys: '$retainKeys',
  order: '$setElementOrder/',
  deletion: '$deleteFromPrimitiveList/',
} as const;

/** Merge keys of a pod's lists in addition to those of its containers (k8s.io/api core/v1, patchMergeKey). */
const podLists: ReadonlyMap<string, string> = new Map([
  ['hostAliases', 'ip'],
  ['topologySpreadConstraints', 'topologyKey'],
  ['resourceClaims', 'name'],
  ['schedulingGates', 'name'],
]);

/** Returns the member by which items of a pod's list are merged, or undefined if the list is replaced as a whole. */
export function podMergeKeyOf(list: string): string | undefined {
  return mergeKeyOf(list) ?? podLists.get(list);
}

function keyOf(item: Json, key: string | undefined): Json | undefined {
  if (key === undefined) return item;
  return isObject(item) ? member(item, key) : undefined;
}

function directiveOf(value: Json): Json | undefined {
  return isObject(value) ? member(value, directives.patch) : undefined;
}

/** Returns whether the member or item is left out of a value that stands alone. */
function isOut(value: Json | undefined, marked: 'kept' | 'removed'): boolean {
  return value === undefined || value === null || (marked === 'removed' && directiveOf(value) !== undefined);
}

/**
 * Returns the value without nulls and directives. With `marked` removed, so is everything that has a `$patch`. What has
 * neither keeps its identity, because most templates are free of them and are laid over every pod.
 */
function plain(value: Json, marked: 'kept' | 'removed'): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    let changed: Json[] | undefined;
    items.forEach((item, index) => {
      const isLost = isOut(item, marked);
      const inner = isLost ? null : plain(item, marked);
      if (isLost || inner !== item) changed ??= items.slice(0, index);
      if (!isLost) changed?.push(inner);
    });
    return changed ?? value;
  }
  const object = value as JsonObject;
  const names = Object.keys(object);
  let changed: [string, Json][] | undefined;
  names.forEach((name, index) => {
    const one = object[name];
    const isLost = one === undefined || name.startsWith('$') || isOut(one, marked);
    const inner = isLost ? null : plain(one, marked);
    if (isLost || inner !== one) changed ??= names.slice(0, index).map((other) => [other, object[other] ?? null]);
    if (!isLost) changed?.push([name, inner]);
  });
  return changed === undefined ? object : Object.fromEntries(changed);
}

/**
 * Returns the items that `wanted` names in its order, and between them the others in their own order: one of them goes
 * before a wanted item only if it precedes that item in the base.
 */
function ordered(
  items: readonly Json[],
  wanted: readonly (Json | undefined)[],
  base: readonly Json[],
  key: string | undefined,
): Json[] {
  const placeOf = (keys: readonly (Json | undefined)[]): ReadonlyMap<Json | undefined, number> =>
    new Map(keys.map((one, index) => [one, index] as const).toReversed());
  const rank = placeOf(wanted);
  const place = placeOf(base.map((item) => keyOf(item, key)));
  const isWanted = (item: Json): boolean => rank.has(keyOf(item, key));
  const rankOf = (item: Json): number => rank.get(keyOf(item, key)) ?? 0;
  const first = items.filter(isWanted).toSorted((left, right) => rankOf(left) - rankOf(right));
  const others = items.filter((item) => !isWanted(item));
  const result: Json[] = [];
  let next = 0;
  for (const item of first) {
    const end = place.get(keyOf(item, key)) ?? -1;
    for (; next < others.length; next++) {
      const other = others[next] ?? null;
      if ((place.get(keyOf(other, key)) ?? end) >= end) break;
      result.push(other);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}

/** Returns the list without the items that the patch deletes, and the patch without directives. */
function withoutSpecial(base: readonly Json[], patch: readonly Json[], key: string) {
  const items = patch.filter((item) => directiveOf(item) === undefined);
  if (patch.some((item) => directiveOf(item) === 'replace')) return { original: [], items };
  const deleted = new Set(patch.filter((item) => directiveOf(item) === 'delete').map((item) => keyOf(item, key)));
  return { original: deleted.size === 0 ? base : base.filter((item) => !deleted.has(keyOf(item, key))), items };
}

/** Merges two lists by key. What the patch does not name keeps its identity. */
function mergeList(base: readonly Json[], patch: readonly Json[], key: string, list?: string): Json[] {
  const { original, items } = withoutSpecial(base, patch, key);
  const merged = [...original];
  const index = new Map<Json | undefined, number[]>();
  original.forEach((item, at) => {
    const places = index.get(keyOf(item, key));
    if (places === undefined) index.set(keyOf(item, key), [at]);
    else places.push(at);
  });
  const owners = new Map<Json, number>();
  for (const item of items) {
    const name = keyOf(item, key);
    const places = name === undefined ? undefined : index.get(name);
    // The first of a name counts. A port may be there for TCP and UDP, and then each has its own place.
    const at = key === 'containerPort' && places !== undefined && places.length > 1 ? places.shift() : places?.[0];
    const before = at === undefined ? undefined : merged[at];
    const isMerged = at !== undefined && isObject(before) && isObject(item);
    const place = isMerged ? at : merged.push(plain(item, 'kept')) - 1;
    if (isMerged) merged[at] = strategicMerge(withoutChoice(before, item, list, true), item);
    else index.set(name, [place]);
    const given = isObject(item) ? member(item, 'name') : undefined;
    if (given !== undefined) owners.set(given, place);
  }
  const wanted = items.map((item) => keyOf(item, key));
  return ordered(list === 'ports' ? withUniqueNames(merged, owners) : merged, wanted, original, key);
}

function mergeValue(base: Json | undefined, patch: Json, name: string): Json {
  if (isObject(patch) && isObject(base)) return strategicMerge(withoutChoice(base, patch, name, true), patch);
  const key = podMergeKeyOf(name);
  if (key !== undefined && Array.isArray(patch) && Array.isArray(base)) {
    return mergeList(base as readonly Json[], patch as readonly Json[], key, name);
  }
  return plain(patch, 'removed');
}

/** Returns the names that a directive lists beside the fields, by the name of the field. */
function besideFields(patch: JsonObject, prefix: string): [string, readonly Json[]][] {
  return Object.entries(patch).flatMap(([name, value]): [string, readonly Json[]][] =>
    name.startsWith(prefix) && Array.isArray(value) ? [[name.slice(prefix.length), value as readonly Json[]]] : [],
  );
}

function retained(base: JsonObject, patch: JsonObject): Map<string, Json | undefined> {
  const keys = member(patch, directives.retainKeys);
  const entries = Object.entries(base);
  return new Map(Array.isArray(keys) ? entries.filter(([name]) => (keys as readonly Json[]).includes(name)) : entries);
}

/**
 * Returns the base with the patch laid over it, as the API server's strategic merge patch does for pods: objects merge,
 * keyed lists merge by key, null removes a member, and directives are carried out. A value of the patch that has a
 * `$patch` is dropped where the base has nothing. Objects that the patch does not touch keep their identity. Unlike there,
 * the patch's choice replaces the base's where only one may be (the action of a probe, the source of a volume), and a port
 * of the base loses the name that the patch gives to another: the merged pod has to be valid.
 */
export function strategicMerge(base: JsonObject, patch: JsonObject): JsonObject {
  const directive = directiveOf(patch);
  if (directive === 'delete') return {};
  if (directive === 'replace') return plain(patch, 'kept') as JsonObject;
  const merged = retained(base, patch);
  for (const [name, deleted] of besideFields(patch, directives.deletion)) {
    const list = merged.get(name);
    if (Array.isArray(list))
      merged.set(
        name,
        (list as readonly Json[]).filter((item) => !deleted.includes(item)),
      );
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$') || value === undefined) continue;
    const before = merged.get(name);
    const isLost = value === null || (directiveOf(value) !== undefined && !isObject(before));
    if (isLost) merged.delete(name);
    else merged.set(name, mergeValue(before, value, name));
  }
  for (const [name, order] of besideFields(patch, directives.order)) {
    const list = merged.get(name);
    const original = member(base, name);
    if (!Array.isArray(list)) continue;
    const key = podMergeKeyOf(name);
    const wanted = order.map((item) => keyOf(item, key));
    merged.set(name, ordered(list as readonly Json[], wanted, Array.isArray(original) ? original : [], key));
  }
  return Object.fromEntries(merged);
}

/** Merges two lists of named objects, the patch first. Objects that the patch does not name keep their identity. */
export function mergeNamed(base: readonly JsonObject[], patch: readonly JsonObject[]): JsonObject[] {
  return mergeList(base, patch, 'name') as JsonObject[];
}
