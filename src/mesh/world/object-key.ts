import { objectMember, stringMember, type JsonObject } from '../../json/json.ts';

/** Returns `<namespace>/<name>` of an object, or its name if it has no namespace. */
export function keyOf(object: JsonObject): string {
  const metadata = objectMember(object, 'metadata');
  const namespace = stringMember(metadata, 'namespace');
  const name = stringMember(metadata, 'name') ?? '';
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Returns the texts in a member that is a list of texts; anything else in it is left out. */
export function texts(object: JsonObject | undefined, key: string): readonly string[] {
  const value = object?.[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
