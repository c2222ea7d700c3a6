import { isObject, member, type Json, type JsonObject } from './json.ts';

/** Merge keys by list name: Kubernetes' patchMergeKey, then those of templates. Other lists are replaced whole. */
const mergeKeys: ReadonlyMap<string, string> = new Map([
  ['containers', 'name'],
  ['initContainers', 'name'],
  ['ephemeralContainers', 'name'],
  ['env', 'name'],
  ['volumes', 'name'],
  ['imagePullSecrets', 'name'],
  ['volumeMounts', 'mountPath'],
  ['volumeDevices', 'devicePath'],
  ['ports', 'containerPort'],
  ['parameters', 'annotation'],
  ['share', 'path'],
  ['with', 'container'],
]);

/** Returns the member by which items of the list are matched, or undefined if the list is replaced as a whole. */
export function mergeKeyOf(list: string): string | undefined {
  return mergeKeys.get(list);
}

function overlayList(base: readonly Json[], patch: readonly Json[], key: string): Json[] {
  const keyOf = (item: Json): Json | undefined => (isObject(item) ? member(item, key) : undefined);
  const merged = base.map((item) => {
    const over = patch.find((candidate) => keyOf(candidate) !== undefined && keyOf(candidate) === keyOf(item));
    return over === undefined ? item : overlayValue(item, over, undefined);
  });
  const present = new Set(base.map(keyOf));
  return [...merged, ...patch.filter((item) => !present.has(keyOf(item)))];
}

function overlayValue(base: Json | undefined, patch: Json, name: string | undefined): Json {
  if (isObject(base) && isObject(patch)) return overlay(base, patch);
  const key = name === undefined ? undefined : mergeKeyOf(name);
  if (key !== undefined && Array.isArray(base) && Array.isArray(patch)) {
    return overlayList(base as readonly Json[], patch as readonly Json[], key);
  }
  return patch;
}

/**
 * Returns the base with the patch laid over it: objects merge, keyed lists merge by key in the order of the base, null
 * removes a member, and any other value is replaced.
 */
export function overlay(base: JsonObject, patch: JsonObject): JsonObject {
  const entries = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) entries.delete(name);
    else entries.set(name, overlayValue(entries.get(name), value, name));
  }
  return Object.fromEntries(entries);
}
