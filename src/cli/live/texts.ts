import { objectMember, type JsonObject } from '../../json/json.ts';

/** Labels or annotations of an object; values that are no texts are left out. */
export function textsOf(object: JsonObject | undefined, map: 'labels' | 'annotations'): Record<string, string> {
  const texts = objectMember(objectMember(object, 'metadata'), map) ?? {};
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
