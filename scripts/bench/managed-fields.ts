import { isObject, type Json, type JsonObject } from '../../src/json/json.ts';

/** Lists that the API server tracks item by item, with the fields that tell the items apart (its merge keys). */
const keys: ReadonlyMap<string, readonly string[]> = new Map([
  ['containers', ['name']],
  ['initContainers', ['name']],
  ['env', ['name']],
  ['ports', ['containerPort', 'protocol']],
  ['volumeMounts', ['mountPath']],
  ['volumes', ['name']],
  ['ownerReferences', ['uid']],
  ['topologySpreadConstraints', ['topologyKey', 'whenUnsatisfiable']],
]);

function ownedList(list: readonly Json[], itemKeys: readonly string[]): JsonObject {
  const items = list.filter(isObject).map((item) => {
    const key = Object.fromEntries(itemKeys.map((name) => [name, item[name]]));
    return [`k:${JSON.stringify(key)}`, { '.': {}, ...ownedFields(item) }] as const;
  });
  return { '.': {}, ...Object.fromEntries(items) };
}

function ownedValue(name: string, value: Json | undefined): JsonObject {
  const itemKeys = keys.get(name);
  if (Array.isArray(value)) return itemKeys === undefined ? {} : ownedList(value as readonly Json[], itemKeys);
  return isObject(value) ? ownedFields(value) : {};
}

/** An object in the form of `FieldsV1`: every field as `f:name`, every item of a keyed list as `k:{"key":"value"}`. */
export function ownedFields(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [`f:${name}`, ownedValue(name, value)]));
}
