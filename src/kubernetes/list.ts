import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../json/json.ts';
import type { ApiClient } from './client.ts';

const pageSize = 500;

/** Returns all objects of a collection, as they are when each page is read. Rejects with an `ApiError`. */
export async function listAll(client: Pick<ApiClient, 'get'>, path: string): Promise<readonly JsonObject[]> {
  const objects: JsonObject[] = [];
  let next = '';
  do {
    const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const { body } = await client.get(`${path}?limit=${pageSize}${from}`);
    const items = member(body, 'items');
    objects.push(...(Array.isArray(items) ? (items as readonly Json[]).filter(isObject) : []));
    next = stringMember(objectMember(body, 'metadata'), 'continue') ?? '';
  } while (next !== '');
  return objects;
}
