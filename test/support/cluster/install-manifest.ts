import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isObject, objectMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { root } from '../../../scripts/checkout.ts';

/** The objects of deploy/install.yaml, in file order. */
export async function readInstallManifest(): Promise<readonly JsonObject[]> {
  const text = await readFile(path.join(root, 'deploy/install.yaml'), 'utf8');
  const objects: unknown[] = parseAllDocuments(text).map((document) => document.toJS());
  return objects.filter(isObject);
}

/** The one object of the kind and name; throws when there is none. */
export function findObject(objects: readonly JsonObject[], kind: string, name: string): JsonObject {
  const found = objects.find(
    (object) => object['kind'] === kind && stringMember(objectMember(object, 'metadata'), 'name') === name,
  );
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}
