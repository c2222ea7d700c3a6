import type { JsonObject } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import { webhookConfigurationPath } from './bundle-publisher.ts';
import { type ApiClient, pathSegment } from './client.ts';
import { webhookConfigurationName } from './names.ts';

/** Reads a pod as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readPod(client: ApiClient, namespace: string, name: string): Promise<JsonObject | undefined> {
  const path = `/api/v1/namespaces/${pathSegment('namespace', namespace)}/pods/${pathSegment('pod', name)}`;
  return readIfPresent(client, path);
}

/** Reads a namespace as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readNamespace(client: ApiClient, name: string): Promise<JsonObject | undefined> {
  return readIfPresent(client, `/api/v1/namespaces/${pathSegment('namespace', name)}`);
}

/** Reads a MutatingWebhookConfiguration as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readWebhookConfiguration(
  client: ApiClient,
  name: string = webhookConfigurationName,
): Promise<JsonObject | undefined> {
  return readIfPresent(client, webhookConfigurationPath(name));
}

async function readIfPresent(client: ApiClient, path: string): Promise<JsonObject | undefined> {
  try {
    return (await client.get(path)).body;
  } catch (error) {
    if (isApiError(error, 'not-found')) return undefined;
    throw error;
  }
}
