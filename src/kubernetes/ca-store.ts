import type { CaStore } from '../certs/stores.ts';
import { type JsonObject, objectMember, stringMember } from '../json/json.ts';
import { ApiError, isApiError } from './api-error.ts';
import { type ApiClient, pathSegment } from './client.ts';
import { namespaceName, secretName } from './names.ts';

/** The CA Secret in the cluster. Needs `get` and `update` on this Secret. */
export function createCaStore(
  client: ApiClient,
  options: { readonly namespace?: string; readonly name?: string } = {},
): CaStore {
  const { namespace = namespaceName, name = secretName } = options;
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/secrets/${pathSegment('Secret', name)}`;

  return {
    async read() {
      try {
        const { body, serverTime } = await client.get(path);
        const annotations = annotationsOf(body);
        return {
          data: decodeData(body),
          resourceVersion: versionOf(body),
          annotations,
          ...(serverTime && { serverTime }),
        };
      } catch (error) {
        if (isApiError(error, 'not-found')) return undefined;
        throw error;
      }
    },
    async fill(data, resourceVersion) {
      try {
        // The whole object is sent back, so that labels, owners and fields of later API versions are kept.
        const { body } = await client.get(path);
        if (versionOf(body) !== resourceVersion) return 'conflict';
        await client.put(path, { ...body, data: encodeData(data) });
        return 'written';
      } catch (error) {
        if (isApiError(error, 'not-found')) return 'missing';
        if (isApiError(error, 'conflict')) return 'conflict';
        throw error;
      }
    },
  };
}

function versionOf(secret: JsonObject): string {
  const version = stringMember(objectMember(secret, 'metadata'), 'resourceVersion');
  // Without it the write would not be a compare-and-swap, and two replicas could end up with different CAs.
  if (version === undefined || version === '') throw new ApiError('bad-answer', 'the Secret has no resourceVersion');
  return version;
}

function annotationsOf(secret: JsonObject): ReadonlyMap<string, string> {
  const entries = Object.entries(objectMember(objectMember(secret, 'metadata'), 'annotations') ?? {});
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function decodeData(secret: JsonObject): ReadonlyMap<string, string> {
  const entries = Object.entries(objectMember(secret, 'data') ?? {});
  return new Map(
    entries.map(([key, value]) => [
      key,
      typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '',
    ]),
  );
}

function encodeData(data: ReadonlyMap<string, string>): JsonObject {
  // `fromEntries` defines own properties, even for a key such as `__proto__`.
  return Object.fromEntries([...data].map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]));
}
