import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { ClusterAccess } from '../processes/control-plane.ts';

/** An object of the Kubernetes API, as JSON. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: unknown;
    ownerReferences?: unknown;
  };
}

/** A container of a pod; only what tests look at. */
export interface Container {
  name: string;
  image?: string;
  restartPolicy?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  volumeMounts?: { name: string; mountPath: string }[];
  [field: string]: unknown;
}

/** A pod; only what tests look at. */
export interface Pod extends KubernetesObject {
  spec: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: { name: string }[];
    [field: string]: unknown;
  };
  status?: { [field: string]: unknown };
}

/** An answer of the API server. */
export interface ApiAnswer<T> {
  readonly status: number;
  /** The object, or the `Status` that says why not. */
  readonly body: T & { readonly message?: string; readonly reason?: string };
  /** Texts of the `Warning` headers, unquoted. */
  readonly warnings: readonly string[];
}

/** Calls the API server with one identity. */
export interface ApiClient {
  get<T = KubernetesObject>(path: string): Promise<ApiAnswer<T>>;
  create<T = KubernetesObject>(path: string, object: object): Promise<ApiAnswer<T>>;
  replace<T = KubernetesObject>(path: string, object: object): Promise<ApiAnswer<T>>;
  /** `operations` is a JSON Patch when it is an array, else a merge patch. */
  patch<T = KubernetesObject>(path: string, operations: object): Promise<ApiAnswer<T>>;
  delete<T = KubernetesObject>(path: string): Promise<ApiAnswer<T>>;
  close(): void;
}

/** Opens connections to the API server as the holder of the token. */
export function openApiClient(access: Pick<ClusterAccess, 'url' | 'ca' | 'token'>): ApiClient {
  const agent = new Agent({ keepAlive: true, ca: access.ca });
  const call = <T>(method: string, path: string, body?: object): Promise<ApiAnswer<T>> => {
    const patchKind = Array.isArray(body) ? 'json-patch+json' : 'merge-patch+json';
    const headers = {
      authorization: `Bearer ${access.token}`,
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': `application/${method === 'PATCH' ? patchKind : 'json'}` }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, access.url), { method, agent, headers });
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const warnings = response.headersDistinct['warning'] ?? [];
          const body: ApiAnswer<T>['body'] = JSON.parse(isJson(response) ? text : JSON.stringify({ message: text }));
          resolve({ status: response.statusCode ?? 0, body, warnings: warnings.map(readWarning) });
        });
      });
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  };
  return {
    get: (path) => call('GET', path),
    create: (path, object) => call('POST', path, object),
    replace: (path, object) => call('PUT', path, object),
    patch: (path, operations) => call('PATCH', path, operations),
    delete: (path) => call('DELETE', path),
    close: () => agent.destroy(),
  };
}

function isJson(response: IncomingMessage): boolean {
  return response.headers['content-type']?.startsWith('application/json') === true;
}

function readWarning(header: string): string {
  const quoted = /^\d{3} \S+ "(.*)"$/s.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replaceAll(/\\(.)/g, '$1');
}
