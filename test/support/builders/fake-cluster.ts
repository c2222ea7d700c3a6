import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JsonObject } from '../../../src/json/json.ts';

/** What the fake API server answers to one request. */
export interface FakeAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A cluster of objects at paths, for commands that read one. */
export interface FakeCluster {
  readonly kubeconfig: string;
  /** Objects and lists by path, without its query. */
  readonly objects: Map<string, unknown>;
  /** Answers to POST by path with its query; to PUT and PATCH by method and path, such as `PUT /api/v1/…`. */
  readonly posts: Map<string, (body: JsonObject) => FakeAnswer>;
  /** Methods and paths of all requests, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** The list of a collection. */
export function listOf(...items: readonly unknown[]): unknown {
  return { kind: 'List', metadata: {}, items };
}

/** What an API server says of a right that is missing. */
export function forbidden(verb: string, resource: string): FakeAnswer {
  const message = `${resource} is forbidden: User "somebody" cannot ${verb} resource "${resource}" in API group ""`;
  return { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden', message } };
}

function isAnswer(value: unknown): value is FakeAnswer {
  return typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'number';
}

/** Starts one without objects, over plain HTTP. */
export async function startFakeCluster(): Promise<FakeCluster> {
  const objects = new Map<string, unknown>();
  const posts: FakeCluster['posts'] = new Map();
  const requests: string[] = [];
  const notFound = { status: 404, body: { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' } };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    requests.push(`${method} ${url}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const found = objects.get(url.split('?', 1)[0] ?? '');
      const post = posts.get(method === 'POST' ? url : `${method} ${url}`);
      let answer: FakeAnswer = notFound;
      if (post !== undefined) answer = post(JSON.parse(Buffer.concat(chunks).toString()));
      else if (method === 'GET' && isAnswer(found)) answer = found;
      else if (method === 'GET' && found !== undefined) answer = { status: 200, body: found };
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = await mkdtemp(path.join(tmpdir(), 'fake-cluster-'));
  const kubeconfig = path.join(folder, 'config');
  const { port } = server.address() as AddressInfo;
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: {} }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    }),
  );
  return {
    kubeconfig,
    objects,
    posts,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}
