import { objectMember, stringMember } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import { pathSegment, type ApiClient } from './client.ts';

/** Key of the ConfigMap. */
const rootsKey = 'root.pem';

/** Writes root certificates (PEM) into a ConfigMap that exists, unless it has them already. Needs `get` and `patch` on it. Rejects with an `ApiError`. */
export async function publishRoots(
  client: Pick<ApiClient, 'get' | 'patch'>,
  object: { readonly namespace: string; readonly name: string },
  roots: string,
): Promise<'same' | 'written' | 'missing'> {
  const namespace = pathSegment('namespace', object.namespace);
  const path = `/api/v1/namespaces/${namespace}/configmaps/${pathSegment('ConfigMap', object.name)}`;
  try {
    const { body } = await client.get(path);
    const data = objectMember(body, 'data');
    if (stringMember(data, rootsKey) === roots) return 'same';
    await client.patch(path, [{ op: 'add', path: '/data', value: { ...data, [rootsKey]: roots } }]);
    return 'written';
  } catch (error) {
    if (isApiError(error, 'not-found')) return 'missing';
    throw error;
  }
}
