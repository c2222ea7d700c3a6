import type { JsonObject } from '../../json/json.ts';

/** Returns the texts in a member that is a list of texts; anything else in it is left out. */
export function texts(object: JsonObject | undefined, key: string): readonly string[] {
  const value = object?.[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
