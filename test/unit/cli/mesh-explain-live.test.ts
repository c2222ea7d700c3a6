import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { cart, pod, rule } from '../../support/mesh/cart-objects.ts';
import { kubeconfigText } from '../kubernetes/fake-api-server.ts';

const collections: Readonly<Record<string, string>> = {
  '/api/v1/services': 'Service',
  '/api/v1/pods': 'Pod',
  '/apis/discovery.k8s.io/v1/endpointslices': 'EndpointSlice',
  '/apis/networking.istio.io/v1/virtualservices': 'VirtualService',
};

const virtualService = (status: number): JsonObject =>
  rule('VirtualService', 'cart', { hosts: ['cart'], http: [{ directResponse: { status } }] });

describe('mesh explain of a cluster', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mesh-explain-'));
  let objects: readonly JsonObject[] = [];
  let isAllowed = true;
  const server = createServer((request, response) => {
    const kind = collections[(request.url ?? '').split('?', 1)[0] ?? ''];
    const items = objects.filter((object) => object['kind'] === kind);
    response.writeHead(isAllowed ? (kind === undefined ? 404 : 200) : 403, { 'content-type': 'application/json' });
    response.end(JSON.stringify(kind === undefined ? { kind: 'Status', message: 'not found' } : { items }));
  });
  const explain = (stdin: string, ...words: readonly string[]) =>
    runCommand(['mesh', 'explain', ...words, '-n', 'shop', '--kubeconfig', path.join(folder, 'config')], stdin);

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      path.join(folder, 'config'),
      kubeconfigText({
        server: `http://127.0.0.1:${port}`,
        cluster: { 'insecure-skip-tls-verify': true },
        user: {},
      }),
    );
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    isAllowed = true;
    objects = [...cart, pod('web', '10.0.0.9', 'v1'), virtualService(418)];
  });

  test('reads what a control plane reads, and assumes nothing but the settings of a proxy that does not tell them', async () => {
    const { code, stdout, stderr } = await explain('', 'pod/web', 'http://cart.shop/');
    expect(stderr).toBe('');
    expect(stdout).toBe(`GET http://cart.shop:80/ from pod shop/web
note: the settings of its proxy cannot be read, so those that are built in are assumed
Listener   10.96.0.1_80, Service shop/cart; filter chain http, read as HTTP
Route      VirtualService shop/cart /spec/http/0
  for all requests
  answered by the client's proxy with 418: the route says so
`);
    expect(code).toBe(0);
  });

  test('shows the addresses of endpoints', async () => {
    objects = objects.filter(({ kind }) => kind !== 'VirtualService');
    const { stdout } = await explain('', 'pod/web', 'cart');
    expect(stdout).toContain(
      '    10.1.0.1:8080  pod shop/cart-1  healthy  mutual TLS  PERMISSIVE, lets it in\n    10.1.0.2:8080  pod shop/cart-2  healthy  plain text\n',
    );
  });

  test('with files it is as if they were applied; a Service keeps its address', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'cart' },
      spec: { ports: [{ port: 80, name: 'http' }] },
    };
    const files = [virtualService(200), service].map((one) => JSON.stringify(one)).join('\n---\n');
    const { stdout } = await explain(files, 'pod/web', 'cart', '--live', '-f', '-');
    expect(stdout).toContain('Listener   10.96.0.1_80, Service shop/cart;');
    expect(stdout).toContain("answered by the client's proxy with 200: the route says so\n");
  });

  test('says what the API server does not allow', async () => {
    isAllowed = false;
    const { code, stdout, stderr } = await explain('', 'pod/web', 'cart');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: .*403.*\nhint: check the kubeconfig and your permissions\n$/);
  });
});
