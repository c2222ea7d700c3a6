import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsonPatch from 'fast-json-patch';
import { createAuthority, issueLeaf, localNames } from '../../../src/certs/authority.ts';
import { dayMs } from '../../../src/certs/durations.ts';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** An HTTPS server that answers GET, PUT and JSON Patch on raw objects as an API server does. */
export interface FakeApiServer {
  /** Path of a kubeconfig file for it. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly ca: string;
  readonly folder: string;
  readonly requests: RecordedRequest[];
  /** Objects by path; the versions count up. */
  readonly objects: Map<string, FakeObject>;
  /** Called before a request is answered; may answer it itself and return true, or change the objects. */
  intercept: ((request: RecordedRequest, response: ServerResponse) => boolean) | undefined;
  token: string;
  close(): Promise<void>;
}

export interface FakeObject {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly [key: string]: unknown;
}

export function kubeconfigText(options: {
  readonly server: string;
  readonly ca?: string;
  readonly user?: Record<string, unknown>;
  readonly cluster?: Record<string, unknown>;
}): string {
  const ca = options.ca && { 'certificate-authority-data': Buffer.from(options.ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: options.server, ...ca, ...options.cluster } }],
    users: [{ name: 'test', user: options.user ?? { token: 'sesame' } }],
  });
}

export async function startFakeApiServer(): Promise<FakeApiServer> {
  const now = new Date();
  const authority = await createAuthority({ now, lifetimeMs: dayMs });
  const leaf = await issueLeaf({ authority, names: localNames, now, lifetimeMs: dayMs });
  const folder = await mkdtemp(join(tmpdir(), 'api-server-'));
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (request, response) => {
    void answer(request, response);
  });
  server.on('tlsClientError', () => {});

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString('utf8');
    const recorded: RecordedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body: text === '' ? undefined : JSON.parse(text),
    };
    fake.requests.push(recorded);
    if (fake.intercept?.(recorded, response) === true) return;
    if (recorded.authorization !== `Bearer ${fake.token}`) return fail(response, 401, 'Unauthorized');
    const object = fake.objects.get(recorded.path);
    if (object === undefined) return fail(response, 404, `"${recorded.path}" not found`);
    const updated = update(object, recorded);
    if (typeof updated === 'string') return fail(response, updated.startsWith('conflict') ? 409 : 422, updated);
    fake.objects.set(recorded.path, updated);
    return send(response, 200, updated);
  }

  const fake: FakeApiServer = {
    kubeconfig: join(folder, 'kubeconfig'),
    url: '',
    ca: authority.certificate,
    folder,
    requests: [],
    objects: new Map(),
    intercept: undefined,
    token: 'sesame',
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await rm(folder, { recursive: true });
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  Object.assign(fake, { url: `https://127.0.0.1:${port}` });
  await writeFile(fake.kubeconfig, kubeconfigText({ server: fake.url, ca: fake.ca }));
  return fake;
}

/** The object after the request, or the sentence of a refusal. */
function update(object: FakeObject, request: RecordedRequest): FakeObject | string {
  if (request.method === 'GET') return object;
  const { name, resourceVersion } = object.metadata;
  const next = { ...object.metadata, resourceVersion: String(Number(resourceVersion) + 1) };
  if (request.method === 'PUT') {
    const body = request.body as FakeObject;
    if (request.contentType !== 'application/json') return `the body is ${request.contentType}`;
    if (body.metadata.resourceVersion !== resourceVersion) return `conflict on "${name}": the object has been modified`;
    return { ...body, metadata: next };
  }
  if (request.method !== 'PATCH' || request.contentType !== 'application/json-patch+json') return 'unknown request';
  try {
    const operations = request.body as jsonPatch.Operation[];
    const patched = jsonPatch.applyPatch(structuredClone(object), operations, true, true).newDocument;
    return { ...patched, metadata: next };
  } catch {
    return 'the server rejected our request due to an error in our request';
  }
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function fail(response: ServerResponse, code: number, message: string): void {
  send(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code });
}
