import { objectMember, stringMember, type JsonObject } from '../json/json.ts';

/** Returns `<namespace>/<name>` of an object, or its name if it has no namespace. */
export function keyOf(object: JsonObject): string {
  const metadata = objectMember(object, 'metadata');
  const namespace = stringMember(metadata, 'namespace');
  const name = stringMember(metadata, 'name') ?? '';
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
