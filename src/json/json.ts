/** Plain JSON as received. Objects that come from a user are read through the functions below, never copied. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Its keys come from a user, so `__proto__` or `constructor` may be among them. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** An object with a name, such as a container or a volume of Kubernetes. */
export type NamedObject = JsonObject & { readonly name: string };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the object's own member; inherited names such as `toString` are absent. */
export function member(object: JsonObject | undefined, key: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Returns the member if it is an object, else undefined (absent, null and other types alike). */
export function objectMember(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = member(object, key);
  return isObject(value) ? value : undefined;
}

/** Returns the object at the end of a chain of member names, or undefined if a member on the way is not an object. */
export function objectAt(object: JsonObject, way: readonly string[]): JsonObject | undefined {
  let found: JsonObject | undefined = object;
  for (const name of way) found = objectMember(found, name);
  return found;
}

/** Returns the objects in the member if it is an array, else an empty list. Items of other types are left out. */
export function objectsMember(object: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = member(object, key);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Returns the member if it is a string, else undefined. */
export function stringMember(object: JsonObject | undefined, key: string): string | undefined {
  const value = member(object, key);
  return typeof value === 'string' ? value : undefined;
}

/** Returns the list of strings in the member: empty if it is absent or null, undefined if it is anything else. */
export function stringsMember(object: JsonObject, key: string): readonly string[] | undefined {
  const value = member(object, key) ?? [];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

/** Returns the value of a JSON text, or undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Compares two entries by key, in UTF-16 code units: the same order in every locale. */
export function byKey([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}

/** Returns the value as JSON with the members of objects sorted by name, so that equal values have equal texts. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).toSorted(byKey)) : inner,
  );
}

/** Returns whether two different strings are equivalent for the purpose of a comparison. */
export type AreAlike = (left: string, right: string) => boolean;

const differ: AreAlike = () => false;

/**
 * Returns whether two plain values (JSON, undefined members allowed) are equal, whatever the order of their members.
 * Written as loops, without closures or lists of keys, because it is on the hot path of every pod.
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

/** Freezes the value deeply, in place, and returns it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) freezeDeep(item);
  return Object.freeze(value);
}
