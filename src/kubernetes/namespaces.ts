import { member, objectMember, objectsMember, stringMember } from '../json/json.ts';
import type { ApiClient } from './client.ts';

/** Annotations with one prefix, by namespace; namespaces that have none are omitted. */
export type NamespaceAnnotations = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Objects per response. A namespace takes about 2 KB, and a response may have 8 MiB. */
const pageSize = 500;

/** Lists all namespaces, page by page. Needs `list` on namespaces. Rejects with an `ApiError`. */
export async function readNamespaceAnnotations(
  client: Pick<ApiClient, 'get'>,
  prefix: string,
): Promise<NamespaceAnnotations> {
  const found = new Map<string, Readonly<Record<string, string>>>();
  let next = '';
  do {
    const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const { body } = await client.get(`/api/v1/namespaces?limit=${pageSize}${from}`);
    for (const item of objectsMember(body, 'items')) {
      const metadata = objectMember(item, 'metadata');
      const annotations = Object.entries(objectMember(metadata, 'annotations') ?? {}).filter(
        (entry): entry is [string, string] => entry[0].startsWith(prefix) && typeof entry[1] === 'string',
      );
      if (annotations.length > 0) found.set(stringMember(metadata, 'name') ?? '', Object.fromEntries(annotations));
    }
    const metadata = objectMember(body, 'metadata');
    const token = metadata === undefined ? undefined : member(metadata, 'continue');
    next = typeof token === 'string' ? token : '';
  } while (next !== '');
  return found;
}
