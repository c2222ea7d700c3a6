import { isObject, member, type Json, type JsonObject } from './json.ts';
import { withoutChoice, withUniqueNames } from './unions.ts';

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

/** Returns by what an item of a list is known, or undefined if it has no such thing. */
type Identify = (item: Json) => Json | undefined;

/** A container may have a port of one number for each protocol (listMapKey of `ports` in kubernetes/api core/v1). */
const identifyPort: Identify = (port) => {
  if (!isObject(port)) return undefined;
  const number = member(port, 'containerPort');
  return number === undefined ? undefined : JSON.stringify([number, member(port, 'protocol') ?? 'TCP']);
};

/** Returns how items of the list are matched when two lists are merged, or undefined if the list is replaced whole. */
function identityIn(list: string): Identify | undefined {
  const key = mergeKeyOf(list);
  if (key === undefined) return undefined;
  return list === 'ports' ? identifyPort : (item) => (isObject(item) ? member(item, key) : undefined);
}

function overlayList(base: readonly Json[], patch: readonly Json[], list: string, identify: Identify): Json[] {
  // Of two items that are known by the same, the later counts, as in a container's environment.
  const last = new Map(patch.map((item) => [identify(item), item]));
  const merged = base.map((item) => {
    const over = identify(item) === undefined ? undefined : last.get(identify(item));
    return over === undefined ? item : overlayValue(item, over, list);
  });
  const present = new Set(base.map(identify));
  return [...merged, ...patch.filter((item) => !present.has(identify(item)))];
}

/** Returns the places in the merged list of items to which the patch gives names, by name. */
function nameOwners(merged: readonly Json[], patch: readonly Json[], identify: Identify): ReadonlyMap<Json, number> {
  return new Map(
    patch.flatMap((item): [Json, number][] => {
      const name = isObject(item) ? member(item, 'name') : undefined;
      return name === undefined ? [] : [[name, merged.findIndex((one) => identify(one) === identify(item))]];
    }),
  );
}

function overlayValue(base: Json | undefined, patch: Json, name: string): Json {
  if (isObject(base) && isObject(patch)) return overlay(withoutChoice(base, patch, name), patch);
  const identify = identityIn(name);
  if (identify === undefined || !Array.isArray(base) || !Array.isArray(patch)) return patch;
  const merged = overlayList(base as readonly Json[], patch as readonly Json[], name, identify);
  return name === 'ports' ? withUniqueNames(merged, nameOwners(merged, patch as readonly Json[], identify)) : merged;
}

/**
 * Returns the base with the patch laid over it: objects merge, keyed lists merge by key in the order of the base, null
 * removes a member, and any other value is replaced. Of what excludes each other (the action of a probe, the source of
 * a variable), the patch's replaces the base's.
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
