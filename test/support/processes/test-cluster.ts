import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonObject } from '../../../src/json/json.ts';
import { openApiClient, type ApiAnswer, type ApiClient, type Pod } from '../http/api-client.ts';
import type { ClusterAccess } from './control-plane.ts';
import { until } from '../waiting.ts';

/** What the API server wrote to its audit log about one request. */
export interface AuditEvent {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly objectRef?: { readonly namespace?: string; readonly name?: string };
  readonly verb: string;
}

/** A cluster as a test sees it. */
export interface TestCluster extends ClusterAccess {
  readonly api: ApiClient;
  /** Creates a namespace with a name of its own and waits until pods can be created in it. */
  createNamespace(labels?: Readonly<Record<string, string>>): Promise<string>;
  /** Creates a pod; `query` as in `dryRun=All`. */
  createPod(namespace: string, pod: object, query?: string): Promise<ApiAnswer<Pod>>;
  /** The audit event of the creation of a pod, dry runs included. */
  findAudit(namespace: string, podName: string): Promise<AuditEvent>;
}

/** Labels of a namespace in which pods are injected. */
export const injected = { 'istio-injection': 'enabled' };

/** Opens the cluster with the identity that the access holds. */
export function openTestCluster(access: ClusterAccess): TestCluster {
  const api = openApiClient(access);
  return {
    ...access,
    api,
    async createNamespace(labels = {}) {
      const name = `test-${randomBytes(4).toString('hex')}`;
      const answer = await api.create('/api/v1/namespaces', { metadata: { name, labels } });
      if (answer.status !== 201) throw new Error(`namespace ${name}: ${answer.body.message}`);
      // Pods are refused until a controller has made this account, which takes longer after the API server was away.
      await until(
        `ServiceAccount default in ${name}`,
        async () => {
          const account = await api.get(`/api/v1/namespaces/${name}/serviceaccounts/default`);
          return account.status === 200 || undefined;
        },
        60_000,
      );
      return name;
    },
    createPod(namespace, pod, query = '') {
      return api.create<Pod>(`/api/v1/namespaces/${namespace}/pods?${query}`, pod);
    },
    findAudit(namespace, podName) {
      return until(`audit event of ${namespace}/${podName}`, async () => {
        const lines = (await readFile(path.join(access.folder, 'audit.log'), 'utf8')).split('\n').toReversed();
        const line = lines.find((text) => text.includes(`"${namespace}"`) && text.includes(`"name":"${podName}"`));
        if (line === undefined) return undefined;
        const event: AuditEvent = JSON.parse(line);
        return event;
      });
    },
  };
}

/** Whether the API server resizes pods in place, which is on by default from 1.33; before, the fields for it are taken out. */
export async function resizesPods({ api }: TestCluster): Promise<boolean> {
  const { body } = await api.get<{ resources: readonly { readonly name: string }[] }>('/api/v1');
  return body.resources.some(({ name }) => name === 'pods/resize');
}

/** A small pod; `more` replaces whole members of its metadata and spec. */
export function makePod(name: string, more: { metadata?: JsonObject; spec?: JsonObject } = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...more.metadata },
    spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }], ...more.spec },
  };
}

/** Names of all containers, init containers first, in order. */
export function containerNames(pod: Pod): readonly string[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.name);
}
