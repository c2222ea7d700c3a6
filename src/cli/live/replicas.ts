import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { ApiError } from '../../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../../kubernetes/client.ts';
import { listAll } from '../../kubernetes/list.ts';
import type { Deployed } from './deployed-files.ts';

/** A replica of the injector, and what it says of itself. */
export type Replica = { readonly name: string; readonly isReady: boolean } & (
  | {
      readonly version: string;
      readonly settingsHash: string;
      readonly refused: readonly string[];
      /** What it presents to the API server, PEM. */
      readonly certificate: string;
    }
  /** Why it does not say. */
  | { readonly problem: string }
);

function isReady(pod: JsonObject): boolean {
  const conditions = objectsMember(objectMember(pod, 'status'), 'conditions');
  return conditions.some((one) => stringMember(one, 'type') === 'Ready' && stringMember(one, 'status') === 'True');
}

/** The port of a replica that the API server calls. */
function portOf(container: JsonObject): number {
  const found = objectsMember(container, 'ports').find((one) => stringMember(one, 'name') === 'https');
  const number = member(found, 'containerPort');
  return typeof number === 'number' ? number : 8443;
}

async function askReplica(client: ApiClient, path: string, pod: { readonly name: string; readonly isReady: boolean }) {
  try {
    const { body } = await client.get(path);
    const refused = member(body, 'refused');
    return {
      ...pod,
      version: stringMember(body, 'version') ?? '',
      settingsHash: stringMember(body, 'settingsHash') ?? '',
      refused: Array.isArray(refused) ? refused.filter((one: unknown) => typeof one === 'string') : [],
      certificate: stringMember(body, 'certificate') ?? '',
    };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { ...pod, problem: error.message };
  }
}

/**
 * Asks every running replica behind the Service what it runs, each through the API server's proxy (`get` on
 * `pods/proxy`). Rejects with an `ApiError` if the pods cannot be listed.
 */
export async function readReplicas(client: ApiClient, deployed: Deployed): Promise<readonly Replica[]> {
  const namespace = pathSegment('namespace', deployed.namespace);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const selector = deployed.selector.map(([key, value]) => `${key}=${value}`).join(',');
  const found = await listAll(client, pods, { labelSelector: selector });
  const running = found.filter(
    (pod) =>
      stringMember(objectMember(pod, 'metadata'), 'deletionTimestamp') === undefined &&
      stringMember(objectMember(pod, 'status'), 'phase') === 'Running',
  );
  const port = portOf(deployed.container);
  return Promise.all(
    running.map((pod) => {
      const name = stringMember(objectMember(pod, 'metadata'), 'name') ?? '';
      const path = `${pods}/https:${pathSegment('pod', name)}:${port}/proxy/replica`;
      return askReplica(client, path, { name, isReady: isReady(pod) });
    }),
  );
}
