import { objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import type { ApiClient } from './client.ts';

const pageSize = 500;

/** What to list of a collection. */
export interface ListOptions {
  readonly labelSelector?: string;
  /** Objects in one response. */
  readonly limit?: number;
}

/** Asks for one page; for fewer objects if they are too large for one answer. */
async function readPage(
  client: Pick<ApiClient, 'get'>,
  query: (limit: number) => string,
  limit: number,
): Promise<{ readonly body: JsonObject; readonly limit: number }> {
  try {
    return { body: (await client.get(query(limit))).body, limit };
  } catch (error) {
    if (!isApiError(error, 'bad-answer') || limit === 1) throw error;
    return readPage(client, query, Math.ceil(limit / 8));
  }
}

/** Yields a collection page by page, as it is when each is read. Rejects with an `ApiError`. */
export async function* listPages(
  client: Pick<ApiClient, 'get'>,
  path: string,
  { labelSelector, limit: most = pageSize }: ListOptions = {},
): AsyncGenerator<readonly JsonObject[]> {
  const selected = labelSelector === undefined ? '' : `&labelSelector=${encodeURIComponent(labelSelector)}`;
  let limit = most;
  let next = '';
  do {
    const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const page = await readPage(client, (fewer) => `${path}?limit=${fewer}${selected}${from}`, limit);
    const { body } = page;
    ({ limit } = page);
    yield objectsMember(body, 'items');
    next = stringMember(objectMember(body, 'metadata'), 'continue') ?? '';
  } while (next !== '');
}

/** Returns all objects of a collection, as they are when each page is read. Rejects with an `ApiError`. */
export async function listAll(
  client: Pick<ApiClient, 'get'>,
  path: string,
  options: ListOptions = {},
): Promise<readonly JsonObject[]> {
  const objects: JsonObject[] = [];
  for await (const page of listPages(client, path, options)) objects.push(...page);
  return objects;
}
