/** Plain JSON as it came over the wire. Objects of a user are read through the functions below, never copied. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object; its keys are a user's, so `__proto__` or `constructor` may be among them. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object's own member; inherited names such as `toString` are absent. */
export function member(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The member when it is an object, else undefined (absent, null and other types alike). */
export function objectMember(object: JsonObject | undefined, key: string): JsonObject | undefined {
  if (object === undefined) return undefined;
  const value = member(object, key);
  return isObject(value) ? value : undefined;
}

/** The object that these members lead to, one inside the other; undefined when one of them is no object. */
export function objectAt(object: JsonObject, way: readonly string[]): JsonObject | undefined {
  let found: JsonObject | undefined = object;
  for (const name of way) found = objectMember(found, name);
  return found;
}

/** The member's objects when it is an array, else none; entries of other types are left out. */
export function objectsMember(object: JsonObject | undefined, key: string): readonly JsonObject[] {
  if (object === undefined) return [];
  const value = member(object, key);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The member when it is a string, else undefined. */
export function stringMember(object: JsonObject | undefined, key: string): string | undefined {
  if (object === undefined) return undefined;
  const value = member(object, key);
  return typeof value === 'string' ? value : undefined;
}

/** Order of entries by their keys, as code units: the same everywhere. */
export function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}

/** The value as JSON with the members of its objects in order: equal values have equal texts. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).toSorted(byKey)) : inner,
  );
}

/** Whether two different texts mean the same in a comparison. */
export type AreAlike = (left: string, right: string) => boolean;

const differ: AreAlike = () => false;

/**
 * Whether two plain values (JSON, with undefined members allowed) are alike, whatever the order of their members. Loops
 * without closures or lists of keys, because the hot path asks it for every pod.
 */
export function isSame(left: unknown, right: unknown, areAlike: AreAlike = differ): boolean {
  if (left === right) return true;
  if (typeof left === 'string' && typeof right === 'string') return areAlike(left, right);
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) if (!isSame(left[index], right[index], areAlike)) return false;
    return true;
  }
  if (Array.isArray(right)) return false;
  let members = 0;
  for (const key in left) {
    members += 1;
    if (!Object.hasOwn(right, key)) return false;
    if (!isSame((left as JsonObject)[key], (right as JsonObject)[key], areAlike)) return false;
  }
  return members === Object.keys(right).length;
}

/** The value itself, frozen to its last member. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) freezeDeep(item);
  return Object.freeze(value);
}
