import { member, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import type { ApiClient } from './client.ts';

/**
 * Returns the paths of the collections of an API group, by their plural names, each in the first of these versions in which the API
 * server has it. A group that it does not have has none. Rejects with an `ApiError`.
 */
export async function findCollections(
  client: Pick<ApiClient, 'get'>,
  group: string,
  versions: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  const served = await listAt(client, `/apis/${group}`, 'versions');
  const known = new Set(served.map((one) => stringMember(one, 'version')));
  for (const version of versions.filter((one) => known.has(one))) {
    const path = `/apis/${group}/${version}`;
    for (const resource of await listAt(client, path, 'resources')) {
      const name = stringMember(resource, 'name');
      if (name !== undefined && !paths.has(name)) paths.set(name, `${path}/${name}`);
    }
  }
  return paths;
}

/** A kind of objects that the API server can list. */
export interface ServedKind {
  /** In the version that the API server prefers. */
  readonly apiVersion: string;
  readonly kind: string;
  /** All versions in which it is served. */
  readonly versions: readonly string[];
  /** Path of all its objects, in the preferred version. */
  readonly path: string;
}

/** Returns the kinds of an API group; none if the API server does not have it. Rejects with an `ApiError`. */
export async function findKinds(client: Pick<ApiClient, 'get'>, group: string): Promise<readonly ServedKind[]> {
  const kinds = new Map<string, ServedKind>();
  for (const served of await listAt(client, `/apis/${group}`, 'versions')) {
    const version = stringMember(served, 'version') ?? '';
    const path = `/apis/${group}/${version}`;
    for (const resource of await listAt(client, path, 'resources')) {
      const [name, kind] = [stringMember(resource, 'name'), stringMember(resource, 'kind')];
      const verbs = member(resource, 'verbs');
      if (name === undefined || kind === undefined || !Array.isArray(verbs) || !verbs.includes('list')) continue;
      const known = kinds.get(kind);
      const first = known ?? { apiVersion: `${group}/${version}`, kind, path: `${path}/${name}` };
      kinds.set(kind, { ...first, versions: [...(known?.versions ?? []), version] });
    }
  }
  return [...kinds.values()];
}

async function listAt(client: Pick<ApiClient, 'get'>, path: string, list: string): Promise<readonly JsonObject[]> {
  try {
    return objectsMember((await client.get(path)).body, list);
  } catch (error) {
    // It may go between one question and the next.
    if (isApiError(error, 'not-found')) return [];
    throw error;
  }
}
