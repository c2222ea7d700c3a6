import { objectsMember, type JsonObject } from '../json/json.ts';
import { isApiError } from './api-error.ts';
import { webhookConfigurationPath } from './bundle-publisher.ts';
import { type ApiClient, pathSegment } from './client.ts';
import { webhookConfigurationName } from './names.ts';

/** Reads a pod as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readPod(client: ApiClient, namespace: string, name: string): Promise<JsonObject | undefined> {
  return readIfPresent(client, `${inNamespace(namespace)}/pods/${pathSegment('pod', name)}`);
}

/** Reads a namespace as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readNamespace(client: ApiClient, name: string): Promise<JsonObject | undefined> {
  return readIfPresent(client, inNamespace(name));
}

/** Reads a MutatingWebhookConfiguration as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readWebhookConfiguration(
  client: ApiClient,
  name: string = webhookConfigurationName,
): Promise<JsonObject | undefined> {
  return readIfPresent(client, webhookConfigurationPath(name));
}

/** Reads a Service as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readService(client: ApiClient, namespace: string, name: string): Promise<JsonObject | undefined> {
  return readIfPresent(client, `${inNamespace(namespace)}/services/${pathSegment('service', name)}`);
}

/** Reads a ConfigMap as raw JSON; undefined if it does not exist. Rejects with an `ApiError`. */
export async function readConfigMap(
  client: ApiClient,
  namespace: string,
  name: string,
): Promise<JsonObject | undefined> {
  return readIfPresent(client, `${inNamespace(namespace)}/configmaps/${pathSegment('configmap', name)}`);
}

/** Lists the Deployments of a namespace as raw JSON. Rejects with an `ApiError`. */
export async function listDeployments(client: ApiClient, namespace: string): Promise<readonly JsonObject[]> {
  const path = `/apis/apps/v1/namespaces/${pathSegment('namespace', namespace)}/deployments`;
  return objectsMember((await client.get(path)).body, 'items');
}

function inNamespace(namespace: string): string {
  return `/api/v1/namespaces/${pathSegment('namespace', namespace)}`;
}

async function readIfPresent(client: ApiClient, path: string): Promise<JsonObject | undefined> {
  try {
    return (await client.get(path)).body;
  } catch (error) {
    if (isApiError(error, 'not-found')) return undefined;
    throw error;
  }
}
